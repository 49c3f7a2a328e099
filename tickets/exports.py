"""Archives of personal data: asked for by a person, written by the worker in short slices."""

import json
import logging
import shutil
import time
import zipfile
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import DataExport, Erasure, User
from accounts.news import AccountNews
from accounts.personal_data import Entry, sections
from accounts.rights import HANDLE_PERSONAL_DATA, may_act
from config.database import is_unavailable
from config.disk import has_room
from config.queue import enqueue
from tickets.delivery import tell_by_letter
from tickets.refusals import DataErased, ExportTooSoon, NotYours

logger = logging.getLogger(__name__)

EXPORTS = "exports"  # the folder under MEDIA_ROOT, which web and worker share
KEPT = timedelta(days=7)
EVERY = timedelta(hours=1)  # a person's new archive after a ready one
ATTEMPTS = 5  # to begin anew, after a worker was killed or a section broke
ROWS_A_CALL = 100
COPIED_AT_ONCE = 1024**2  # bytes
BAD_IN_NAMES = str.maketrans('\\:*?"<>|', "________")  # no file of Windows may have them
State = DataExport.State


def archive_path(number: UUID, *, unfinished: bool = False) -> Path:
    return Path(settings.MEDIA_ROOT) / EXPORTS / f"{number}{'.part' if unfinished else '.zip'}"


def require_handling(user: User, asked_by: User) -> None:
    """Somebody's data are their own business, and that of administrators. Raises NotYours."""
    if asked_by != user and not may_act(asked_by, HANDLE_PERSONAL_DATA, over=user):
        raise NotYours


