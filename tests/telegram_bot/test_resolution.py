"""The end of a ticket: rate it, or return it to work."""

import pytest

from telegram_bot.models import Dialog
from tests.factories import let_serve
from tests.telegram_bot.bot import PNG, Bot, Chat
from tests.telegram_bot.own_tickets import tell_staff
from tickets import recording, services
from tickets.models import Comment, Face, Ticket
from tickets.recording import SYSTEM, customer
from tickets.status import TicketStatus

RATE, RETURN, VIEW = "⭐ Оценить выполнение", "↩️ Вернуть в работу", "👁 Просмотреть заявку"
FOLLOW_UP = "📝 Создать новую на её основе"
ASK_REASON = "Напишите причину возврата: что осталось нерешённым?"


@pytest.fixture
def resolve(ticket, agent, chat: Chat, bot: Bot):
    """An agent resolves the ticket; the notice is in Anna's chat."""

    def resolve() -> None:
        services.change_status(
            ticket=ticket,
            to=TicketStatus.RESOLVED,
            actor=recording.agent(agent),
            answer="Отчёт снова открывается.",
        )
        bot.run_queue()

    return resolve


@pytest.fixture
def resolved(ticket, chat: Chat, resolve) -> Ticket:
    chat.start()
    resolve()
    return ticket


def closed(ticket: Ticket) -> None:
    """As the system does with tickets that stay resolved."""
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)


def state_of(ticket: Ticket) -> tuple[str, int | None, str]:
    ticket.refresh_from_db()
    return ticket.status, ticket.score, ticket.rating_comment


def test_notice_offers_the_three_ways(resolved, chat: Chat) -> None:
    assert f"Заявка № {resolved.pk} выполнена" in chat.last["text"]
    assert "Отчёт снова открывается." in chat.last["text"]
    assert list(chat.telegram.buttons(chat.last)) == [RATE, RETURN, VIEW]
    assert "Приоритет" in chat.press(VIEW)


# Rating


def test_rating_closes_the_ticket_at_once(resolved, chat: Chat) -> None:
    answer = chat.press(RATE)
    assert "После оценки заявка будет закрыта" in answer
    assert list(answer.buttons) == ["1 😞", "2 🙁", "3 😐", "4 🙂", "5 😀", "‹ Назад"]
    assert state_of(resolved) == ("resolved", None, "")

    answer = chat.press("5 😀")
    assert f"Спасибо! Оценка: ⭐⭐⭐⭐⭐ Заявка № {resolved.pk} закрыта." in answer
    assert "Хотите добавить комментарий?" in answer
    assert state_of(resolved) == ("closed", 5, "")


def test_low_rating_asks_what_was_wrong(resolved, chat: Chat) -> None:
    chat.press(RATE)
    assert "Что было не так?" in chat.press("2 🙁")
    assert state_of(resolved) == ("closed", 2, "")


def test_words_may_follow_the_rating(resolved, chat: Chat) -> None:
    chat.press(RATE)
    chat.press("3 😐")
    assert "Спасибо, передали команде." in chat.say("Долго <ждал>")
    assert state_of(resolved) == ("closed", 3, "Долго <ждал>")
    assert "Не понял" in chat.say("И ещё")
    assert state_of(resolved) == ("closed", 3, "Долго <ждал>")


def test_reply_to_the_question_is_its_answer(resolved, chat: Chat) -> None:
    chat.press(RATE)
    rated = chat.press("1 😞").messages[-1]
    assert "Спасибо, передали команде." in chat.reply(rated, "Долго")
    assert state_of(resolved) == ("closed", 1, "Долго")


def test_words_by_the_button(resolved, chat: Chat) -> None:
    chat.press(RATE)
    chat.press("4 🙂")
    assert "Напишите комментарий к оценке." in chat.press("✏️ Написать")
    assert "Напишите комментарий текстом." in chat.send(("x.png", PNG), kind="photo")
    chat.say("Спасибо")
    assert state_of(resolved) == ("closed", 4, "Спасибо")
    assert "уже оценена и закрыта" in chat.press(f"rating_comment:{resolved.pk}")


def test_words_can_be_skipped(resolved, chat: Chat) -> None:
    chat.press(RATE)
    chat.press("5 😀")
    assert "Оценка: 5 из 5" in chat.press("Пропустить")
    assert "Не понял" in chat.say("Другое дело")
    assert state_of(resolved) == ("closed", 5, "")


