"""Contents of files that no row names: what a killed process or a full disk left behind."""

import logging
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from math import ceil
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from tickets.attachments import attachment_storage, delete_content, unnamed
from tickets.leases import take_lease
from tickets.models import ATTACHMENTS, Attachment

logger = logging.getLogger(__name__)

SWEEP = "stray files"
SWEEP_EVERY = timedelta(hours=1)
STRAY_AFTER = timedelta(days=1)  # no upload takes so long
NAMES_A_FOLDER = 5000  # looked at in one sweep
NAMES_A_QUERY = 500
OWN_NAME = re.compile(r"[0-9a-f]{32}(?:_[A-Za-z0-9]+)?")


def delete_stray_files() -> None:
    """Delete, once an hour, contents older than a day that no attachment names.

    Looks at some thousand names: of the two newest months, and of the older ones in turn. Touches
    nothing while there is no attachment at all, as a new database beside old files would.
    """
    storage = attachment_storage()
    if not isinstance(storage, FileSystemStorage):
        return
    # A new owner each time: not even this process may take the lease again within the hour.
    if not take_lease(SWEEP, uuid4().hex, SWEEP_EVERY) or not Attachment.objects.exists():
        return
    hour = int(timezone.now().timestamp() // 3600)
    deleted = 0
    for month, turn in _months_to_look_at(Path(storage.path(ATTACHMENTS)), hour):
        for name in _strays(month, turn):
            deleted += delete_content(name)
    if deleted:
        logger.warning("%s stray files deleted", deleted)


def _months_to_look_at(root: Path, hour: int) -> list[tuple[Path, int]]:
    """Folders, and which turn it is to look at each."""
    months = sorted(root.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]"))
    newest, older = months[-2:], months[:-2]
    found = [(month, hour) for month in newest]
    if older:
        found.append((older[hour % len(older)], hour // len(older)))
    return found


def _strays(month: Path, turn: int) -> Iterator[str]:
    """What is old and nobody's in a folder, as the storage names it; a large folder by parts."""
    names = sorted(name for name in os.listdir(month) if OWN_NAME.fullmatch(name))
    start = turn % max(1, ceil(len(names) / NAMES_A_FOLDER)) * NAMES_A_FOLDER
    folder = f"{ATTACHMENTS}/{month.parent.name}/{month.name}"
    part = names[start : start + NAMES_A_FOLDER]
    old = [f"{folder}/{name}" for name in part if _is_old(month / name)]
    for place in range(0, len(old), NAMES_A_QUERY):
        asked = old[place : place + NAMES_A_QUERY]
        yield from unnamed(asked)


def _is_old(path: Path) -> bool:
    try:
        changed = path.stat().st_mtime
    except FileNotFoundError:  # deleted at this moment
        return False
    return changed < (timezone.now() - STRAY_AFTER).timestamp()
