"""The bot and a ticket that is a colleague's: read, commented, told of, never ended."""

import pytest

from accounts.models import Organization, User
from telegram_bot.models import TicketMessage
from tests.factories import MessengerAccountFactory, open_ticket
from tests.files import pdf
from tests.telegram_bot.bot import Answer, Bot, Chat
from tests.telegram_bot.own_tickets import NOT_FOUND, WRITE, in_status, status_of, tell_staff
from tickets.comments import add_comment
from tickets.followers import follow
from tickets.models import Comment, Delivery, Face, Ticket
from tickets.preferences import DEFAULTS, Choice, Topic, choose
from tickets.recording import customer
from tickets.refusals import NotRequester
from tickets.services import change_status
from tickets.status import TicketStatus

ONLY_THE_REQUESTER = str(NotRequester())


@pytest.fixture
def ticket(linked, vera, product):
    return open_ticket(linked, product=product, files=[pdf("схема.pdf")])


@pytest.fixture
def vera_chat(bot: Bot, vera) -> Chat:
    """Vera talks to the bot from the account that the local Telegram calls Boris."""
    chat = Chat(bot, "boris")
    MessengerAccountFactory(user=vera, address=str(chat.id))
    chat.start()  # the bot may write to who has written to it
    return chat


@pytest.fixture
def anna_chat(chat, linked) -> Chat:
    chat.start()
    return chat


def told(chat: Chat) -> Answer:
    """What the worker tells a person."""
    before = len(chat.seen)
    chat.bot.run_queue()
    return Answer(chat.seen[before:], [])


def leave(vera):
    User.objects.filter(pk=vera.pk).update(organization=None)


def stop_sharing(vera):
    Organization.objects.update(shares_tickets=False)


@pytest.fixture(params=[leave, stop_sharing])
def end(request):
    return request.param


# Reading


def test_card_of_a_colleague_shows_no_address(vera_chat, ticket):
    answer = vera_chat.say(str(ticket.pk))
    assert "Инициатор: Анна К., ваш коллега" in answer
    assert "@" not in answer.text
    assert {WRITE, "📎 Файлы · 1"} <= set(answer.buttons)


def test_own_card_still_shows_both_addresses(chat, ticket):
    answer = chat.say(str(ticket.pk))
    assert "office@alpha.example" in answer
    assert "anna@alpha.example" in answer


def test_resolved_card_offers_a_colleague_no_end(vera_chat, ticket):
    in_status(ticket, TicketStatus.RESOLVED)
    labels = " ".join(vera_chat.say(str(ticket.pk)).buttons)
    assert "Оценить" not in labels
    assert "Вернуть" not in labels


def test_comments_are_signed_for_the_one_who_reads(vera_chat, ticket, linked, vera):
    for person in (linked, vera):
        add_comment(ticket=ticket, actor=customer(person, Face.PORTAL), body="Слова.")
    vera_chat.say(str(ticket.pk))
    text = vera_chat.press("💬 Комментарии · 2").text
    assert "Анна К.," in text
    assert text.count("Вы,") == 1


@pytest.mark.each_case
@pytest.mark.parametrize("by_number", [True, False])
def test_search_finds_tickets_of_colleagues_too(vera_chat, ticket, vera, by_number):
    Ticket.objects.update(title="Сбой <узла> vm-prod-7")
    term = str(ticket.pk) if by_number else "vm-prod"
    answer = vera_chat.say(f"/tickets {term}")
    assert f"Заявки коллег по запросу «{term}»" in answer
    assert "Сбой <узла> vm-prod-7" in answer
    assert "Анна К., ваш коллега" in vera_chat.press(str(ticket.pk))


def test_words_of_a_colleague_and_the_status_they_bring_are_one_message(
    anna_chat, ticket, vera, bot: Bot
) -> None:
    in_status(ticket, TicketStatus.WAITING)
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="Седьмая")
    answer = told(anna_chat)
    assert answer.texts == [
        f"💬 № {ticket.pk} · ваш коллега, Вера М.\nЗаявка снова в работе.\nСедьмая"
    ]


def test_ticket_that_waits_for_a_colleague_is_not_marked(vera_chat, ticket, vera):
    in_status(ticket, TicketStatus.WAITING)
    assert str(ticket.pk) in vera_chat.say(f"/tickets {ticket.pk}").buttons


def test_search_offers_the_portal_for_more_of_them(vera_chat, linked, vera, product):
    for _number in range(7):
        open_ticket(linked, product=product, title="Сбой сети")
    answer = vera_chat.say("/tickets сбой")
    assert answer.buttons["🌐 Искать на портале"].endswith("tab=organization")


def test_own_tickets_come_before_those_of_colleagues(vera_chat, ticket, vera, product):
    own = open_ticket(vera, product=product, title=ticket.title)
    answer = vera_chat.say(f"/tickets {ticket.title}")
    assert "Найдено по запросу" in answer
    assert str(own.pk) in answer.buttons
    assert str(ticket.pk) not in answer.buttons


@pytest.mark.each_case
def test_search_finds_nothing_any_more(vera_chat, ticket, vera, end):
    end(vera)
    assert "ничего не нашлось" in vera_chat.say(f"/tickets {ticket.pk}")


def test_ticket_is_not_found_any_more(vera_chat, ticket, vera, end):
    vera_chat.say(str(ticket.pk))
    end(vera)
    assert NOT_FOUND in vera_chat.press("🔄 Обновить")
    assert NOT_FOUND in vera_chat.say(str(ticket.pk))


