"""Settings of a worker whose webhooks stay on this machine and are tried again soon."""

from config.settings import *  # noqa: F403

WEBHOOK_ALLOW_PRIVATE = True
NOTICE_CHANNELS = ["tests.journeys.hasty_webhooks.HastyWebhookChannel"]
