"""Whether a disk may be written to: nobody may fill it up."""

import logging
import shutil
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)


def has_room(place: Path, size: int = 0) -> bool:
    """Whether MIN_FREE_DISK_MB are left at a place after `size` bytes more; 0 = never asked."""
    if not settings.MIN_FREE_DISK_MB:
        return True
    try:
        while not place.exists():  # nothing was stored yet
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError:
        logger.exception("the free space of %s is not known", place)
        return True  # storing will show
    return bool(free - size >= settings.MIN_FREE_DISK_MB * 1024**2)
