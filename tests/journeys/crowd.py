"""A crowd of people with a ticket each, and the ways by which their words come in and go out.

The fault suite counts effects: the words of each are numbered, so that what was lost, doubled or
mixed up shows. To let a later channel join, add a row:

- to WAYS_IN, where people speak by it: a word of its own, the process that takes it in, and a
  function `say(crowd, member, words)` that returns when the words are given away. It must make a
  comment on the member's ticket. What a person does before speaking, with nothing killed yet, goes
  into `come`, what cannot be read into `disturb`, how often the person was answered into `answers`.
- to WAYS_OUT, where people hear by it: the channel's name in `Delivery`, and a function
  `heard(crowd)` with what arrived, by member and in order. `link` its address in `gather`.

Every row is then killed and counted by test_crowd.py, and its database taken away by
test_database_gone.py.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import httpx

from accounts.models import User
from telegram_bot.models import IncomingUpdate
from tests import factories
from tests.journeys.conftest import person
from tests.journeys.processes import Processes, Visitor
from tests.local_telegram import Sandbox
from tickets.models import Comment, Ticket

FIRST_TELEGRAM_ID = 530_000_000
UNREADABLE: dict[str, Any] = {
    "external_reply": {
        "origin": {"type": "hidden_user", "date": 1, "sender_user_name": "А"},
        "story": {},
    }
}


@dataclass
class Member:
    name: str
    user: User
    ticket: Ticket
    telegram_id: int
    card: int = 0  # the message of the bot that replies go to


@dataclass
class Crowd:
    processes: Processes
    sandbox: Sandbox
    members: list[Member]
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, username: str) -> Visitor:
        """Whoever sits at a browser, logged in."""
        if username not in self.visitors:
            visitor = self.visitors[username] = Visitor(self.processes.url)
            visitor.sign_in(person(username))
        return self.visitors[username]

    def close(self) -> None:
        for visitor in self.visitors.values():
            visitor.close()


def gather(processes: Processes, size: int) -> Crowd:
    """So many people, linked and with a ticket each, that look at it in the chat."""
    names = [f"member{number:02}" for number in range(size)]
    password = person("igor").password
    users = [
        User(username=name, email=f"{name}@example.com", first_name="Участник", password=password)
        for name in names
    ]
    User.objects.bulk_create(users, ignore_conflicts=True)
    product = factories.ProductFactory()
    members = []
    for number, name in enumerate(names):
        user = person(name)
        telegram_id = FIRST_TELEGRAM_ID + number
        link(processes.sandbox, user, telegram_id)
        ticket = factories.open_ticket(user, product=product)
        members.append(Member(name, user, ticket, telegram_id))
    crowd = Crowd(processes, processes.sandbox, members)
    open_cards(crowd)
    return crowd


def link(sandbox: Sandbox, user: User, telegram_id: int) -> None:
    factories.BotRegistrationFactory(user=user)
    factories.MessengerAccountFactory(user=user, address=str(telegram_id))
    sandbox.meet(user.username, telegram_id)


def open_cards(crowd: Crowd) -> None:
    for member in crowd.members:
        crowd.sandbox.send(member.name, str(member.ticket.pk))
    for member in crowd.members:
        words = f"№ {member.ticket.pk}"
        member.card = crowd.sandbox.wait_for(member.name, words)["message_id"]


# In


def say_in_chat(crowd: Crowd, member: Member, words: str) -> None:
    crowd.sandbox.send(member.name, words, reply_to=member.card)


def say_unreadably(crowd: Crowd, member: Member) -> None:
    crowd.sandbox.send(member.name, "Не прочесть", extra=UNREADABLE)


def count_answers_in_chat(crowd: Crowd, member: Member) -> int:
    said = [row["text"] or "" for row in crowd.sandbox.from_bot(member.name)]
    return sum("Комментарий добавлен" in text for text in said)


def come_to_portal(crowd: Crowd, member: Member) -> None:
    crowd.visitor(member.name)


def say_on_portal(crowd: Crowd, member: Member, words: str) -> None:
    path = f"/tickets/{member.ticket.pk}/"
    crowd.visitor(member.name).insist(path, {"body": words}, to=f"{path}comment/")


@dataclass(frozen=True)
class WayIn:
    """One word after the other is said, numbered, and becomes a comment on the member's ticket."""

    word: str
    process: str  # takes it in
    say: Callable[[Crowd, Member, str], None]
    people: int
    each: int  # words of a person, all within the 30 a minute
    kill_every: int  # words
    disturb: Callable[[Crowd, Member], None] | None = None  # says what cannot be read
    answers: Callable[[Crowd, Member], int] | None = None
    come: Callable[[Crowd, Member], None] | None = None  # before anybody speaks, as logging in
    at_once: int = 0  # answers on their way, which a kill may double

    def __str__(self) -> str:
        return self.process