def test_second_rating_is_answered_kindly(resolved, chat: Chat) -> None:
    chat.press(RATE)
    screen = chat.press("5 😀").messages[-1]
    for data, words in (
        (f"score:{resolved.pk}:1", "Оценка уже принята."),
        (f"rate:{resolved.pk}", "Заявка уже оценена и закрыта."),
    ):
        answer = chat.press(data, screen)
        assert answer.toast == words
        assert "Оценка: 5 из 5" in answer.text or answer.messages == []
    assert state_of(resolved) == ("closed", 5, "")


@pytest.mark.each_case
@pytest.mark.parametrize("score", ["9", "0", "-1", "٥", "5.0", "", "5:5", "55555555555555555555"])
def test_forged_score_is_refused(resolved, chat: Chat, score) -> None:
    assert "не найдена или недоступна" in chat.press(f"score:{resolved.pk}:{score}")
    assert state_of(resolved) == ("resolved", None, "")


def test_ticket_in_work_cannot_be_rated(ticket, chat: Chat) -> None:
    chat.start()
    for data in (f"rate:{ticket.pk}", f"score:{ticket.pk}:5"):
        assert "Кнопка устарела" in chat.press(data)
    assert state_of(ticket) == ("new", None, "")


def test_foreign_ticket_cannot_be_rated(foreign, linked, chat: Chat) -> None:
    Ticket.objects.update(status=TicketStatus.RESOLVED)
    chat.start()
    assert "не найдена или недоступна" in chat.press(f"score:{foreign.pk}:1")
    assert state_of(foreign) == ("resolved", None, "")


def test_rating_from_the_card_takes_the_buttons_of_the_notice(resolved, chat: Chat) -> None:
    notice = chat.last
    card = chat.say(str(resolved.pk)).messages[0]
    chat.press(RATE, card)
    chat.press("5 😀", card)
    assert list(chat.telegram.buttons(chat.now(notice))) == [VIEW]


