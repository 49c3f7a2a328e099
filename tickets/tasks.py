"""Queue entry points: names and ids in, quiet when there is nothing to do."""

from config.queue import enqueue
from tickets import delivery


def drain(channel_name: str) -> None:
    delivery.drain(channel_name)


def every_minute() -> None:
    """For one release: what was queued under this name before an upgrade."""
    enqueue("operations.tasks.every_minute")