WAYS_IN = [
    WayIn(
        "Чат", "bot", say_in_chat, people=50, each=20, kill_every=100,
        disturb=say_unreadably, answers=count_answers_in_chat, at_once=8,
    ),
    WayIn("Портал", "web", say_on_portal, people=5, each=20, kill_every=25, come=come_to_portal),
]  # fmt: skip


def comments(way: WayIn) -> int:
    return Comment.objects.filter(body__startswith=f"{way.word} ").count()


def unreadable_updates() -> int:
    return IncomingUpdate.objects.filter(error__startswith="unreadable").count()


def require_each_word_once(members: list[Member], word: str, each: int) -> None:
    """Nothing lost, nothing twice, everybody's words in their order."""
    mine = Comment.objects.filter(body__startswith=f"{word} ").order_by("pk")
    said: dict[int, list[str]] = {}
    for ticket_id, body in mine.values_list("ticket_id", "body"):
        said.setdefault(ticket_id, []).append(body)
    assert said == {member.ticket.pk: numbered(word, each) for member in members}


# Out


def heard_in_chats(crowd: Crowd) -> dict[str, list[str]]:
    return {
        member.name: words_in(row["text"] or "" for row in crowd.sandbox.from_bot(member.name))
        for member in crowd.members
    }


def heard_by_mail(crowd: Crowd) -> dict[str, list[str]]:
    letters: dict[str, list[str]] = {}
    for letter in reversed(crowd.sandbox.mail()):  # the newest come first
        for address in letter["to"]:
            letters.setdefault(address, []).append(letter["text"])
    return {member.name: words_in(letters.get(member.user.email, ())) for member in crowd.members}


@dataclass(frozen=True)
class WayOut:
    """What an agent says on the members' tickets arrives there."""

    channel: str
    heard: Callable[[Crowd], dict[str, list[str]]]

    def __str__(self) -> str:
        return self.channel


WAYS_OUT = [WayOut("telegram", heard_in_chats), WayOut("email", heard_by_mail)]


def answer_at_desk(crowd: Crowd, member: Member, words: str) -> None:
    path = f"/admin/tickets/ticket/{member.ticket.pk}/change/"
    page = crowd.visitor("igor").insist(path, {"answer": words})
    assert "сохранена" in page


def words_in(texts: Any) -> list[str]:
    found = [re.search(r"\bОтвет \d+\b", text) for text in texts]
    return [match.group() for match in found if match]


def require_all_heard(heard: dict[str, list[str]], each: int, *, twice: int) -> None:
    """Everything arrived, in order; so many may have come a second time, whose answer was lost."""
    doubles = 0
    for name, texts in heard.items():
        assert list(dict.fromkeys(texts)) == numbered("Ответ", each), name
        assert once(texts) == numbered("Ответ", each), name
        doubles += len(texts) - each
    assert doubles <= twice, Counter(map(len, heard.values()))


# Counting


def problems(processes: Processes) -> list[str]:
    response = httpx.get(f"{processes.url}/readyz", timeout=60, trust_env=False)
    found: list[str] = response.json()["problems"]
    assert response.status_code == (503 if found else 200)
    return found


def numbered(words: str, count: int) -> list[str]:
    return [f"{words} {number}" for number in range(count)]


def once(texts: list[str]) -> list[str]:
    """Without repetitions of the one before."""
    return [
        text for place, text in enumerate(texts) if text not in texts[max(0, place - 1) : place]
    ]


def at_once(*actions: Callable[[], Any]) -> None:
    """Run all side by side; the first error is raised."""
    with meanwhile(*actions):
        pass


@contextmanager
def meanwhile(*actions: Callable[[], Any]) -> Iterator[None]:
    """Run all side by side with a block, and wait for them; the first error is raised."""
    errors: list[BaseException] = []

    def run(action: Callable[[], Any]) -> None:
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run, args=(action,), daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
