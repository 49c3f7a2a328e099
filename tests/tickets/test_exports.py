"""What an archive of personal data holds, how it is made, and how it ends."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core import mail
from django_q.models import OrmQ

from accounts.models import DataExport
from operations.tasks import EVERY_MINUTE
from tests.factories import open_ticket
from tests.files import PDF, pdf
from tests.queue import Task, queued
from tests.tickets.personal_data import CHAT, PHONE, close_ticket, keep_everything, work_off
from tickets import exports, own_data, tasks
from tickets.exports import archive_path, delete_old_exports, request_export
from tickets.models import Attachment
from tickets.refusals import ExportTooSoon

pytestmark = pytest.mark.django_db
State = DataExport.State


@pytest.fixture
def known(anna, agent):
    keep_everything(anna, agent)
    return anna


@pytest.fixture
def made():
    """`made(anna)` asks for an archive, lets the worker make it and opens it."""

    def made(person, asked_by=None) -> zipfile.ZipFile:
        export = request_export(user=person, asked_by=asked_by or person)
        work_off()
        return zipfile.ZipFile(archive_path(export.pk))

    return made


def read(archive: zipfile.ZipFile, name: str):
    return json.loads(archive.read(name))


def everything(archive: zipfile.ZipFile) -> str:
    return "\n".join([*archive.namelist(), *map(str, map(archive.read, archive.namelist()))]) + str(
        [archive.read(name).decode() for name in archive.namelist() if name.endswith(".json")]
    )


def test_person_consent_link_and_words_are_in_it(known, made):
    archive = made(known)
    assert archive.testzip() is None
    person = read(archive, "person.json")
    assert (person["email"], person["organization"]) == ("anna@alpha.example", "ООО «Альфа»")
    [consent] = read(archive, "consents.json")
    assert (consent["phone"], consent["consent_version"]) == (PHONE, "2026-11")
    assert consent["consented_at"]
    assert read(archive, "links.json")[0]["address"] == str(CHAT)
    number = known.tickets.get().pk
    ticket = read(archive, f"tickets/{number}/ticket.json")
    assert (ticket["title"], ticket["score"]) == ("тайна темы", 5)
    assert [row["body"] for row in ticket["comments"]] == [
        "тайна иначе",
        "Ответ поддержки",
        "Готово",
    ]
    assert [row["form"] for row in read(archive, "drafts.json")] == ["comment", "phone"]
    assert read(archive, "telegram/dialogs.json")[0]["draft"] == {"title": "тайна"}
    assert read(archive, "telegram/group_settings.json")[0]["group__title"] == "Проект"
    assert {row["kind"] for row in read(archive, "deliveries/0.json")} >= {"resolved", "comment"}


def test_own_files_are_in_it_as_they_are(known, made):
    archive = made(known)
    files = {name: archive.read(name) for name in archive.namelist() if "/files/" in name}
    assert [name.partition("-")[2] for name in files] == ["тайна.pdf", "счёт.pdf"]
    assert set(files.values()) == {PDF}


def test_internal_notes_and_other_people_are_not_in_it(known, boris, made):
    open_ticket(boris, title="Чужая тема", files=[pdf("чужой.pdf")])
    told = everything(made(known))
    assert "Ответ поддержки" in told
    for hidden in ("Служебное", "служебный.pdf", "Чужая тема", "чужой.pdf", "olga", "noted"):
        assert hidden not in told


def test_missing_content_spoils_nothing_else(known, made):
    first = Attachment.objects.order_by("pk").first()
    Path(first.file.path).unlink()
    names = made(known).namelist()
    assert [name for name in names if name.endswith(".missing.txt")] == [
        f"tickets/{first.ticket_id}/files/{first.pk}-тайна.pdf.missing.txt"
    ]
    assert any(name.endswith("счёт.pdf") for name in names)


@pytest.mark.parametrize("name", ['a:b*?"<>|.pdf', "..pdf", "CON.pdf", "один.pdf"])
def test_names_stay_inside_and_fit_every_system(anna, made, name):
    ticket = open_ticket(anna, files=[pdf(), pdf()])
    ticket.attachments.update(name=name)
    found = [entry for entry in made(anna).namelist() if "/files/" in entry]
    assert len(set(found)) == 2
    assert not any(set(':*?"<>|\\') & set(entry) or "../" in entry for entry in found)


def test_pages_join_without_gaps(anna, agent, made, monkeypatch):
    for name, size in (("TICKETS_A_BATCH", 2), ("ROWS_A_BATCH", 2), ("BYTES_A_PAGE", 1)):
        monkeypatch.setattr(own_data, name, size)
    for _number in range(5):
        close_ticket(anna, agent)
    archive = made(anna)
    names = archive.namelist()
    assert len(names) == len(set(names))
    assert len([name for name in names if name.endswith("/ticket.json")]) == 5
    assert len([name for name in names if "/files/" in name]) == 10
    told = [row for name in names if name.startswith("deliveries/") for row in read(archive, name)]
    assert len(told) == anna.delivery_set.exclude(kind="export_ready").count()


@pytest.mark.parametrize("number", [1, 3])
def test_query_count_of_a_page(anna, agent, number, django_assert_num_queries):
    for _number in range(number):
        close_ticket(anna, agent)
    with django_assert_num_queries(5):
        assert len(own_data.TicketsSection().export(anna, 0).entries) == number


def test_every_slice_goes_on_where_the_last_ended(known, monkeypatch):
    times = iter(range(10_000))
    clock = SimpleNamespace(monotonic=lambda: next(times))
    for module in (exports, tasks):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(tasks, "SHORT_SLICE", 2.5)
    export = request_export(user=known, asked_by=known)
    assert work_off() > 3
    export.refresh_from_db()
    assert (export.state, export.attempts) == (State.READY, 0)
    names = zipfile.ZipFile(archive_path(export.pk)).namelist()
    assert len(names) == len(set(names))


def test_slices_follow_each_other_by_the_queue_and_a_lost_one_comes_back(known, monkeypatch):
    work = Task("tickets.tasks.work_on_personal_data", ())
    request_export(user=known, asked_by=known)
    assert work in queued()
    OrmQ.objects.all().delete()  # lost with its worker
    tasks.wake_personal_data()
    assert queued() == [work]
    assert tasks.wake_personal_data in EVERY_MINUTE
    OrmQ.objects.all().delete()
    monkeypatch.setattr(tasks, "SHORT_SLICE", 0)
    tasks.work_on_personal_data()
    assert queued() == [work]
    monkeypatch.undo()
    work_off()
    OrmQ.objects.all().delete()
    tasks.wake_personal_data()
    assert queued() == []


def half_written(export: DataExport) -> Path:
    """A killed worker left more than the row knows of."""
    part = archive_path(export.pk, unfinished=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"PK\x03\x04 half of an entry")
    return part


def test_what_a_killed_worker_left_is_begun_anew(known):
    export = request_export(user=known, asked_by=known)
    part = half_written(export)
    work_off()
    export.refresh_from_db()
    assert (export.state, export.attempts) == (State.READY, 1)
    assert zipfile.ZipFile(archive_path(export.pk)).testzip() is None
    assert not part.exists()


def test_after_five_tries_it_has_failed_and_the_asker_is_told(known, monkeypatch):
    def fail(*_args):
        raise ValueError("тайна")

    monkeypatch.setattr(own_data.DraftsSection, "export", fail)
    export = request_export(user=known, asked_by=known)
    work_off()
    export.refresh_from_db()
    assert (export.state, export.attempts) == (State.FAILED, 5)
    assert [letter.subject for letter in mail.outbox if "Архив" in letter.subject] == [
        "Архив данных собрать не получилось"
    ]
    assert list(archive_path(export.pk).parent.iterdir()) == []
    assert request_export(user=known, asked_by=known).state == State.MAKING


def test_full_disk_is_not_filled_up(known, settings, monkeypatch):
    settings.MIN_FREE_DISK_MB = 100
    usage = SimpleNamespace(free=99 * 1024**2)
    export = request_export(user=known, asked_by=known)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    work_off()
    export.refresh_from_db()
    assert export.state == State.FAILED


def test_letter_says_where_and_nothing_more(known, made):
    made(known)
    [letter] = [letter for letter in mail.outbox if "Архив" in letter.subject]
    assert letter.to == ["anna@alpha.example"]
    assert "/personal-data/" in letter.body
    assert str(DataExport.objects.get().pk) not in letter.body


def test_one_archive_at_a_time_and_one_an_hour(known, made, clock):
    first = request_export(user=known, asked_by=known)
    assert request_export(user=known, asked_by=known) == first
    made(known)
    with pytest.raises(ExportTooSoon):
        request_export(user=known, asked_by=known)
    clock.advance(hours=1, seconds=1)
    second = request_export(user=known, asked_by=known)
    assert second.pk != first.pk
    assert DataExport.objects.count() == 1


def test_clock_that_went_back_holds_nobody(known, made, clock):
    made(known)
    clock.advance(hours=-2)
    assert request_export(user=known, asked_by=known).state == State.MAKING


def test_archive_is_kept_seven_days(known, made, clock):
    made(known)
    export = DataExport.objects.get()
    clock.advance(days=7, seconds=-5)
    delete_old_exports()
    assert archive_path(export.pk).exists()
    clock.advance(seconds=10)
    assert exports.export_of(user=known, asked_by=known) is None
    delete_old_exports()
    assert not archive_path(export.pk).exists()
    assert not DataExport.objects.exists()


def test_files_that_belong_to_no_archive_are_deleted(known, made):
    made(known)
    kept = archive_path(DataExport.objects.get().pk)
    stray = kept.with_name("00000000-0000-4000-8000-000000000000.part")
    stray.touch()
    delete_old_exports()
    assert kept.exists()
    assert not stray.exists()


def test_archive_dropped_while_it_is_written_leaves_no_file(known, monkeypatch):
    def drop(*_args):
        DataExport.objects.all().delete()
        return own_data.Page([])

    monkeypatch.setattr(own_data.DraftsSection, "export", drop)
    export = request_export(user=known, asked_by=known)
    work_off()
    assert list(archive_path(export.pk).parent.iterdir()) == []
    assert not [letter for letter in mail.outbox if "Архив" in letter.subject]


def test_archive_of_a_person_is_readable_by_the_owner_of_the_process_only(known, made):
    made(known)
    path = archive_path(DataExport.objects.get().pk)
    assert path.stat().st_mode & 0o077 == 0
