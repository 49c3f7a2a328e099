"""The channel of webhooks with the same number of tries, in seconds instead of days."""

from datetime import timedelta

from webhooks import courier
from webhooks.channel import WebhookChannel

courier.TIME_LIMIT = 2.5


class HastyWebhookChannel(WebhookChannel):
    schedule = tuple(timedelta(seconds=wait) for wait in (0.2, 0.5, 1, 2, 4, 8, 8, 8, 8))