def request_export(*, user: User, asked_by: User) -> DataExport:
    """Begin an archive of a person's data; the same one while it is being made.

    Raises ExportTooSoon within an hour of a ready one, NotYours and DataErased.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        require_handling(user, asked_by)
        if Erasure.objects.filter(user=user).exists():
            raise DataErased
        known = DataExport.objects.filter(user=user, asked_by=asked_by).first()
        if known and known.state == State.MAKING:
            return known
        if known and known.state == State.READY and _is_fresh(known):
            raise ExportTooSoon
        _drop([known] if known else [])
        export = DataExport.objects.create(user=user, asked_by=asked_by)
        enqueue("tickets.tasks.work_on_personal_data")
        return export


def _is_fresh(export: DataExport) -> bool:
    ended = export.ended_at
    return ended is not None and timedelta() <= timezone.now() - ended < EVERY


def export_of(*, user: User, asked_by: User) -> DataExport | None:
    """The archive somebody has asked for, while it is kept."""
    return _kept().filter(user=user, asked_by=asked_by).first()


def downloadable(number: UUID, asked_by: User) -> DataExport | None:
    """A ready archive, for the one who asked for it only."""
    return _kept().filter(pk=number, asked_by=asked_by, state=State.READY).first()


def _kept() -> "QuerySet[DataExport]":
    return DataExport.objects.exclude(ended_at__lt=timezone.now() - KEPT)


# Making


def exports_under_way() -> bool:
    return DataExport.objects.filter(state=State.MAKING).exists()


def export_for_a_slice(end: float) -> bool:
    """Go on with the oldest archive until `end` (monotonic); False when it has to rest."""
    export = DataExport.objects.filter(state=State.MAKING).order_by("asked_at", "pk").first()
    if export is None:
        return True
    try:
        _go_on(export, end)
    except Exception as error:
        if is_unavailable(error):
            raise
        logger.exception("Archive %s cannot be written", export.pk)
        _begin_anew(export)
        return False
    return True


def _go_on(export: DataExport, end: float) -> None:
    part = archive_path(export.pk, unfinished=True)
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if export.size != _size(part):  # a killed worker left half a slice
        _begin_anew(export)
    if export.state == State.MAKING and not has_room(part):
        _fail(export)
    if export.state != State.MAKING:
        return
    todo = sections()
    with _opened(part) as archive:
        while export.section < len(todo) and time.monotonic() < end:
            page = todo[export.section].export(export.user, export.after)
            for entry in page.entries:
                _write(archive, entry)
            if page.after is None:
                export.section, export.after = export.section + 1, 0
            else:
                export.after = page.after
    export.size = part.stat().st_size
    if export.section < len(todo):
        _save(export, "section", "after", "size")
    else:
        _finish(export, part)


def _opened(part: Path) -> zipfile.ZipFile:
    """The archive to go on with; of a new one the first entry says what the others are."""
    if not part.exists():
        part.touch(mode=0o600)
    archive = zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED)
    if not archive.namelist():
        archive.writestr("README.txt", render_to_string("exports/readme.txt"))
    return archive


def _write(archive: zipfile.ZipFile, entry: Entry) -> None:
    name = entry.name.translate(BAD_IN_NAMES)
    if entry.content is None:
        text = json.dumps(entry.data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        archive.writestr(name, text.encode(errors="replace"))
        return
    try:
        content = entry.content()
    except OSError:  # the rest of the archive is worth having
        logger.warning("an archive lacks a content that cannot be read")
        archive.writestr(f"{name}.missing.txt", _("Содержимое файла не найдено."))
        return
    info = zipfile.ZipInfo(name, timezone.localtime().timetuple()[:6])
    with content, archive.open(info, "w") as target:  # stored as it is: most are packed already
        shutil.copyfileobj(content, target, COPIED_AT_ONCE)


def _finish(export: DataExport, part: Path) -> None:
    part.rename(archive_path(export.pk))
    export.state, export.ended_at = State.READY, timezone.now()
    _tell(export, AccountNews.EXPORT_READY)


def _begin_anew(export: DataExport) -> None:
    """From the first entry; too often is a failure, of which the asker is told."""
    archive_path(export.pk, unfinished=True).unlink(missing_ok=True)
    export.attempts += 1
    export.section = export.after = export.size = 0
    if export.attempts >= ATTEMPTS:
        _fail(export)
    else:
        _save(export, "section", "after", "size", "attempts")


def _fail(export: DataExport) -> None:
    _remove_files(export.pk)
    export.state, export.ended_at = State.FAILED, timezone.now()
    _tell(export, AccountNews.EXPORT_FAILED)


def _tell(export: DataExport, news: AccountNews) -> None:
    with transaction.atomic():
        if _save(export, "state", "section", "size", "attempts", "ended_at"):
            tell_by_letter(
                email=export.asked_by.email,
                kind=news,
                key=f"{news}:{export.pk}",
                recipient=export.asked_by,
                data={"about": export.user_id},
            )


def _save(export: DataExport, *fields: str) -> bool:
    """False when the archive was dropped meanwhile: what was written of it goes, too."""
    values = {name: getattr(export, name) for name in fields}
    saved = bool(DataExport.objects.filter(pk=export.pk).update(**values))
    if not saved:
        _remove_files(export.pk)
    return saved


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# Ending


def drop_exports(user: User) -> None:
    """Delete the archives about a person, and those the person has asked for."""
    _drop(list(DataExport.objects.filter(Q(user=user) | Q(asked_by=user))))


def _drop(exports: list[DataExport]) -> None:
    numbers = [export.pk for export in exports]
    DataExport.objects.filter(pk__in=numbers).delete()
    for number in numbers:
        transaction.on_commit(partial(_remove_files, number))


def _remove_files(number: UUID) -> None:
    for unfinished in (False, True):
        archive_path(number, unfinished=unfinished).unlink(missing_ok=True)


def delete_old_exports() -> None:
    """Archives past their time, and files of EXPORTS that belong to none."""
    old = DataExport.objects.filter(ended_at__lt=timezone.now() - KEPT).order_by("ended_at")
    _drop(list(old[:ROWS_A_CALL]))
    folder = Path(settings.MEDIA_ROOT) / EXPORTS
    names = sorted(folder.iterdir())[:ROWS_A_CALL] if folder.exists() else []
    if not names:
        return
    known = {str(number) for number in DataExport.objects.values_list("pk", flat=True)}
    for path in names:
        if path.stem not in known:
            path.unlink(missing_ok=True)
