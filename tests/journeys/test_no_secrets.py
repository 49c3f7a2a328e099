"""Nothing of what a journey leaves tells a token, a PIN, a phone, a password or a reset link.

Every process logs at DEBUG. Searched are the logs, each column of each table (what is packed is
unpacked first), the arguments of the processes and the names of stored files.
"""

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import models
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts.models import BotRegistration, DataExport, Erasure, Organization, User
from tests import factories
from tests.journeys.conftest import PHONES, database_url, is_quiet, new_database
from tests.journeys.processes import Processes, Visitor, models_in, run_safety_net, wait_until
from tests.journeys.test_journey import card_path, create_ticket, pin_of, register
from tests.local_telegram import PATIENCE, Json
from tickets import recording
from tickets.models import Delivery, Ticket
from tickets.services import change_status
from tickets.status import TicketStatus

pytestmark = pytest.mark.journey
WRONG, NEW = "wrong-password-1", "brand new horse 2026"
ODD_PHONE = "8 (916) 123-45-67"
TOKEN = re.compile(r"vks_[\w-]{43}")
LINK = re.compile(r"/password/reset/[\w-]+/([\w-]+)/")
# Where a phone or an e-mail is at home
Home = tuple[type[models.Model], str]
HOMES: set[Home] = {
    (BotRegistration, "phone"), (User, "email"), (User, "username"), (Organization, "email"),
    (Delivery, "address"), (Erasure, "email"),
}  # fmt: skip


@dataclass
class Secrets:
    """What was secret in a journey: nowhere at all, or nowhere but at home."""

    never: set[str] = field(default_factory=set)
    personal: set[str] = field(default_factory=set)

    def found_in(self, text: str, *, at_home: bool = False) -> list[str]:
        sought = self.never if at_home else self.never | self.personal
        # A PIN is six digits of which a longer number may happen to have some
        return [one for one in sought if re.search(rf"(?<![0-9]){re.escape(one)}(?![0-9])", text)]


