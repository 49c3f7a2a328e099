"""A ticket from a mention, who may open one, and what is left alone."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import unlink_messenger, withdraw_registration
from telegram_bot.models import TELEGRAM, Dialog, IncomingUpdate, TelegramFile
from tests.factories import BotRegistrationFactory, MessengerAccountFactory, UserFactory
from tests.telegram_bot.bot import LOG, PNG, Chat, stored_files, where_stored
from tests.telegram_bot.groups.group_chat import BOT_NAME, GROUP, MENTION, GroupBot, Member
from tests.telegram_bot.groups.talk import PROBLEM, TITLE, only, reactions
from tickets.models import Delivery, Face, Ticket

MEGABYTE = 1024 * 1024


# A ticket from a mention


def test_mention_opens_a_ticket(group, in_group: Member, linked, product) -> None:
    confirmation = only(in_group.mention(PROBLEM))
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.description) == (TITLE, PROBLEM)
    assert (ticket.requester, ticket.organization) == (linked, linked.organization)
    assert (ticket.product, ticket.face) == (product, Face.GROUP)
    assert confirmation["text"] == (
        f"✅ Заявка № {ticket.pk} создана · {product.name}\n«{TITLE}»\nАвтор: Анна Кузнецова"
    )
    assert confirmation["reply_to_message_id"] == in_group.last_id
    assert in_group.telegram.buttons(confirmation) == {
        "👁 Открыть": f"https://t.me/{BOT_NAME}?start=t_{ticket.pk}"
    }
    assert reactions(in_group, in_group.last_id) == ["👀"]


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (f"{PROBLEM} {MENTION.upper()}", PROBLEM),
        (f"Не открывается {MENTION} консоль", "Не открывается консоль"),
        (f"{MENTION}, помогите: 🗑️ ящик полон", "помогите: 🗑️ ящик полон"),
        (f"👨‍👩‍👧👨‍👩‍👧 {MENTION} семья не видит диск", "👨‍👩‍👧👨‍👩‍👧 семья не видит диск"),
        (f"{MENTION} 1234567890", "1234567890"),
        (f"{MENTION} <b>жир</b> & «ёлки»", "<b>жир</b> & «ёлки»"),
    ],
)
def test_mention_may_stand_anywhere(group, in_group: Member, text, description) -> None:
    confirmation = only(in_group.say(text))
    ticket = Ticket.objects.get()
    assert ticket.description == description
    assert ticket.title in confirmation["text"]


def test_mention_by_name_counts_too(group, in_group: Member) -> None:
    text = "😀 Поддержка молчит. Поддержка, ответьте"
    offset = len(text.split(". ")[0]) + 3  # the emoji takes two units
    entity = {"type": "text_mention", "offset": offset, "length": 9, "user": "bot"}
    in_group.say(text, entities=[entity])
    assert Ticket.objects.get().description == "😀 Поддержка молчит., ответьте"


@pytest.mark.parametrize("text", ["", "123456789", "мало", "          ", "1 2 3 4 5", "​" * 30])
def test_short_mention_is_answered_with_what_is_missing(group, in_group: Member, text) -> None:
    answer = in_group.mention(text)
    assert only(answer)["text"] == "Опишите проблему подробнее: нужно не менее 10 символов."
    assert only(answer)["reply_to_message_id"] == in_group.last_id
    assert not Ticket.objects.exists()


def test_caption_of_a_file_counts(group, in_group: Member) -> None:
    in_group.send(("log.txt", LOG), caption=f"{MENTION} {PROBLEM}")
    ticket = Ticket.objects.get()
    assert (ticket.title, stored_files(ticket)) == (TITLE, [("log.txt", LOG)])


def test_file_with_nothing_but_a_mention_is_too_short(group, in_group: Member) -> None:
    assert "не менее 10 символов" in in_group.send(("log.txt", LOG), caption=MENTION)
    assert not Ticket.objects.exists()


def test_file_that_cannot_be_taken_is_named(group, in_group: Member) -> None:
    answer = in_group.send(("run.exe", b"MZ"), caption=f"{MENTION} {PROBLEM}")
    assert "Файл «run.exe» я не взял" in answer
    assert stored_files(Ticket.objects.get()) == []


def test_file_too_big_for_bots_is_named(group, in_group: Member) -> None:
    answer = in_group.send(
        ("big.log", b""), caption=f"{MENTION} {PROBLEM}", fake_size=21 * MEGABYTE
    )
    assert "Файл «big.log» я не взял" in answer
    assert Ticket.objects.get().description == PROBLEM


def test_file_lost_on_the_way_is_told_in_private(group, in_group: Member, chat: Chat) -> None:
    in_group.telegram.fault("400", method="getFile", description="Bad Request: file is too big")
    in_group.send(("log.txt", LOG), caption=f"{MENTION} {PROBLEM}")
    assert "log.txt" in chat.last["text"]
    assert "log.txt" not in in_group.seen[-1]["text"]


@pytest.mark.parametrize("kind", ["document", "photo"])
def test_album_is_one_ticket_with_all_its_files(group, in_group: Member, kind) -> None:
    files = [(f"part{number}.png", PNG + bytes([number])) for number in range(3)]
    answer = in_group.send(*files, kind=kind, caption=f"{PROBLEM} {MENTION}")
    ticket = Ticket.objects.get()
    assert [content for _name, content in stored_files(ticket)] == [
        content for _name, content in files
    ]
    assert "создана" in only(answer)["text"]
    assert reactions(in_group, in_group.last_id) == ["👀"]


def test_album_with_a_file_that_cannot_be_taken(group, in_group: Member) -> None:
    answer = in_group.send(
        ("a.png", PNG), ("run.exe", b"MZ"), ("b.png", PNG), caption=f"{PROBLEM} {MENTION}"
    )
    number = Ticket.objects.get().pk
    assert f"Файл «run.exe» к заявке № {number} я не взял" in answer
    assert [name for name, _content in stored_files(Ticket.objects.get())] == ["a.png", "b.png"]


def test_album_without_a_mention_is_not_stored(group, in_group: Member) -> None:
    before = IncomingUpdate.objects.count()
    answer = in_group.send(("a.png", PNG), ("b.png", PNG), caption="Смотрите, какие фото")
    assert answer.calls == []
    assert IncomingUpdate.objects.count() == before


def test_eleventh_ticket_of_an_hour_is_refused(group, in_group: Member) -> None:
    for number in range(10):
        in_group.write(f"{MENTION} {PROBLEM} {number}")
    in_group.mention(PROBLEM)
    assert "вы создали много заявок" in in_group.seen[-1]["text"]
    assert Ticket.objects.count() == 10


def test_product_switched_off_is_said(group, in_group: Member, product) -> None:
    product.is_active = False
    product.save()
    answer = in_group.mention(PROBLEM)
    assert "больше не доступна" in answer
    assert f"/config@{BOT_NAME}" in answer
    assert not Ticket.objects.exists()


def test_group_without_a_product_is_said(linked, in_group: Member) -> None:
    in_group.telegram.group("add_bot", key=GROUP)
    in_group.act("promote")
    assert f"Администратор: /config@{BOT_NAME}" in in_group.mention(PROBLEM)
    assert not Ticket.objects.exists()


# Who may


def test_stranger_is_invited_once_in_ten_minutes(group, viktor_in_group: Member, bot) -> None:
    invitation = only(viktor_in_group.mention(PROBLEM))
    assert invitation["text"].startswith("Виктор, чтобы создавать заявки, зарегистрируйтесь")
    assert list(viktor_in_group.telegram.buttons(invitation).values()) == [
        f"https://t.me/{BOT_NAME}?start=reg"
    ]
    assert viktor_in_group.mention(PROBLEM).messages == []
    assert reactions(viktor_in_group, viktor_in_group.last_id) == ["🤷"]
    bot.clock.advance(minutes=9, seconds=50)
    assert viktor_in_group.mention(PROBLEM).messages == []
    bot.clock.advance(seconds=20)
    assert "зарегистрируйтесь" in viktor_in_group.mention(PROBLEM)
    assert not Ticket.objects.exists()


def test_each_stranger_is_invited(group, viktor_in_group: Member, boris_in_group: Member) -> None:
    viktor_in_group.mention(PROBLEM)
    assert "Борис, чтобы создавать заявки" in boris_in_group.mention(PROBLEM)


def test_invitation_counts_in_all_groups_together(group, viktor_in_group: Member) -> None:
    Dialog.objects.create(
        telegram_id=510_000_003, chat_id=-77, data={"invited_at": timezone.now().isoformat()}
    )
    assert viktor_in_group.mention(PROBLEM).messages == []


@pytest.mark.parametrize("change", ["unlinked", "withdrawn", "inactive"])
def test_person_who_may_no_longer_be_served_is_a_stranger(
    group, linked, in_group: Member, change
) -> None:
    if change == "unlinked":
        unlink_messenger(user=linked, channel=TELEGRAM)
    elif change == "withdrawn":
        withdraw_registration(user=linked, channel=TELEGRAM)
    else:
        linked.is_active = False
        linked.save()
    assert "зарегистрируйтесь" in in_group.mention(PROBLEM)
    assert not Ticket.objects.exists()


def test_anonymous_admin_hears_why(group, in_group: Member) -> None:
    assert "Вы пишете анонимно" in in_group.mention(PROBLEM, anonymous=True)
    assert not Ticket.objects.exists()


# What the group says to itself


def test_other_talk_is_never_stored_nor_logged(group, bot, viktor_in_group, caplog) -> None:
    caplog.set_level(logging.INFO)
    secret = "Обед в 13:00, пароль от вайфая вишня"
    before = (IncomingUpdate.objects.count(), Dialog.objects.count())
    message = viktor_in_group.write(secret)
    viktor_in_group.say(f"{secret} /config", reply_to=message)
    viktor_in_group.say(f"@someone_else {secret}")
    viktor_in_group.say(f"/start@other_bot {secret}")
    viktor_in_group.send(("a.png", PNG), ("b.png", PNG), caption=secret)
    answer = viktor_in_group.edit(message, f"{secret} и чай")
    assert answer.calls == []
    assert (IncomingUpdate.objects.count(), Dialog.objects.count()) == before
    assert where_stored("вишня") == set()
    assert "вишня" not in caplog.text


def test_what_concerns_the_bot_is_not_kept_longer_than_needed(ticket, in_group: Member) -> None:
    in_group.mention("вишня")
    assert where_stored("вишня") == set()


def test_invitation_keeps_nothing_of_the_message(group, viktor_in_group: Member) -> None:
    viktor_in_group.mention("Вишня не растёт с самого утра")
    assert where_stored("Вишня") == set()


# Pace


def test_thirty_mentions_in_a_minute_keep_the_pace_and_lose_none(
    group, linked_boris, in_group: Member, bot: GroupBot
) -> None:
    viktor = UserFactory(username="viktor", email="viktor@gamma.example")
    BotRegistrationFactory(user=viktor, phone="+79265550199")
    MessengerAccountFactory(user=viktor, address=str(510_000_003))
    for person in ("boris", "viktor"):
        in_group.telegram.start(person)
    bot.catch_up()
    for number in range(30):
        person = ("anna", "boris", "viktor")[number % 3]
        in_group.telegram.send(person, f"{MENTION} Сломался сервер {number}", chat=GROUP)
    bot.take_updates()
    assert Ticket.objects.count() == 30
    begun = bot.clock.now()
    bot.run_queue()

    sent = list(
        Delivery.objects.filter(kind="group_created", state=Delivery.State.SENT)
        .order_by("sent_at")
        .values_list("sent_at", flat=True)
    )
    assert len(sent) == 30
    minute = timedelta(minutes=1)
    assert max(sum(start <= at < start + minute for at in sent) for start in sent) <= 20
    assert sent[-1] - begun < timedelta(minutes=2)
    confirmed = [message for message in in_group.seen if "создана" in message["text"]]
    assert len({message["reply_to_message_id"] for message in confirmed}) == 30
    assert not [call for call in in_group.telegram.requests() if call["status"] == 429]
    assert not TelegramFile.objects.exists()


# What calls nobody


def test_forwarded_mention_is_no_mention(group, in_group: Member) -> None:
    assert in_group.mention(PROBLEM, forwarded=True).calls == []
    assert in_group.say(f"/config{MENTION}", forwarded=True).calls == []
    assert not Ticket.objects.exists()
    in_group.say(MENTION, reply_to=in_group.write(PROBLEM, forwarded=True))
    assert Ticket.objects.count() == 1


def test_post_of_a_linked_channel_is_no_mention(group, in_group: Member) -> None:
    channel = {"id": -1009, "type": "channel", "title": "Новости"}
    post = {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
            "sender_chat": channel, "is_automatic_forward": True}  # fmt: skip
    assert in_group.mention(PROBLEM, extra=post).calls == []
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Добрый день! Не открывается отчёт. Помогите", "Не открывается отчёт."),
        ("Здравствуйте, коллеги.\nНе открывается отчёт", "Не открывается отчёт"),
        ("Всем привет! Доброе утро… Не открывается отчёт", "Не открывается отчёт"),
        ("Добрый день, не открывается отчёт", "Добрый день, не открывается отчёт"),
        ("Добрый день, коллеги!", "Добрый день, коллеги!"),
    ],
)
def test_greeting_is_no_title(group, in_group: Member, text, title) -> None:
    in_group.mention(text)
    assert Ticket.objects.get().title == title


@pytest.mark.parametrize("command", ["tickets", "new", "start", "menu", "cancel"])
def test_private_command_shows_the_way(group, in_group: Member, command) -> None:
    answer = in_group.say(f"/{command}{MENTION}")
    assert only(answer)["text"] == "Эта команда работает в личном чате со мной."
    assert answer.buttons == {"💬 Открыть личный чат": f"https://t.me/{MENTION[1:]}"}
    assert in_group.say(f"/{command}").calls == []


def test_command_beside_a_mention_is_words(group, in_group: Member) -> None:
    in_group.say(f"/new {MENTION} {PROBLEM}")
    assert Ticket.objects.count() == 1


def test_reaction_tells_the_group_nothing(group, in_group: Member) -> None:
    in_group.mention("коротко")
    answer = in_group.do(lambda: in_group.telegram.touch("anna", in_group.last_id, chat="alpha"))
    assert answer.calls == []


QUOTE = {
    "external_reply": {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Пётр"}},
    "quote": {"text": "Сервер упал", "position": 0},
}


def test_quote_of_elsewhere_is_part_of_the_ticket(group, in_group: Member) -> None:
    in_group.mention(PROBLEM, extra=QUOTE)
    in_group.mention("", extra=QUOTE)
    first, second = Ticket.objects.order_by("pk")
    assert (first.title, first.description) == (TITLE, f"> Пётр:\n> Сервер упал\n\n{PROBLEM}")
    assert (second.title, second.description) == ("Сервер упал", "> Пётр:\n> Сервер упал")


def test_paid_media_beside_words_is_named(group, in_group: Member) -> None:
    paid = {"star_count": 1, "paid_media": [{"type": "preview"}]}
    answer = in_group.mention(PROBLEM, extra={"paid_media": paid})
    assert "«платные фото и видео» я не взял" in answer


def test_every_caption_of_an_album_is_kept(group, in_group: Member) -> None:
    for number, words in enumerate([f"{MENTION} {PROBLEM}", "А это после"]):
        in_group.telegram.files(
            "anna", (f"{number}.png", PNG), caption=words, chat=GROUP, extra={"media_group_id": "7"}
        )
    in_group.bot.catch_up()
    ticket = Ticket.objects.get()
    assert ticket.attachments.count() == 2
    assert "А это после" in ticket.description
