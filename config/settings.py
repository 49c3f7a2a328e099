"""Every setting comes from the environment or `.env`; an empty environment boots on SQLite."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from config.logs import without_needless_traceback

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", False)
PORTAL_URL = env.str("PORTAL_URL", "http://127.0.0.1:8000").rstrip("/")
_portal = urlsplit(PORTAL_URL)
_portal_host = _portal.hostname or ""
_https = _portal.scheme == "https"

# Everybody can read this one: config/start.py refuses it where others can reach the portal
DEVELOPMENT_KEY = "development-key-for-a-portal-on-loopback-only-0000000000"
SECRET_KEY = env.str("SECRET_KEY", "") or DEVELOPMENT_KEY

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_portal_host, "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list(
    "CSRF_TRUSTED_ORIGINS", default=[f"{_portal.scheme}://{_portal.netloc}"]
)
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
ADMIN_PATH = env.str("ADMIN_PATH", "admin").strip("/") + "/"

INSTALLED_APPS = [
    "operations",  # first: its qcluster and runserver stand before those of the packages
    "config.admin.AdminPages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_q",
    "accounts",
    "tickets",
    "telegram_bot",
    "mail",
    "webhooks",
    "portal",
    "desk",
    "rest_framework",
    "api",
]
if find_spec("sandbox"):  # no image for production holds it
    INSTALLED_APPS.append("sandbox")
if find_spec("drf_spectacular"):  # nor this: it writes api/openapi.yaml, which is handed out
    INSTALLED_APPS.append("drf_spectacular")

MIDDLEWARE = [
    "accounts.middleware.trusted_scheme",
    "api.middleware.problems_everywhere",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.readable_request",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.bodies.BodyLimits",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.two_steps",
    "portal.lost_forms.KeepingLoginRequiredMiddleware",
    "accounts.middleware.private_pages",
    "accounts.middleware.own_time_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.bot_status",
            ],
        },
    },
]

# Database: WAL with IMMEDIATE transactions lets web, worker and bot write one SQLite file.
DATABASES = {"default": env.db("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = 600
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif _database["ENGINE"].endswith("postgresql"):
    # Compiling a statement is dearer than running any of ours: a search took four times as long
    _database.setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache("CACHE_URL", "locmemcache://")}

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.UsernameOrEmailBackend",
    "accounts.backends.SecondStepBackend",
]
STAFF_2FA = env.bool("STAFF_2FA", False)  # whether all staff needs a second step to log in
OTP_TOTP_SYNC = False  # a code is good for one step more or less, however often it was late
OTP_TOTP_THROTTLE_FACTOR = 0  # accounts/guessing.py is the limiter, of codes as of passwords
SIGN_UP = env.bool("SIGN_UP", False)  # whether people may make an account by themselves
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "ticket_list"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 3600
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # from the last request
STAFF_SESSION_AGE = 3600

AXES_HANDLER = "accounts.guessing.LoginLimits"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.backends.attempted_login"
AXES_CLIENT_IP_CALLABLE = "accounts.client_ip.counted_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # knocking must not lock for ever
AXES_LOCKOUT_CALLABLE = "portal.views.passwords.locked_out"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # locks end by themselves
AXES_DISABLE_ACCESS_LOG = True  # it would keep who came from where for ever

# Web security follows the scheme of PORTAL_URL
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
if TRUSTED_PROXIES and _https:  # of other peers accounts.middleware takes the header away
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.lost_forms.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Language, time, files
LANGUAGE_CODE = "ru"
TIME_ZONE = env.str("TIME_ZONE", "Europe/Moscow")
USE_I18N = USE_TZ = True
STATIC_URL = "static/"
# The page that shows the API; the package is no app, since half of its files are of another page
SWAGGER_UI = files("drf_spectacular_sidecar") / "static/drf_spectacular_sidecar/swagger-ui-dist"
STATICFILES_DIRS = [BASE_DIR / "static", ("swagger-ui", str(SWAGGER_UI))]
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "static_root")))
WHITENOISE_USE_FINDERS = True  # the portal runs without collectstatic; the image collects
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "media")))
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024**2  # bytes of a form besides its files; portal/bodies.py
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "config.uploads.NamelessFileUploadHandler",
]
MIN_FREE_DISK_MB = env.int("MIN_FREE_DISK_MB", 200)  # with less free no files are taken
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static_files.HashedStaticFiles",
        # collected by the one who builds an image, read by the one who runs it
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},
    },
}

# Mail
vars().update(env.email("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Поддержка <support@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
STAFF_EMAIL = env.str("STAFF_EMAIL", "")

# Tickets and their way out
TICKET_AUTOCLOSE_DAYS = env.int("TICKET_AUTOCLOSE_DAYS", 7)
NOTICE_CHANNELS = [
    "telegram_bot.channel.TelegramChannel",
    "mail.channel.EmailChannel",
    "webhooks.channel.WebhookChannel",
]
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", False)  # for development: also inside

# What is kept of a person, in the order of an erasure: a list of sections (accounts.personal_data)
PERSONAL_DATA = [
    "telegram_bot.own_data.DialogsSection",
    "webhooks.own_data.WebhooksSection",
    "tickets.own_data.TicketsSection",
    "tickets.own_data.WordsSection",
    "tickets.own_data.FilesSection",
    "tickets.own_data.DraftsSection",
    "tickets.own_data.ChoicesSection",
    "tickets.own_data.DeskSection",
    "accounts.own_data.LoginSection",
    "accounts.own_data.PersonSection",
    "tickets.own_data.DeliveriesSection",  # last: the end of the consent has a letter, too
]

# Programs
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.callers.BearerAuthentication",
        "api.callers.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],  # api/base.py lets in whom a view is for
    "DEFAULT_PARSER_CLASSES": ["api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "api.problems.answer_to",
    "DEFAULT_SCHEMA_CLASS": "api.schema.making.ApiSchema",
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "API поддержки",
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "Status": "tickets.status.TicketStatus",
        "Priority": "tickets.models.Priority",
        "Role": "tickets.status.Role",
        "Scope": "accounts.models.Scope",
        "FileState": "tickets.models.Attachment.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.schema.making.finish",
    ],
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # a test holds more than it would
}

# Queue: the ORM broker makes `enqueue` part of the caller's transaction.
Q_CLUSTER = {
    "name": "support",
    "orm": "default",
    "broker_class": "config.queue.Broker",
    "workers": 3,
    "queue_limit": 3,
    "bulk": 1,
    "poll": 0.2,
    "timeout": 40,
    "retry": 180,
    "ack_failures": True,
    "save_limit": 50,
    "catch_up": False,
    "label": "Очередь",
}

# Telegram
TELEGRAM_BOT_TOKEN = env.str("TELEGRAM_BOT_TOKEN", "")
TELEGRAM_API_URL = env.str("TELEGRAM_API_URL", "https://api.telegram.org").rstrip("/")
TELEGRAM_LINK_URL = env.str("TELEGRAM_LINK_URL", "https://t.me").rstrip("/")
TELEGRAM_PROXY_URL = env.str("TELEGRAM_PROXY_URL", "")
TELEGRAM_WEBHOOK_URL = env.str("TELEGRAM_WEBHOOK_URL", "")
TELEGRAM_WEBHOOK_SECRET = env.str("TELEGRAM_WEBHOOK_SECRET", "")
TELEGRAM_WEBHOOK_LISTEN = env.str("TELEGRAM_WEBHOOK_LISTEN", "127.0.0.1:8443")

# Logs. Some libraries print what nobody may read, however much is asked of the others: httpx
# addresses with the bot token, telegram what people write (a PIN), templates their whole context
# (a PIN, a reset link), the database its parameters.
LOG_FORMAT = env.str("LOG_FORMAT", "text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "config.logs.TextFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "filters": {"brief": {"()": lambda: without_needless_traceback}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["brief"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django.db.backends": {"level": "INFO"},
        "django.template": {"level": "INFO"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "telegram": {"level": "INFO"},
        "axes": {"level": "ERROR"},  # accounts.security says who and from where
        "django-q": {"level": "WARNING"},
        "mail.log": {"level": "WARNING"},
    },
}
