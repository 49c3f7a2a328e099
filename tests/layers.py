"""The floors of the house: what each file may import of us and of the guarded libraries.

`test_imports.py` holds every file against the row that names it best: its own, else its folder's.
"""

TICKETS = {
    "tickets/status.py": [],
    "tickets/text.py": [],
    "tickets/models": ["accounts.models", "tickets.models", "tickets.status"],
    "tickets/refusals.py": ["accounts.quotas", "config.numerals", "tickets.status"],
    "tickets/refusals_joining.py": ["tickets.refusals"],
    "tickets/file_kinds.py": [],
    "tickets/strays.py": ["tickets.attachments", "tickets.leases", "tickets.models"],
    "tickets/forms.py": [
        "accounts.models", "config.database", "tickets.attachments", "tickets.drafts",
        "tickets.models", "tickets.refusals",
    ],
    "tickets/token_forms.py": [
        "accounts.models", "accounts.tokens", "tickets.attachments", "tickets.forms",
        "tickets.refusals",
    ],
    "tickets/drafts.py": [
        "accounts.models", "tickets.models", "tickets.queries", "tickets.refusals",
    ],
    "tickets/attachments.py": [
        "accounts.quotas", "accounts.typed", "config.disk", "config.numerals", "tickets.file_kinds",
        "tickets.models", "tickets.refusals", "tickets.text",
    ],
    "tickets/leases.py": ["config.backoff", "tickets.models"],
    "tickets/notices.py": ["accounts.models", "tickets.models", "tickets.status"],
    "tickets/agents.py": [
        "accounts.models", "config.compiled", "tickets.channels", "tickets.models",
        "tickets.notices", "tickets.preferences", "tickets.queries", "tickets.refusals",
    ],
    "tickets/channels.py": [
        "accounts.models", "config.backoff", "tickets.models", "tickets.notices",
    ],
    "tickets/followers.py": [
        "accounts.models", "accounts.quotas", "tickets.agents", "tickets.channels",
        "tickets.models", "tickets.queries", "tickets.refusals",
    ],
    "tickets/preferences.py": [
        "accounts.models", "accounts.quotas", "tickets.models", "tickets.notices",
    ],
    "tickets/delivery.py": [
        "accounts.linking", "accounts.models", "accounts.news", "config", "tickets.channels",
        "tickets.leases", "tickets.models", "tickets.notices",
    ],
    "tickets/due.py": ["tickets.models", "tickets.status"],
    "tickets/queries.py": [
        "accounts.models", "config.compiled", "tickets.models", "tickets.status",
    ],
    "tickets/versions.py": [
        "tickets.models", "tickets.plain", "tickets.recording", "tickets.refusals",
    ],
    "tickets/plain.py": ["accounts.models", "tickets.models"],
    "tickets/kin.py": ["tickets.models"],
    "tickets/queue.py": [
        "accounts.models", "config.compiled", "tickets.models", "tickets.queries",
        "tickets.status",
    ],
    "tickets/search.py": [
        "accounts.models", "accounts.phone", "tickets.models", "tickets.queries",
        "tickets.search_postgresql", "tickets.search_sqlite", "tickets.text",
    ],
    "tickets/people.py": ["accounts.models", "accounts.phone", "tickets.search", "tickets.text"],
    "tickets/search_postgresql.py": ["tickets.models"],
    "tickets/search_sqlite.py": ["tickets.models"],
    "tickets/bulk.py": [
        "accounts.quotas", "tickets.agents", "tickets.forms", "tickets.models", "tickets.queries",
        "tickets.recording", "tickets.refusals",
    ],
    "tickets/saved_views.py": [
        "accounts.models", "tickets.models", "tickets.refusals", "tickets.text",
    ],
    "tickets/reads.py": ["accounts.models", "tickets.models"],
    "tickets/form_fields.py": [
        "config.numerals", "tickets.file_kinds", "tickets.attachments", "tickets.models",
        "tickets.refusals", "tickets.text",
    ],
    "tickets/recording.py": [
        "accounts.models", "accounts.quotas", "config.compiled", "config.database",
        "tickets.agents", "tickets.attachments", "tickets.delivery", "tickets.due",
        "tickets.models", "tickets.queries", "tickets.refusals", "tickets.resting",
        "tickets.status", "tickets.text",
    ],
    "tickets/comments.py": [
        "tickets.forms", "tickets.attachments", "tickets.models", "tickets.recording",
        "tickets.refusals", "tickets.status", "tickets.text", "tickets.mentions",
    ],
    "tickets/canned.py": [
        "accounts.models", "accounts.quotas", "tickets.attachments", "tickets.models",
        "tickets.recording", "tickets.refusals", "tickets.search",
    ],
    "tickets/similar.py": ["accounts.models", "config.compiled", "tickets.models"],
    "tickets/readiness.py": [
        "accounts.linking", "tickets.channels", "tickets.delivery", "tickets.leases",
        "tickets.models", "tickets.queries",
    ],
    "tickets/set_up.py": [
        "accounts.models", "accounts.quotas", "tickets.delivery", "tickets.models",
        "tickets.refusals",
    ],
    "tickets/reports.py": [
        "accounts.models", "tickets.models", "tickets.queries", "tickets.spans", "tickets.status",
    ],
    "tickets/spans.py": [],
    "tickets/reach.py": ["tickets.delivery", "tickets.models", "tickets.notices"],
    "tickets/services.py": [
        "accounts.models", "accounts.quotas", "config.backoff", "tickets.agents",
        "tickets.attachments", "tickets.comments", "tickets.forms", "tickets.models",
        "tickets.queries", "tickets.recording", "tickets.refusals", "tickets.status",
        "tickets.text",
    ],
    "tickets/on_behalf.py": [
        "accounts.models", "tickets.attachments", "tickets.canned", "tickets.forms",
        "tickets.models", "tickets.recording", "tickets.services",
    ],
    "tickets/resting.py": ["tickets.models", "tickets.status"],
    "tickets/snoozing.py": [
        "tickets.models", "tickets.recording", "tickets.refusals", "tickets.resting",
        "tickets.status",
    ],
    "tickets/links.py": [
        "tickets.models", "tickets.recording", "tickets.refusals", "tickets.refusals_joining",
    ],
    "tickets/mentions.py": ["accounts.models", "tickets.models"],
    "tickets/presence.py": ["accounts.models", "tickets.models", "tickets.queries"],
    "tickets/details.py": ["tickets.models", "tickets.recording", "tickets.refusals"],
    "tickets/clocks.py": [
        "tickets.due", "tickets.models", "tickets.recording", "tickets.refusals",
        "tickets.services", "tickets.status",
    ],
    "tickets/announcements.py": [
        "accounts.models", "accounts.rights", "tickets.models", "tickets.refusals", "tickets.text",
    ],
    "tickets/incidents.py": [
        "accounts.quotas", "config.queue", "tickets.attachments", "tickets.canned",
        "tickets.comments", "tickets.models", "tickets.recording", "tickets.refusals",
        "tickets.refusals_joining", "tickets.services", "tickets.status", "tickets.text",
    ],
    "tickets/splitting.py": [
        "tickets.attachments", "tickets.models", "tickets.recording", "tickets.refusals_joining",
        "tickets.services",
    ],
    "tickets/merging.py": [
        "tickets.models", "tickets.queries", "tickets.recording", "tickets.refusals",
        "tickets.refusals_joining", "tickets.status",
    ],
    "tickets/own_data.py": [
        "accounts.models", "accounts.news", "accounts.personal_data", "tickets.attachments",
        "tickets.delivery", "tickets.drafts", "tickets.models", "tickets.queries",
    ],
    "tickets/exports.py": [
        "accounts.models", "accounts.news", "accounts.personal_data", "accounts.rights", "config",
        "tickets.delivery", "tickets.refusals",
    ],
    "tickets/erasures.py": [
        "accounts.models", "accounts.news", "accounts.personal_data", "accounts.security", "config",
        "tickets.delivery", "tickets.exports", "tickets.models", "tickets.refusals",
    ],
    "tickets/handover.py": [
        "accounts.models", "config.queue", "tickets.agents", "tickets.delivery", "tickets.models",
        "tickets.notices", "tickets.queries", "tickets.recording",
    ],
    "tickets/tasks.py": [
        "config.queue", "tickets.delivery", "tickets.erasures", "tickets.exports",
        "tickets.handover", "tickets.incidents", "tickets.leases",
    ],
    "tickets/checks.py": [],
    "tickets/apps.py": [
        "accounts.linking", "accounts.news", "accounts.rights", "tickets.checks",
        "tickets.delivery", "tickets.handover", "tickets.leases",
    ],
    "tickets/templatetags": [
        "tickets.drafts", "tickets.forms", "tickets.delivery", "tickets.models", "tickets.status",
        "config.numerals", "tickets.mentions",
    ],
    "tickets/__init__.py": [],
}  # fmt: skip