@pytest.fixture(params=["text", pytest.param("json", marks=pytest.mark.one_database)])
def loud(request, filled, tmp_path, django_db_blocker) -> Iterator[Processes]:
    """All processes, logging all they can in this form."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.journeys.loud_settings",
        "LOG_FORMAT": request.param,
    }
    with new_database(tmp_path, "secrets", django_db_blocker, like=filled) as name:
        processes = Processes(tmp_path, database_url(name), **settings)
        try:
            with django_db_blocker.unblock(), models_in(name):
                processes.start("sandbox")
                processes.start("web", "worker", "bot")
                yield processes
        finally:
            processes.end()


def test_nothing_that_is_left_tells_a_secret(loud):
    secrets = Secrets({loud.token, loud.token.partition(":")[2], factories.PASSWORD, WRONG, NEW})
    secrets.personal |= {phone.removeprefix("+7") for phone in PHONES.values()}
    secrets.personal |= {ODD_PHONE, "123-45-67", *User.objects.values_list("email", flat=True)}
    anna, desk = Visitor(loud.url), Visitor(loud.url)
    try:
        walk(loud, anna, desk, secrets)
        assert is_quiet()
        assert (
            len(secrets.never) >= 5 + 2 + 1 + 1
        )  # two PINs, a token; links of one second are the same
        assert leaks(loud, secrets, HOMES) == []
        leave(anna, Ticket.objects.get().pk)
    finally:
        anna.close()
        desk.close()
    secrets.personal = {"9161234567", "123-45-67", "anna@example.com", "Кузнецова"}
    assert leaks(loud, secrets, homes=set()) == []
    assert all("DEBUG" in loud.logs()[name] for name in ("worker", "bot"))  # web has nothing to say


# The journey


def walk(loud: Processes, anna: Visitor, desk: Visitor, secrets: Secrets) -> None:
    sandbox = loud.sandbox
    with pytest.raises(AssertionError):
        anna.log_in("anna", WRONG)
    reset_password(loud, anna, secrets)
    anna.log_in("anna@example.com", NEW)
    use_token(loud, anna, secrets)
    register(anna, sandbox)
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")
    sandbox.contact("anna")
    sandbox.wait_for("anna", "Шаг 2 из 2")
    letter = sandbox.wait_for_mail("ПИН-код")
    wait_until(lambda: 'data-state="pin_sent"' in anna.open("/telegram/state/"))
    pin = pin_of(letter)
    wrong = f"{(int(pin) + 1) % 10**6:06}"
    secrets.never |= {pin, wrong}
    sandbox.send("anna", wrong)
    sandbox.wait_for("anna", lambda message: "опыт" in message["text"])
    sandbox.send("anna", f"код {pin}")
    sandbox.wait_for("anna", "Регистрация завершена")
    number = create_ticket(sandbox)
    desk.log_in("igor", factories.PASSWORD, "/admin/login/")
    before = sandbox.last("anna")["message_id"]
    desk.submit(card_path(number), {"answer": "Смотрим журнал."})
    sandbox.wait_for("anna", "Смотрим журнал.", after=before)
    anna.submit("/personal-data/", {})
    wait_until(lambda: DataExport.objects.filter(state="ready").exists())
    run_safety_net()


def reset_password(loud: Processes, anna: Visitor, secrets: Secrets) -> None:
    """Twice: the first link is never opened, the second is used."""
    for number in (1, 2):
        User.objects.update(reset_mailed_at=None)
        anna.submit("/password/reset/", {"email": "anna@example.com"})
        wait_until(lambda wanted=number: len(reset_letters(loud)) == wanted)
    links = [LINK.search(letter["text"]) for letter in reset_letters(loud)]
    secrets.never |= {link[1] for link in links}
    anna.open(links[0][0])
    set_password = links[0][0].replace(links[0][1], "set-password")
    anna.submit(set_password, {"new_password1": NEW, "new_password2": NEW})


def use_token(loud: Processes, anna: Visitor, secrets: Secrets) -> None:
    """Made at the portal, used once, and told by letter."""
    form = {"name": "Мониторинг", "scopes": "tickets:read", "lifetime": "30"}
    [shown] = TOKEN.findall(anna.submit("/integrations/tokens/new/", form))
    secrets.never.add(shown)
    bearer = {"Authorization": f"Bearer {shown}"}
    answer = httpx.get(f"{loud.url}/api/v1/me/", headers=bearer, timeout=PATIENCE, trust_env=False)
    assert answer.status_code == httpx.codes.OK
    assert shown not in loud.sandbox.wait_for_mail("Создан токен API")["text"]


def reset_letters(loud: Processes) -> list[Json]:
    """The newest first."""
    return [letter for letter in loud.sandbox.mail() if LINK.search(letter["text"])]


def leave(anna: Visitor, number: int) -> None:
    """She closes her account when her ticket is closed, and hears of it."""
    igor = recording.agent(User.objects.get(username="igor"))
    for status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        change_status(ticket=Ticket.objects.get(pk=number), to=status, actor=igor, answer="Готово.")
    page = anna.submit("/personal-data/erase/", {"password": NEW, "is_sure": "on"})
    assert "Аккаунт закрыт" in page
    wait_until(lambda: Erasure.objects.exclude(ended_at=None).exists())
    assert is_quiet()
    run_safety_net()
    wait_until(lambda: Erasure.objects.get().email == "")


# The search


def leaks(loud: Processes, secrets: Secrets, homes: set[Home]) -> list[str]:
    texts = [(f"log of {name}", text) for name, text in loud.logs().items() if name != "sandbox"]
    texts += [(f"arguments of {pid}", line) for pid, line in loud.command_lines().items()]
    texts += [("file", str(path)) for path in loud.media.rglob("*")]
    found = [(place, secrets.found_in(text), text) for place, text in texts]
    found += [
        (f"{model.__name__}.{name}", secrets.found_in(text, at_home=(model, name) in homes), text)
        for model, name, text in columns()
    ]
    return [f"{place}: {told} in {around(text, told[0])}" for place, told, text in found if told]


def around(text: str, secret: str) -> str:
    place = text.index(secret)
    return text[max(0, place - 200) : place + 100]


def columns() -> Iterator[tuple[type[models.Model], str, str]]:
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.all():
            for column in model._meta.concrete_fields:
                yield from ((model, column.name, text) for text in unpacked(row, column))


def unpacked(row: models.Model, column: models.Field) -> Iterator[str]:
    value = getattr(row, column.attname)
    yield str(value)
    if isinstance(row, OrmQ) and column.name == "payload":
        yield str(SignedPackage.loads(value))
    if isinstance(row, Session) and column.name == "session_data":
        yield str(row.get_decoded())
    if isinstance(value, bytes):
        yield str(pickle.loads(value))  # noqa: S301