def test_closing_by_an_agent_takes_the_buttons_too(resolved, agent, chat: Chat, bot: Bot) -> None:
    services.change_status(
        ticket=resolved, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
    bot.run_queue()
    notice = chat.message_with(f"Заявка № {resolved.pk} выполнена")
    assert list(chat.telegram.buttons(notice)) == [VIEW]


def test_rating_in_the_middle_of_a_draft_parks_it(resolved, product, chat: Chat) -> None:
    notice = chat.last
    chat.say("/new")
    chat.press(product.name)
    chat.say("Другая заявка")
    chat.say("Описание")
    chat.press(RATE, notice)
    assert "Черновик заявки сохранён" in chat.press("5 😀")
    assert chat.keyboard == []
    chat.say("Всё хорошо")
    assert state_of(resolved) == ("closed", 5, "Всё хорошо")
    assert "Другая заявка" in chat.say("/new")


# Return


def test_return_needs_a_yes_and_a_reason(resolved, chat: Chat, linked) -> None:
    answer = chat.press(RETURN)
    assert f"Вернуть заявку № {resolved.pk} в работу?" in answer
    assert list(answer.buttons) == ["Да", "Нет"]
    assert ASK_REASON in chat.press("Да")
    assert state_of(resolved)[0] == "resolved"

    answer = chat.say("Отчёт <пуст>")
    assert f"Заявка № {resolved.pk} снова в работе." in answer
    assert state_of(resolved)[0] == "in_progress"
    comment = Comment.objects.latest("pk")
    assert (comment.body, comment.author, comment.is_internal) == ("Отчёт <пуст>", linked, False)
    notice = chat.message_with(f"Заявка № {resolved.pk} выполнена")
    assert list(chat.telegram.buttons(notice)) == [VIEW]


def test_no_shows_the_ticket_and_changes_nothing(resolved, chat: Chat) -> None:
    chat.press(RETURN)
    assert "Приоритет" in chat.press("Нет")
    assert "Не понял" in chat.say("Отчёт пуст")
    assert state_of(resolved)[0] == "resolved"


def test_reason_must_be_readable(resolved, chat: Chat) -> None:
    chat.press(RETURN)
    chat.press("Да")
    assert "Причина нужна" in chat.say("\u200b")
    assert "Файл без слов я не взял" in chat.send(("x.png", PNG), kind="photo")
    assert state_of(resolved)[0] == "resolved"
    assert "снова в работе" in chat.say("1")


def test_reply_to_the_question_is_the_reason(resolved, chat: Chat) -> None:
    chat.press(RETURN)
    [question] = chat.press("Да").messages
    assert "снова в работе" in chat.reply(question, "Отчёт пуст")


def test_return_can_be_cancelled(resolved, chat: Chat) -> None:
    for way in ("/cancel", "отмена", "✖️ Отмена"):
        chat.press(RETURN, chat.message_with("выполнена"))
        chat.press("Да")
        chat.press(way) if way.startswith("✖️") else chat.say(way)
        assert "Не понял" in chat.say("Отчёт пуст")
    assert state_of(resolved)[0] == "resolved"


def test_staff_hear_of_a_return(
    resolved, agent, chat: Chat, bot: Bot, settings, mailoutbox
) -> None:
    let_serve(agent)
    settings.STAFF_EMAIL = "desk@support.example"
    mailoutbox.clear()
    chat.press(RETURN)
    chat.press("Да")
    chat.say("Отчёт пуст")
    assert "дополнен" in chat.say("И график тоже")
    tell_staff(bot)
    assert [letter.to for letter in mailoutbox] == [[agent.email]]
    assert "Отчёт пуст\nИ график тоже" in mailoutbox[0].body


def test_closed_ticket_cannot_be_returned(resolved, chat: Chat) -> None:
    notice = chat.last
    chat.press(RETURN)
    chat.press("Да")
    closed(resolved)
    too_late = "Заявка уже закрыта, вернуть её нельзя. Создайте новую."
    answer = chat.say("Отчёт пуст")
    assert too_late in answer
    assert FOLLOW_UP in answer.buttons
    for word in ("return", "return_yes"):
        answer = chat.press(f"{word}:{resolved.pk}", notice)
        assert answer.toast == too_late
    assert state_of(resolved)[0] == "closed"
    assert not Comment.objects.filter(body="Отчёт пуст").exists()


def test_second_return_is_answered_kindly(resolved, chat: Chat) -> None:
    chat.press(RETURN)
    question = chat.last
    chat.press("Да", question)
    chat.say("Отчёт пуст")
    assert "Кнопка устарела" in chat.press(f"return_yes:{resolved.pk}", question)
    assert "Не понял" in chat.say("Ещё раз")
    assert Comment.objects.filter(by_agent=False).count() == 1


def test_ticket_can_be_resolved_returned_and_rated_in_turn(resolved, chat: Chat, resolve) -> None:
    chat.press(RETURN)
    chat.press("Да")
    chat.say("Отчёт пуст")
    resolve()
    assert list(chat.telegram.buttons(chat.last)) == [RATE, RETURN, VIEW]
    chat.press(RATE)
    chat.press("5 😀")
    assert state_of(resolved) == ("closed", 5, "")


# The way on from a closed ticket


def test_follow_up_is_linked_to_the_closed_ticket(resolved, product, chat: Chat) -> None:
    closed(resolved)
    chat.say(str(resolved.pk))
    assert "Выберите продукт" in chat.press(FOLLOW_UP)
    chat.press(product.name)
    for text in ("Снова не открывается", "Как в прошлый раз", "Оставить пустым", "Да"):
        chat.say(text)
    assert Ticket.objects.latest("pk").parent == resolved


def test_follow_up_does_not_overwrite_a_draft(resolved, product, chat: Chat) -> None:
    closed(resolved)
    chat.say(str(resolved.pk))
    card = chat.message_with("Приоритет")
    chat.say("/new")
    chat.press(product.name)
    chat.say("Другая заявка")
    assert "Другая заявка" in chat.press(FOLLOW_UP, card)
    assert "Выберите продукт" in chat.press("🗑 Удалить")
    assert Dialog.objects.get().draft["parent"] == resolved.pk


def test_link_of_the_portal_begins_a_follow_up(resolved, product, chat: Chat) -> None:
    closed(resolved)
    assert "Выберите продукт" in chat.start(f"n_{resolved.pk}")
    chat.press(product.name)
    for text in ("Снова", "То же самое", "Оставить пустым"):
        chat.say(text)
    created = chat.say("Да")
    follow_up = Ticket.objects.latest("pk")
    assert follow_up.parent == resolved
    assert f"На основе: № {resolved.pk}" in created
    assert f"На основе: № {resolved.pk}" in chat.say(str(follow_up.pk))


def test_link_to_a_follow_up_of_a_foreign_ticket_opens_nothing(linked, foreign, chat: Chat) -> None:
    answer = chat.start(f"n_{foreign.pk}")
    assert answer.texts == ["Заявка не найдена или недоступна"]
    assert list(answer.buttons) == ["‹ Меню"]


# Messages worth keeping


@pytest.mark.parametrize("button", [RATE, RETURN, VIEW])
def test_notice_stays_when_its_buttons_are_pressed(resolved, chat: Chat, button) -> None:
    notice = chat.last
    chat.press(button, notice)
    assert "Отчёт снова открывается." in chat.now(notice)["text"]
    assert list(chat.telegram.buttons(chat.now(notice))) == [RATE, RETURN, VIEW]


def test_stale_press_takes_the_offer_from_a_notice_and_leaves_its_words(
    resolved, chat: Chat
) -> None:
    notice = chat.last
    Ticket.objects.filter(pk=resolved.pk).update(status=TicketStatus.IN_PROGRESS)
    answer = chat.press(RETURN, notice)
    assert "открываю свежую карточку" in answer.toast
    assert "Приоритет" in answer
    assert "Отчёт снова открывается." in chat.now(notice)["text"]
    assert list(chat.telegram.buttons(chat.now(notice))) == [VIEW]


def test_every_offer_ends_with_the_ticket(resolved, chat: Chat, bot: Bot) -> None:
    """Also those of a card, of a comment's confirmation and of an open question."""
    chat.say(str(resolved.pk))
    chat.reply(chat.message_with("выполнена"), "Смотрю ещё")
    chat.press(RETURN, chat.message_with("Комментарий добавлен"))
    closed(resolved)
    bot.run_queue()
    left = [label for message in chat.seen for label in chat.telegram.buttons(message)]
    assert not {RATE, RETURN, "Да"} & set(left)


def test_notice_that_comes_late_offers_nothing(ticket, agent, linked, chat: Chat, bot: Bot) -> None:
    chat.start()
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово"
    )
    services.return_to_work(ticket=ticket, actor=customer(linked, Face.PORTAL), reason="Нет")
    bot.run_queue()
    assert list(chat.telegram.buttons(chat.message_with("выполнена"))) == ["👁 Открыть"]