BOT = {
    "telegram_bot/__init__.py": [],
    "telegram_bot/apps.py": ["telegram_bot.files", "tickets.leases"],
    "telegram_bot/models.py": ["config.statements", "tickets.models"],
    "telegram_bot/keyboards.py": [],
    "telegram_bot/templating.py": ["telegram_bot.templatetags", "tickets.templatetags"],
    "telegram_bot/utf16.py": [],
    "telegram_bot/mentions.py": ["telegram"],
    "telegram_bot/content.py": ["telegram", "tickets.text"],
    "telegram_bot/replies.py": ["telegram_bot.keyboards"],
    "telegram_bot/addresses.py": [],
    "telegram_bot/database.py": [],
    "telegram_bot/bot_api.py": ["aiohttp", "telegram"],
    "telegram_bot/groups.py": ["telegram_bot.models", "tickets.delivery"],
    # out: the worker loads these, so no screens and no inbox
    "telegram_bot/notices.py": [
        "accounts.linking", "accounts.models", "telegram", "telegram_bot.keyboards",
        "telegram_bot.models", "telegram_bot.replies", "telegram_bot.templating",
        "telegram_bot.utf16", "tickets.agents", "tickets.channels", "tickets.models",
        "tickets.notices", "tickets.queries", "tickets.status",
    ],
    "telegram_bot/channel.py": [
        "accounts.linking", "accounts.models", "accounts.services", "accounts.time_zones",
        "config.compiled", "telegram", "telegram_bot.bot_api", "telegram_bot.groups",
        "telegram_bot.models", "telegram_bot.notices", "telegram_bot.reasons",
        "telegram_bot.replies", "telegram_bot.sending", "telegram_bot.services",
        "telegram_bot.utf16", "tickets.agents", "tickets.channels", "tickets.followers",
        "tickets.models", "tickets.notices", "tickets.preferences",
    ],
    "telegram_bot/reasons.py": [],
    "telegram_bot/sending.py": [
        "telegram", "telegram_bot.bot_api", "telegram_bot.replies", "tickets.models",
    ],
    "telegram_bot/own_data.py": [
        "accounts.models", "accounts.personal_data", "telegram_bot.models",
    ],
    "telegram_bot/services.py": [
        "accounts.models", "config.compiled", "telegram_bot.models", "telegram_bot.notices",
        "tickets.delivery",
    ],
    "telegram_bot/files.py": [
        "accounts.models", "config", "telegram", "telegram_bot.bot_api", "telegram_bot.models",
        "telegram_bot.notices", "telegram_bot.services", "tickets",
    ],
    "telegram_bot/tasks.py": [
        "accounts.linking", "accounts.models", "config.queue", "telegram_bot.files",
        "telegram_bot.models", "telegram_bot.services", "tickets.delivery",
    ],
    # in
    "telegram_bot/unreadable.py": ["telegram", "telegram_bot.models", "telegram_bot.replies"],
    "telegram_bot/intake.py": ["telegram", "telegram_bot.bot_api", "telegram_bot.unreadable"],
    "telegram_bot/inbox.py": [
        "config.database", "config.statements", "telegram", "telegram_bot.bot_api",
        "telegram_bot.database", "telegram_bot.mentions", "telegram_bot.models",
        "telegram_bot.unreadable",
    ],
    "telegram_bot/incoming.py": [
        "accounts.links", "accounts.models", "telegram", "telegram_bot.content",
        "telegram_bot.keyboards", "telegram_bot.models", "telegram_bot.replies", "tickets.text",
    ],
    "telegram_bot/direct_replies.py": [
        "accounts.links", "config.backoff", "config.database", "config.statements", "telegram",
        "telegram_bot.bot_api", "telegram_bot.database", "telegram_bot.groups",
        "telegram_bot.models",
    ],
    "telegram_bot/processing.py": [
        "accounts.quotas", "accounts.services", "accounts.time_zones", "config.backoff",
        "config.compiled", "config.database", "config.statements", "telegram",
        "telegram_bot.database", "telegram_bot.direct_replies", "telegram_bot.inbox",
        "telegram_bot.incoming", "telegram_bot.keyboards", "telegram_bot.models",
        "telegram_bot.replies",
    ],
    # screens
    "telegram_bot/flows": [
        "accounts", "config.compiled", "config.numerals", "telegram", "telegram_bot.content",
        "telegram_bot.files", "telegram_bot.flows", "telegram_bot.groups", "telegram_bot.incoming",
        "telegram_bot.keyboards", "telegram_bot.mentions", "telegram_bot.models",
        "telegram_bot.notices", "telegram_bot.replies", "telegram_bot.services",
        "telegram_bot.templating", "telegram_bot.utf16", "tickets",
    ],
    "telegram_bot/templatetags": [
        "accounts.models", "config.numerals", "telegram_bot.utf16", "tickets",
    ],
    "telegram_bot/application.py": [
        "telegram", "telegram_bot.bot_api", "telegram_bot.flows", "telegram_bot.inbox",
        "telegram_bot.incoming", "telegram_bot.intake", "telegram_bot.keyboards",
        "telegram_bot.mentions", "telegram_bot.models", "telegram_bot.processing",
        "telegram_bot.replies",
    ],
    "telegram_bot/management": [
        "accounts", "config.backoff", "config.queue", "config.start", "telegram", "telegram_bot",
        "tickets",
    ],
}  # fmt: skip

