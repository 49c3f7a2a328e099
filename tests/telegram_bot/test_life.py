"""The life of a ticket as people lead it in the bot, in any order, judged by the model."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.factories import BotRegistrationFactory, MessengerAccountFactory, open_ticket
from tests.telegram_bot.bot import Bot, Chat
from tests.tickets.test_life import CLOSED, RESOLVED, TEXTS, WAITING, WORK, Life
from tickets import recording
from tickets.models import Face
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.each_case

SEEN = st.sampled_from(["Не помогло", "Спасибо", "\u200b", "два\nслова", "Да", "№ 1 <b>", "42"])
PEOPLE = st.sampled_from(["customer", "stranger"])
NOT_FOUND = "Заявка не найдена или недоступна"


class LifeInTheBot(Life):
    """The requester and the stranger press and write in their chats, the agent is at the desk."""

    def __init__(self, bot: Bot, chats: dict[str, Chat], people: dict) -> None:
        super().__init__()
        self.bot, self.chats, self.people = bot, chats, people

    @initialize()
    def open(self) -> None:
        self.bot.telegram.reset()
        self.actors = {
            "customer": customer(self.people["customer"], Face.BOT),
            "agent": recording.agent(self.people["agent"]),
            "stranger": customer(self.people["stranger"], Face.PORTAL),
        }
        self.ticket = open_ticket(self.people["customer"])
        self.status, self.score, self.closed_by = TicketStatus.NEW, None, None
        self.public, self.notes, self.moves = 0, 0, 0
        for chat in self.chats.values():
            chat.start()

    def live(self, who: str, is_allowed: bool, *steps: Callable[[Chat], object]) -> None:
        """A minute later somebody does something: it changes what the model says, or nothing."""
        before = self.traces()
        for step in steps:
            self.bot.clock.advance(minutes=2)  # so that no words join the ones before
            answer = step(self.chats[who])
            assert who == "customer" or "№ " not in answer
        assert (self.traces() != before) == is_allowed, f"{who} in {self.status}"

    def press(self, word: str, *rest: object) -> Callable[[Chat], object]:
        return lambda chat: chat.press(":".join(map(str, [word, self.ticket.pk, *rest])))

    @rule(who=PEOPLE, text=SEEN)
    def comment(self, who: str, text: str) -> None:
        is_allowed = who == "customer" and self.status != CLOSED and text != "\u200b"
        self.live(who, is_allowed, self.press("comment"), lambda chat: chat.say(text))
        self.live(who, False, lambda chat: chat.say("/cancel"))
        if is_allowed:
            self.public += 1
            if self.status == WAITING:
                self.move(WORK)

    @rule(who=PEOPLE, text=SEEN)
    def return_to_work(self, who: str, text: str) -> None:
        is_allowed = who == "customer" and self.status == RESOLVED and text != "\u200b"
        asked = [self.press("return"), self.press("return_yes")]
        self.live(who, False, *asked)
        self.live(who, is_allowed, lambda chat: chat.say(text))
        self.live(who, False, lambda chat: chat.say("/cancel"))
        if is_allowed:
            self.public += 1
            self.move(WORK)

    @rule(who=PEOPLE, score=st.integers(1, 5), again=st.integers(1, 5))
    def rate(self, who: str, score: int, again: int) -> None:
        is_allowed = who == "customer" and self.may_be_rated()
        self.live(who, is_allowed, self.press("score", score))
        if is_allowed:
            self.score = score
            if self.status != CLOSED:
                self.move(CLOSED)
        self.live(who, False, self.press("score", again))
        self.live(who, False, lambda chat: chat.say("/cancel"))

    @rule(who=PEOPLE, again=st.booleans())
    def close(self, who: str, again: bool) -> None:
        is_allowed = who == "customer" and self.status != CLOSED
        self.live(who, False, self.press("solved"))
        self.live(who, is_allowed, self.press("solved_yes"))
        if is_allowed:
            self.closed_by = who
            self.move(CLOSED)
        self.live(who, False, *[self.press("solved_yes")] * again)
        self.live(who, False, lambda chat: chat.say("/cancel"))

    @rule(who=PEOPLE, score=st.sampled_from(["0", "6", "5:kept", "٣", ""]))
    def forge_a_rating(self, who: str, score: str) -> None:
        self.live(who, False, self.press("score", score))

    @rule(to=st.sampled_from([WORK, WAITING, RESOLVED, CLOSED]), text=TEXTS)
    def move_by_hand(self, to: TicketStatus, text: str) -> None:
        super().move_by_hand("agent", to, text)
        self.look()

    @rule(text=TEXTS)
    def answer(self, text: str) -> None:
        super().comment("agent", text)
        self.bot.run_queue()
        self.look()

    def look(self) -> None:
        """The card says what the model says, to its requester alone."""
        self.bot.clock.advance(minutes=2)
        card = self.chats["customer"].press(f"card:{self.ticket.pk}")
        assert str(self.status.label) in card
        assert ("⭐ Оценить выполнение" in card.buttons) == (self.status == RESOLVED)
        assert ("↩️ Вернуть в работу" in card.buttons) == (self.status == RESOLVED)
        assert ("➕ Комментарий" in card.buttons) == (self.status != CLOSED)
        is_unsolved = self.status not in (RESOLVED, CLOSED)
        assert ("✅ Вопрос решён" in card.buttons) == is_unsolved
        assert f"💬 Комментарии · {self.public}" in card.buttons
        assert NOT_FOUND in self.chats["stranger"].press(f"card:{self.ticket.pk}")


def test_life_of_a_ticket_in_the_bot(
    linked, boris, agent, product, chat: Chat, boris_chat: Chat, bot: Bot
) -> None:
    BotRegistrationFactory(user=boris)
    MessengerAccountFactory(user=boris, address=str(boris_chat.id))
    chats = {"customer": chat, "stranger": boris_chat}
    people = {"customer": linked, "stranger": boris, "agent": agent}
    run_state_machine_as_test(
        lambda: LifeInTheBot(bot, chats, people),
        settings=settings(
            deadline=None, derandomize=True, database=None, max_examples=12, stateful_step_count=10
        ),
    )