def test_waiting_ticket_asks_for_an_answer(ticket, agent, chat: Chat, bot: Bot) -> None:
    chat.start()
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Какой регион?"
    )
    bot.run_queue()
    assert list(chat.telegram.buttons(chat.last)) == ["➕ Ответить", "👁 Открыть"]


# Reasons


def test_album_as_a_reason_is_answered_as_a_return(resolved, chat: Chat) -> None:
    chat.press(RETURN)
    chat.press("Да")
    answer = chat.send(("a.png", PNG), ("b.png", PNG), caption="Отчёт пуст")
    assert answer.texts[1:] == [
        f"↩️ Заявка № {resolved.pk} снова в работе. Причина передана специалисту."
    ]  # the first is the notice, without its offer
    reason = resolved.comments.get(by_agent=False)
    assert (reason.body, reason.attachments.count()) == ("Отчёт пуст", 2)


def test_reason_for_a_ticket_returned_meanwhile_is_kept(resolved, linked, chat: Chat) -> None:
    chat.press(RETURN)
    chat.press("Да")
    services.return_to_work(
        ticket=resolved, actor=customer(linked, Face.PORTAL), reason="С портала"
    )
    assert "причину я добавил комментарием" in chat.say("Отчёт пуст")
    assert resolved.comments.latest("pk").body == "Отчёт пуст"
    assert Dialog.objects.get().step == ""


def test_late_press_on_rate_names_the_rating(resolved, chat: Chat, bot: Bot) -> None:
    notice = chat.last
    closed(resolved)
    assert chat.press(f"rate:{resolved.pk}:kept", notice).toast == (
        "Заявка уже закрыта, оценить её нельзя."
    )