# The way to a stranger's server knows no database, what decides knows no network
HOOKS = {
    "webhooks/__init__.py": [],
    "webhooks/apps.py": [],
    "webhooks/models.py": ["accounts.models", "tickets.models"],
    "webhooks/signing.py": [],
    "webhooks/addresses.py": ["webhooks.models"],
    "webhooks/courier.py": ["httpcore", "webhooks.addresses"],
    "webhooks/bodies.py": [
        "tickets.kin", "tickets.models", "tickets.plain", "tickets.queries", "tickets.status",
        "webhooks.models",
    ],
    "webhooks/services.py": [
        "accounts", "config.compiled", "tickets.delivery", "tickets.models", "webhooks.addresses",
        "webhooks.models", "webhooks.signing",
    ],
    "webhooks/channel.py": [
        "tickets.channels", "tickets.leases", "tickets.models", "tickets.notices",
        "webhooks.bodies", "webhooks.courier", "webhooks.models", "webhooks.services",
        "webhooks.signing",
    ],
    "webhooks/own_data.py": [
        "accounts.models", "accounts.personal_data", "tickets.models", "webhooks.models",
        "webhooks.services",
    ],
}  # fmt: skip

# What faces may see of a channel
CHANNEL_FOR_FACES = [
    "telegram_bot.models", "telegram_bot.services", "webhooks.addresses", "webhooks.models",
    "webhooks.services",
]  # fmt: skip