# Writing


def test_colleague_comments(vera_chat, ticket, vera):
    vera_chat.say(str(ticket.pk))
    vera_chat.press(WRITE)
    assert "Комментарий добавлен" in vera_chat.say("Видно и у меня.")
    assert Comment.objects.get().author == vera


def test_comment_on_a_resolved_ticket_offers_a_colleague_no_return(vera_chat, ticket):
    in_status(ticket, TicketStatus.RESOLVED)
    vera_chat.say(str(ticket.pk))
    vera_chat.press(WRITE)
    answer = vera_chat.say("Видно и у меня.")
    assert "↩️ Вернуть в работу" not in answer.buttons
    assert "верните её" not in answer


def test_who_left_before_sending_says_nothing(vera_chat, ticket, vera, end):
    vera_chat.say(str(ticket.pk))
    vera_chat.press(WRITE)
    end(vera)
    assert NOT_FOUND in vera_chat.say("Видно и у меня.")
    assert not Comment.objects.exists()


def test_part_that_comes_after_leaving_joins_nothing(vera_chat, ticket, vera, end):
    vera_chat.say(str(ticket.pk))
    vera_chat.press(WRITE)
    vera_chat.say("Здравствуйте.")
    end(vera)
    assert NOT_FOUND in vera_chat.say("Видно и у меня.")
    assert Comment.objects.get().body == "Здравствуйте."


@pytest.mark.parametrize("word", ["rate", "return", "return_yes"])
def test_forged_press_ends_nothing(vera_chat, ticket, word):
    in_status(ticket, TicketStatus.RESOLVED)
    shown = vera_chat.say(str(ticket.pk)).messages[-1]
    assert ONLY_THE_REQUESTER in vera_chat.press(f"{word}:{ticket.pk}", shown)
    assert status_of(ticket) == TicketStatus.RESOLVED


def test_forged_score_ends_nothing(vera_chat, ticket):
    in_status(ticket, TicketStatus.RESOLVED)
    shown = vera_chat.say(str(ticket.pk)).messages[-1]
    assert ONLY_THE_REQUESTER in vera_chat.press(f"score:{ticket.pk}:5", shown)
    assert status_of(ticket) == TicketStatus.RESOLVED


# Being told


def test_requester_is_told_of_a_colleague(bot, anna_chat, ticket, vera):
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="Видно и у меня.")
    answer = told(anna_chat)
    assert "ваш коллега, Вера М." in answer
    assert "Видно и у меня." in answer
    assert "поддержк" not in answer.text
    assert "➕ Ответить" in answer.buttons


def test_words_of_a_chat_are_told_whole(bot, anna_chat, vera_chat, ticket):
    vera_chat.say(str(ticket.pk))
    vera_chat.press(WRITE)
    vera_chat.say("Здравствуйте.")
    vera_chat.say("Видно и у меня.")
    before = len(anna_chat.seen)
    assert told(anna_chat).messages == []
    tell_staff(bot)
    assert "Здравствуйте.\nВидно и у меня." in Answer(anna_chat.seen[before:], [])


def test_follower_is_told_like_the_requester_but_ends_nothing(
    bot, vera_chat, ticket, vera, by_agent
):
    follow(ticket=ticket, user=vera)
    change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.",
        files=[pdf("отчёт.pdf")],
    )  # fmt: skip
    answer = told(vera_chat)
    assert "Готово." in answer
    assert list(answer.buttons) == ["👁 Открыть"]
    assert "отчёт.pdf" in str(answer.messages)
    assert not TicketMessage.objects.filter(chat_id=vera_chat.id, has_resolution=True).exists()


def test_follower_who_may_not_see_it_any_more_is_told_nothing(
    bot, vera_chat, ticket, vera, by_agent, end
):
    follow(ticket=ticket, user=vera)
    add_comment(ticket=ticket, actor=by_agent, body="Секрет.", files=[pdf("отчёт.pdf")])
    end(vera)
    assert told(vera_chat).messages == []
    states = Delivery.objects.filter(recipient=vera, channel="telegram").values_list("state")
    assert set(states) == {("cancelled",)}


def test_file_asked_for_and_not_sent_before_leaving_stays(
    bot, vera_chat, ticket, vera, end, monkeypatch
):
    vera_chat.say(str(ticket.pk))
    with monkeypatch.context() as worker:
        worker.setattr(bot, "run_queue", lambda: None)
        vera_chat.press("📎 Файлы · 1")
    end(vera)
    bot.run_queue()
    assert Delivery.objects.get(kind="file").state == "cancelled"


def test_chat_that_is_not_wanted_stays_silent(bot, anna_chat, ticket, linked, by_agent):
    quiet = dict.fromkeys((Topic.ANSWERS, Topic.STATUS), Choice(by_chat=False))
    choose(user=linked, choices=DEFAULTS | quiet)
    add_comment(ticket=ticket, actor=by_agent, body="Смотрим.")
    assert told(anna_chat).messages == []


def test_resolved_that_no_chat_could_hear_goes_by_letter(bot, anna_chat, ticket, linked, by_agent):
    choose(user=linked, choices=dict.fromkeys(Topic, Choice(by_mail=False)))
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    linked.messengers.all().delete()
    bot.run_queue()
    told = Delivery.objects.filter(recipient=linked, kind="resolved").order_by("pk")
    assert list(told.values_list("channel", "state")) == [
        ("telegram", "cancelled"), ("email", "sent"),
    ]  # fmt: skip
