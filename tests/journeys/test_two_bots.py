"""Two bots behind one webhook are told of the same updates at once: one effect of each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from operations.processes import Child
from tests.journeys import crowd as crowds
from tests.journeys.conftest import is_quiet
from tests.journeys.crowd import Crowd, Member, at_once
from tests.journeys.processes import LOOPBACK, START_LIMIT, Processes, reserve_ports, wait_until
from tests.local_telegram import Json
from tests.sandbox.api import Api
from tickets.models import Comment

pytestmark = pytest.mark.journey

SECRET = "0123456789abcdef0123456789abcdef"
PEOPLE, EACH = 5, 10
FIRST_UPDATE = 2_000_000_000
PATIENCE = 60.0


@pytest.fixture
def crowd(processes) -> Iterator[Crowd]:
    crowd = crowds.gather(processes, PEOPLE)
    assert is_quiet(PATIENCE)
    yield crowd
    crowd.close()


@contextmanager
def two_bots(processes: Processes) -> Iterator[list[str]]:
    """In the place of the one that polls; the addresses where they listen."""
    processes.kill("bot")
    kept = ExitStack()
    ports = reserve_ports(kept, 2)
    bots = [webhook_bot(processes, port) for port in ports]
    try:
        for bot in bots:
            bot.start()
        urls = [f"http://{LOOPBACK}:{port}/telegram" for port in ports]
        wait_until(lambda: all(map(listens, urls)), START_LIMIT)
        yield urls
    finally:
        for bot in bots:
            bot.kill_group()
        kept.close()
        api = Api(processes.sandbox.url, processes.token)
        api.call("deleteWebhook")  # beside one the next bot would not poll
        api.close()


def webhook_bot(processes: Processes, port: int) -> Child:
    bot = processes.children["bot"]
    env = {
        **bot.env,
        "TELEGRAM_WEBHOOK_URL": f"http://{LOOPBACK}:{port}/telegram",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_WEBHOOK_LISTEN": f"{LOOPBACK}:{port}",
    }
    return Child(
        "bot", [*bot.argv, "--webhook", "--take-over"], env, bot.log.with_name(f"bot-{port}.log")
    )


def listens(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def test_same_updates_come_to_two_bots(processes, crowd):
    with two_bots(processes) as urls:
        at_once(*(tell(url, crowd.members) for url in urls))
        wait_until(lambda: Comment.objects.count() >= PEOPLE * EACH, PATIENCE)
        assert is_quiet(PATIENCE)

    crowds.require_each_word_once(crowd.members, "Чат", EACH)
    answers = [crowds.count_answers_in_chat(crowd, member) for member in crowd.members]
    assert answers == [EACH] * PEOPLE


def tell(url: str, members: list[Member]) -> Callable[[], None]:
    """All that the members write, in one order, as Telegram would push it."""

    def push() -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        with httpx.Client(headers=headers, timeout=PATIENCE, trust_env=False) as client:
            for number in range(PEOPLE * EACH):
                member, word = members[number % PEOPLE], number // PEOPLE
                update = {"update_id": FIRST_UPDATE + number, "message": message(member, word)}
                assert client.post(url, json=update).status_code == httpx.codes.OK

    return push


def message(member: Member, number: int) -> Json:
    chat = {"id": member.telegram_id, "type": "private", "first_name": member.name}
    sender = {"id": member.telegram_id, "is_bot": False, "first_name": member.name}
    bot = {"id": 1, "is_bot": True, "first_name": "Поддержка"}
    return {
        "message_id": member.card + 1 + number,
        "date": 1_700_000_000,
        "chat": chat,
        "from": sender,
        "text": f"Чат {number}",
        "reply_to_message": {"message_id": member.card, "date": 1, "chat": chat, "from": bot},
    }