ACCOUNTS = {
    "accounts": ["config", "accounts"],
    "accounts/browsers.py": [],
    "accounts/security.py": ["accounts.client_ip", "accounts.models"],
    "accounts/sessions.py": ["accounts.models"],
    "accounts/news.py": ["accounts.models"],
    "accounts/guessing.py": [
        "accounts.backends", "accounts.models", "accounts.security", "config.backoff",
    ],
    "accounts/links.py": ["accounts.models", "config.compiled"],
    "accounts/names.py": [],
    "accounts/mailboxes.py": ["accounts.typed", "config.letters"],
    "accounts/identity.py": [
        "accounts.mailboxes", "accounts.models", "accounts.names", "accounts.news",
        "accounts.phone", "accounts.quotas", "accounts.rights", "accounts.security",
        "accounts.sessions", "config.backoff",
    ],
}  # fmt: skip

TABLE: dict[str, list[str]] = {
    "config": ["config"],
    "config/queue.py": ["config.queue_news", "django_q"],
    **ACCOUNTS,
    **TICKETS,
    "mail": ["config", "accounts", "tickets", "mail"],
    **BOT,
    **HOOKS,
    "portal": ["config", "accounts", "tickets", "portal", *CHANNEL_FOR_FACES],
    "desk": ["config", "accounts", "tickets", "desk", *CHANNEL_FOR_FACES],
    "api": ["config", "accounts", "tickets", "rest_framework", "api"],
    "api/schema": ["accounts.models", "tickets", "drf_spectacular", "api"],
    "operations": [
        "config", "accounts", "tickets", "mail", "telegram_bot", "webhooks",
        "operations",
        "sandbox.new_token",  # ./run hands one to the processes it starts
    ],
    "operations/management/commands/qcluster.py": [
        "config.queue", "config.start", "django_q", "operations.tasks", "tickets.delivery",
    ],
    "sandbox": ["sandbox", "aiohttp", "aiosmtpd"],
}  # fmt: skip
