"""Tickets straight from a group: what its members see, and what the database holds."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import unlink_telegram, withdraw_registration
from telegram_bot.models import (
    BotHeartbeat,
    Dialog,
    Group,
    GroupProduct,
    GroupTicket,
    IncomingUpdate,
    TelegramFile,
)
from tests.factories import (
    BotRegistrationFactory,
    ProductFactory,
    TelegramAccountFactory,
    UserFactory,
)
from tests.local_telegram import Json
from tests.telegram_bot.bot import JPEG, LOG, PNG, Answer, Bot, Chat, where_stored
from tests.telegram_bot.group_chat import BOT_NAME, GROUP, MENTION, GroupBot, Member, group_row
from tickets import services
from tickets.models import Attachment, Delivery, Face, Priority, Ticket
from tickets.status import TicketStatus

PROBLEM = "Не открывается консоль кластера. Ошибка 502 с утра."
TITLE = "Не открывается консоль кластера."
OGG = b"OggS" + bytes(32)
MEGABYTE = 1024 * 1024


@pytest.fixture
def bot(bot: Bot) -> GroupBot:
    BotHeartbeat.objects.create(bot_id=1, username=BOT_NAME, seen_at=timezone.now())
    return GroupBot(bot.telegram, bot.clock)


@pytest.fixture
def in_group(bot: GroupBot) -> Member:
    """Anna, the owner of the group; a customer of the portal only with `linked`."""
    return Member(bot, "anna")


@pytest.fixture
def boris_in_group(bot: GroupBot) -> Member:
    return Member(bot, "boris")


@pytest.fixture
def viktor_in_group(bot: GroupBot) -> Member:
    """A guest's: no account is his."""
    return Member(bot, "viktor")


@pytest.fixture
def linked_boris(boris):
    BotRegistrationFactory(user=boris, phone="+79031112233")
    TelegramAccountFactory(user=boris, telegram_id=510_000_002)
    return boris


@pytest.fixture
def group(linked, product, in_group: Member) -> Group:
    """The group of linked Anna: the bot is its admin, the product is chosen."""
    in_group.telegram.start("anna")
    in_group.telegram.group("add_bot", key=GROUP)
    in_group.act("promote")
    group = group_row()
    GroupProduct.objects.create(group=group, product=product, chosen_by=linked)
    return group


@pytest.fixture
def ticket(group, in_group: Member) -> Ticket:
    """A ticket that Anna opened by a mention."""
    in_group.mention(PROBLEM)
    return Ticket.objects.get()


def change_status(bot: Bot, ticket: Ticket, to: TicketStatus, agent, answer: str = "") -> None:
    services.change_status(ticket=ticket, to=to, actor=services.agent(agent), answer=answer)
    bot.run_queue()


def reactions(member: Member, message_id: int) -> list[str]:
    found = {message["message_id"]: message["reactions"] for message in member.all_seen}
    return list(found[message_id])


def files_of(ticket: Ticket) -> list[tuple[str, bytes]]:
    found = []
    for attachment in ticket.attachments.all():
        with attachment.file.open() as file:
            found.append((attachment.name, file.read()))
    return found


def only(answer: Answer) -> Json:
    [message] = answer.messages
    return message


# The welcome and its check-list


def test_welcome_ticks_itself_off_in_place(linked, product, in_group: Member) -> None:
    welcome = only(in_group.act("add_bot"))
    assert "1. Сделайте меня администратором ⏳" in welcome["text"]
    assert f"2. Отправьте /config@{BOT_NAME} и выберите услугу ⏳" in welcome["text"]
    assert "сохраняю только сообщения, где меня упомянули" in welcome["text"]

    changed = only(in_group.act("promote"))
    assert changed["message_id"] == welcome["message_id"]
    assert "администратором ✅" in changed["text"]
    assert "услугу ⏳" in changed["text"]

    in_group.say(f"/config@{BOT_NAME}")
    answer = in_group.press(product.name)
    done = next(one for one in answer.messages if one["message_id"] == welcome["message_id"])
    assert "услугу ✅" in done["text"]
    assert done["reply_markup"] is None
    assert len(in_group.seen) == 2


def test_bot_added_as_admin_is_welcomed_once(linked, in_group: Member) -> None:
    in_group.telegram.group("add_bot", key=GROUP)
    in_group.act("promote")
    [welcome] = in_group.seen
    assert "администратором ✅" in welcome["text"]


def test_check_button_asks_telegram_anew(linked, in_group: Member) -> None:
    in_group.act("add_bot")
    in_group.act("promote")
    Group.objects.update(bot_is_admin=False)  # the update about it was lost
    answer = in_group.press("🔄 Проверить")
    assert answer.toast == "Ещё не всё сделано."
    assert "администратором ✅" in in_group.seen[0]["text"]
    assert group_row().bot_is_admin


def test_check_button_forged_in_a_private_chat_makes_no_group(linked, chat: Chat) -> None:
    chat.start()
    answer = chat.do(lambda: chat.telegram.press("anna", "group_check", wait=0))
    assert "Кнопка устарела" in answer.toast
    assert not Group.objects.exists()


def test_title_changes_are_followed(group, in_group: Member) -> None:
    assert group.title == "Проект Альфа"
    assert in_group.act("rename", title="Проект <b>Бета</b>").messages == []
    assert group_row().title == "Проект <b>Бета</b>"
    assert "Настройка группы «Проект <b>Бета</b>»" in in_group.say("/config").text


def test_demoted_bot_says_so_in_its_list_and_to_mentions(group, in_group: Member) -> None:
    assert "администратором ⏳" in only(in_group.act("demote"))["text"]
    assert "должен назначить меня администратором" in in_group.mention(PROBLEM)
    in_group.act("promote")
    in_group.mention(PROBLEM)
    assert Ticket.objects.count() == 1


def test_bot_removed_and_added_again_keeps_its_product(group, in_group: Member, product) -> None:
    in_group.act("remove_bot")
    removed = group_row()
    assert removed.removed_at
    assert not removed.bot_is_admin
    again = in_group.act("add_bot")
    assert "администратором ⏳" in again
    assert "услугу ✅" in again
    assert group_row().removed_at is None
    in_group.act("promote")
    in_group.mention(PROBLEM)
    assert Ticket.objects.get().product == product


# /help and /config


@pytest.mark.parametrize("command", ["/help", f"/help@{BOT_NAME}"])
def test_help_says_what_works_in_a_group(group, in_group: Member, command) -> None:
    answer = in_group.say(command)
    assert f"Упомяните @{BOT_NAME} в сообщении (от 10 символов)" in answer
    assert f"/config@{BOT_NAME} — выбрать услугу" in answer
    assert in_group.say("/help@other_bot").calls == []


def test_config_is_for_admins(group, linked_boris, boris_in_group: Member) -> None:
    answer = boris_in_group.say(f"/config@{BOT_NAME}")
    assert "Настраивать бота может администратор группы." in answer
    assert answer.buttons == {}


def test_config_is_for_the_registered(bot, in_group: Member) -> None:
    in_group.act("add_bot")
    answer = in_group.say(f"/config@{BOT_NAME}")
    assert "Сначала зарегистрируйтесь" in answer
    assert answer.buttons == {"📝 Зарегистрироваться": f"https://t.me/{BOT_NAME}?start=reg"}


def test_config_tells_an_anonymous_admin_why(group, in_group: Member) -> None:
    answer = in_group.say(f"/config@{BOT_NAME}", anonymous=True)
    assert "Вы пишете анонимно" in answer
    assert answer.buttons == {}


def test_config_when_telegram_does_not_tell_the_rights(group, in_group: Member) -> None:
    in_group.telegram.fault("500", method="getChatMember")
    assert "Не получилось проверить ваши права" in in_group.say("/config")


def test_config_in_a_private_chat_says_where_it_works(linked, chat: Chat) -> None:
    assert "работает в группе" in chat.say("/config")


@pytest.mark.parametrize(
    "command", ["/config", f"/config@{BOT_NAME}", "/CONFIG@SUPPORT_SANDBOX_BOT"]
)
def test_config_spellings(group, in_group: Member, command) -> None:
    assert "Для какой услуги" in in_group.say(command)


def test_config_of_another_bot_is_nothing(group, in_group: Member) -> None:
    assert in_group.say("/config@other_bot").calls == []


def test_config_pages_and_hides_inactive_products(group, in_group: Member, product) -> None:
    for number in range(9):
        ProductFactory(name=f"Сервис {number}", position=number + 1)
    ProductFactory(name="Снят", is_active=False)
    first = in_group.say("/config")
    assert list(first.buttons)[0] == product.name
    assert len(first.buttons) == 8 + 2
    second = in_group.press("›")
    assert list(second.buttons) == ["Сервис 7", "Сервис 8", "‹", "2 / 2"]
    assert only(second)["message_id"] == only(first)["message_id"]
    assert in_group.press("2 / 2").toast == ""
    assert "Услуга: Сервис 8" in in_group.press("Сервис 8").text
    assert group_row().products.get().product.name == "Сервис 8"


def test_config_press_by_a_plain_member_is_an_alert(
    group, linked_boris, in_group: Member, boris_in_group: Member
) -> None:
    other = ProductFactory(name="Базы данных", position=1)
    screen = only(in_group.say("/config"))
    for button in ("Базы данных", f"group_products:0:{1}"):
        answer = boris_in_group.press(button, screen)
        assert answer.toast == "Настраивать бота может администратор группы."
        assert answer.named("answerCallbackQuery")[0]["params"]["show_alert"]
        assert answer.messages == []
    assert not GroupProduct.objects.filter(product=other).exists()


def test_config_rights_are_asked_again_at_the_press(
    group, linked_boris, in_group: Member, boris_in_group: Member, product
) -> None:
    screen = only(in_group.say("/config"))
    in_group.act("make_admin", person="boris")
    boris_in_group.press(product.name, screen)
    assert group_row().products.get().chosen_by == linked_boris


@pytest.mark.parametrize(
    "data",
    ["group_product", "group_product:1", "group_product:99999:0", "group_product:1:٥", "group_x"],
)
def test_config_forged_press_changes_nothing(group, in_group: Member, data) -> None:
    chosen = group.products.get().product
    screen = only(in_group.say("/config"))
    assert in_group.press(data, screen).toast
    assert group.products.get().product == chosen


def test_config_product_switched_off_meanwhile(group, in_group: Member) -> None:
    other = ProductFactory(name="Базы данных", position=1)
    in_group.say("/config")
    other.is_active = False
    other.save()
    assert "больше не доступен" in in_group.press("Базы данных").toast


def test_config_without_products_says_so(linked, in_group: Member) -> None:
    in_group.act("add_bot")
    assert "нет ни одной доступной услуги" in in_group.say("/config")


def test_config_before_admin_rights_says_what_is_left(linked, product, in_group: Member) -> None:
    in_group.act("add_bot")
    in_group.say("/config")
    assert "должен назначить меня администратором" in in_group.press(product.name)


def test_config_in_a_topic_is_for_the_topic_only(group, in_group: Member, product) -> None:
    databases = ProductFactory(name="Базы данных", position=1)
    in_group.act("create_topic", title="БД")
    in_group.act("create_topic", title="Разное")
    first, second = (topic["id"] for topic in in_group.telegram.state()["groups"][0]["topics"])
    screen = only(in_group.say("/config", topic=first))
    assert screen["topic"] == first
    assert "Только для этой темы" in screen["text"]
    assert "Услуга этой темы: Базы данных" in in_group.press("Базы данных").text

    assert only(in_group.mention(PROBLEM, topic=first))["topic"] == first
    in_group.mention(PROBLEM, topic=second)
    in_group.mention(PROBLEM)
    assert [ticket.product for ticket in Ticket.objects.order_by("pk")] == [
        databases,
        product,
        product,
    ]


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
    assert (ticket.title, files_of(ticket)) == (TITLE, [("log.txt", LOG)])


def test_file_with_nothing_but_a_mention_is_too_short(group, in_group: Member) -> None:
    assert "не менее 10 символов" in in_group.send(("log.txt", LOG), caption=MENTION)
    assert not Ticket.objects.exists()


def test_file_that_cannot_be_taken_is_named(group, in_group: Member) -> None:
    answer = in_group.send(("run.exe", b"MZ"), caption=f"{MENTION} {PROBLEM}")
    assert "Файл «run.exe» я не взял" in answer
    assert files_of(Ticket.objects.get()) == []


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
    assert [content for _name, content in files_of(ticket)] == [content for _name, content in files]
    assert "создана" in only(answer)["text"]
    assert reactions(in_group, in_group.last_id) == ["👀"]


def test_album_with_a_file_that_cannot_be_taken(group, in_group: Member) -> None:
    answer = in_group.send(
        ("a.png", PNG), ("run.exe", b"MZ"), ("b.png", PNG), caption=f"{PROBLEM} {MENTION}"
    )
    number = Ticket.objects.get().pk
    assert f"Файл «run.exe» к заявке № {number} я не взял" in answer
    assert [name for name, _content in files_of(Ticket.objects.get())] == ["a.png", "b.png"]


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


# A ticket from the message replied to


def test_reply_with_a_mention_takes_anothers_message(
    group, in_group: Member, viktor_in_group: Member, linked
) -> None:
    source = viktor_in_group.write("Пропал доступ к базе. Код <403>")
    confirmation = only(in_group.say(f"{MENTION} посмотрите", reply_to=source))
    ticket = Ticket.objects.get()
    assert ticket.requester == linked
    assert ticket.title == "Пропал доступ к базе."
    assert ticket.description == (
        "Сообщение участника Виктор Гость:\nПропал доступ к базе. Код <403>\n\nпосмотрите"
    )
    assert confirmation["reply_to_message_id"] == source
    assert "Автор: Анна Кузнецова" in confirmation["text"]
    assert "Из альбома" not in confirmation["text"]
    assert reactions(in_group, source) == ["👀"]
    assert GroupTicket.objects.get().message_id == source


def test_reply_to_ones_own_message(group, in_group: Member) -> None:
    source = in_group.write(PROBLEM)
    in_group.say(MENTION, reply_to=source)
    assert Ticket.objects.get().description == f"Сообщение участника Анна Кузнецова:\n{PROBLEM}"


def test_reply_to_a_file_with_a_caption(group, in_group: Member, viktor_in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("log.txt", LOG), chat=GROUP, caption=PROBLEM)
    in_group.say(MENTION, reply_to=source["message_id"])
    ticket = Ticket.objects.get()
    assert PROBLEM in ticket.description
    assert files_of(ticket) == [("log.txt", LOG)]


def test_reply_to_a_voice_message_takes_it_as_a_file(group, in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("v.ogg", OGG), chat=GROUP, kind="voice")
    in_group.say(MENTION, reply_to=source["message_id"])
    ticket = Ticket.objects.get()
    [(name, content)] = files_of(ticket)
    assert (name, content) == (f"voice_{source['message_id']}.ogg", OGG)
    assert "Виктор Гость" in ticket.description


def test_reply_brings_its_own_file_too(group, in_group: Member, viktor_in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("log.txt", LOG), chat=GROUP)["message_id"]
    in_group.send(("s.png", PNG), caption=f"{MENTION} и снимок", reply_to=source)
    assert files_of(Ticket.objects.get()) == [("log.txt", LOG), ("s.png", PNG)]


def test_reply_to_a_short_message_is_too_short(
    group, in_group: Member, viktor_in_group: Member
) -> None:
    source = viktor_in_group.write("упало")
    assert "не менее 10 символов" in in_group.say(MENTION, reply_to=source)
    assert not Ticket.objects.exists()


def test_reply_to_a_sticker_is_about_the_reply(group, in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("s.webp", b"RIFF"), chat=GROUP, kind="sticker")
    in_group.say(f"{MENTION} {PROBLEM}", reply_to=source["message_id"])
    assert Ticket.objects.get().description == PROBLEM


def test_reply_to_the_bots_own_words_is_about_the_reply(group, in_group: Member) -> None:
    in_group.mention("мало")
    refusal = in_group.seen[-1]["message_id"]
    in_group.say(f"{MENTION} {PROBLEM}", reply_to=refusal)
    assert Ticket.objects.get().description == PROBLEM


def test_reply_in_a_topic(group, in_group: Member, viktor_in_group: Member) -> None:
    in_group.act("create_topic", title="БД")
    topic = in_group.telegram.state()["groups"][0]["topics"][0]["id"]
    in_group.mention(PROBLEM, topic=topic)
    assert Ticket.objects.get().description == PROBLEM  # it only seems to reply to the topic
    source = viktor_in_group.write("Пропал доступ к базе", topic=topic)
    confirmation = only(in_group.say(MENTION, reply_to=source))
    assert "Виктор Гость" in Ticket.objects.latest("pk").description
    assert (confirmation["topic"], confirmation["reply_to_message_id"]) == (topic, source)


# One ticket per message


def test_second_mention_of_a_message_names_its_ticket(
    group, linked_boris, in_group: Member, boris_in_group: Member, viktor_in_group: Member
) -> None:
    source = viktor_in_group.write(PROBLEM)
    in_group.say(MENTION, reply_to=source)
    number = Ticket.objects.get().pk
    for member in (in_group, boris_in_group):
        answer = member.say(f"{MENTION} и у меня тоже беда", reply_to=source)
        assert only(answer)["text"] == f"По этому сообщению уже есть заявка № {number}."
    assert Ticket.objects.count() == 1


def test_reply_with_a_mention_to_a_mention_names_its_ticket(
    group, ticket, linked_boris, in_group: Member, boris_in_group: Member
) -> None:
    answer = boris_in_group.say(f"{MENTION} вот это", reply_to=in_group.last_id)
    assert f"уже есть заявка № {ticket.pk}" in answer


@pytest.mark.parametrize("caption", [f"{MENTION} {PROBLEM}", PROBLEM])
def test_second_mention_of_an_album_names_its_ticket(
    group, linked_boris, in_group: Member, boris_in_group: Member, caption
) -> None:
    """Whichever of its parts is meant, and whether it had the mention itself or got it by reply."""
    in_group.send(("a.png", PNG), ("b.png", PNG), caption=caption)
    first, last = (part["message_id"] for part in in_group.sent["messages"])
    in_group.say(f"{MENTION} вот этот альбом", reply_to=first)
    answer = boris_in_group.say(f"{MENTION} вот этот альбом", reply_to=last)
    assert f"уже есть заявка № {Ticket.objects.get().pk}" in answer


def test_edited_mention_opens_nothing(group, ticket, in_group: Member) -> None:
    answer = in_group.edit(in_group.last_id, f"{MENTION} {PROBLEM} И ещё кое-что")
    assert answer.calls == []
    assert Ticket.objects.get().description == PROBLEM


def test_edit_that_adds_the_mention_opens_the_first(group, in_group: Member) -> None:
    message = in_group.write(PROBLEM)
    in_group.edit(message, f"{MENTION} {PROBLEM}")
    in_group.edit(message, f"{MENTION} {PROBLEM}!")
    assert Ticket.objects.get().description == PROBLEM
    assert GroupTicket.objects.get().message_id == message


def test_edit_that_makes_it_long_enough_opens_the_first(group, in_group: Member) -> None:
    in_group.mention("мало")
    in_group.edit(in_group.last_id, f"{MENTION} {PROBLEM}")
    assert Ticket.objects.count() == 1


def test_reply_to_an_album_says_that_one_file_came(
    group, in_group: Member, viktor_in_group: Member
) -> None:
    album = [(f"{number}.jpg", JPEG) for number in range(3)]
    viktor_in_group.telegram.files("viktor", *album, kind="photo", chat=GROUP, caption=PROBLEM)
    source = viktor_in_group.all_seen[-3]["message_id"]
    answer = in_group.say(MENTION, reply_to=source)
    assert Ticket.objects.get().attachments.count() == 1
    assert "Из альбома Telegram передал мне один файл." in answer
    added = in_group.telegram.files(
        "anna", *album[1:], kind="photo", chat=GROUP, reply_to=only(answer)["message_id"]
    )
    assert added
    in_group.bot.catch_up()
    assert Attachment.objects.count() == 3


def test_mention_added_to_a_second_part_of_an_album_opens_nothing(group, in_group: Member) -> None:
    sent = in_group.telegram.files(
        "anna", ("a.png", PNG), ("b.png", PNG), chat=GROUP, caption=f"{MENTION} {PROBLEM}"
    )
    last = sent["messages"][-1]["message_id"]
    in_group.edit(last, f"{MENTION} второй снимок с ошибкой")
    assert Ticket.objects.count() == 1
    assert len(files_of(Ticket.objects.get())) == 2


def test_update_that_comes_twice_opens_one_ticket(group, in_group: Member, bot: GroupBot) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    in_group.telegram.fault("lost_answer", method="sendMessage")
    bot.catch_up()
    bot.clock.advance(minutes=1)
    bot.run_queue()
    assert Ticket.objects.count() == 1


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
        unlink_telegram(user=linked)
    elif change == "withdrawn":
        withdraw_registration(user=linked)
    else:
        linked.is_active = False
        linked.save()
    assert "зарегистрируйтесь" in in_group.mention(PROBLEM)
    assert not Ticket.objects.exists()


def test_anonymous_admin_hears_why(group, in_group: Member) -> None:
    assert "Вы пишете анонимно" in in_group.mention(PROBLEM, anonymous=True)
    assert not Ticket.objects.exists()


# What becomes of the ticket


def test_status_goes_to_the_group_and_to_the_requester(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    notice = in_group.seen[-1]
    assert notice["text"] == f"№ {ticket.pk}: 🆕 Новая → 🔧 В работе"
    assert notice["reply_to_message_id"] == in_group.last_id
    assert notice["silent"]
    assert "В работе" in chat.last["text"]


def test_rating_is_offered_in_private_only(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.RESOLVED, agent, "Секретный ответ специалиста")
    assert in_group.seen[-1]["text"] == f"№ {ticket.pk}: 🆕 Новая → ✅ Выполнена"
    assert list(in_group.telegram.buttons(in_group.seen[-1])) == ["👁 Открыть"]
    assert "⭐ Оценить выполнение" in chat.telegram.buttons(chat.last)
    chat.press("⭐ Оценить выполнение")
    chat.press("5 😀")
    assert in_group.seen[-1]["text"] == f"№ {ticket.pk}: ✅ Выполнена → 📁 Закрыта"


def test_status_of_another_ticket_stays_out_of_the_group(
    ticket, linked, in_group: Member, agent, bot, product
) -> None:
    private = services.open_ticket(
        requester=linked, product=product, title="Личное", description="Личное", face=Face.BOT
    )
    shown = len(in_group.seen)
    change_status(bot, private, TicketStatus.IN_PROGRESS, agent)
    assert len(in_group.seen) == shown


def test_group_never_reads_what_is_private(
    ticket, linked, in_group: Member, boris_in_group: Member, linked_boris, agent, bot
) -> None:
    by_agent = services.agent(agent)
    services.set_priority(ticket=ticket, priority=Priority.CRITICAL, actor=by_agent)
    services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    services.add_comment(ticket=ticket, actor=by_agent, body="Секретный ответ")
    services.add_comment(ticket=ticket, actor=by_agent, body="Тайная заметка", internal=True)
    change_status(bot, ticket, TicketStatus.WAITING, agent, "Пришлите пароль")
    in_group.say("Секретный комментарий", reply_to=in_group.seen[-1]["message_id"])
    boris_in_group.say("А что там?", reply_to=in_group.seen[-1]["message_id"])
    bot.run_queue()
    shown = "\n".join(message["text"] for message in in_group.seen)
    private = [linked.email, linked.organization.email, "7916", "Секрет", "Тайн", "парол"]
    for word in [*private, "ритическ", "Орлова", agent.email]:
        assert word not in shown


def test_portal_name_is_not_shown_to_the_group(group, linked, in_group: Member) -> None:
    linked.username, linked.first_name, linked.last_name = linked.email, "", ""
    linked.save()
    assert linked.email not in in_group.mention(PROBLEM).text


def test_foreign_press_of_private_buttons_is_an_alert(
    ticket, in_group: Member, boris_in_group: Member, linked_boris, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.RESOLVED, agent)
    for data in (f"score:{ticket.pk}:1", f"card:{ticket.pk}", f"return_yes:{ticket.pk}", "menu"):
        for member in (boris_in_group, in_group):
            answer = member.press(data, in_group.seen[-1])
            assert answer.toast == "Эта кнопка работает в личном чате с ботом."
            assert answer.named("answerCallbackQuery")[0]["params"]["show_alert"]
            assert answer.messages == []
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.RESOLVED, None)


# Comments from the group


def test_reply_to_the_confirmation_is_a_comment(ticket, in_group: Member) -> None:
    answer = in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    comment = ticket.comments.get()
    assert (comment.body, comment.face) == ("Стало хуже", Face.GROUP)
    assert only(answer)["text"] == f"✅ Комментарий добавлен к № {ticket.pk}"
    assert Ticket.objects.count() == 1


def test_reply_with_a_mention_to_the_confirmation_is_a_comment(ticket, in_group: Member) -> None:
    in_group.mention("Стало ещё хуже, чем было", reply_to=in_group.seen[-1]["message_id"])
    assert ticket.comments.get().body == "Стало ещё хуже, чем было"
    assert Ticket.objects.count() == 1


def test_album_reply_is_one_comment(ticket, in_group: Member) -> None:
    files = [("a.png", PNG), ("b.jpg", JPEG), ("c.txt", LOG)]
    answer = in_group.send(*files, caption="Снимки", reply_to=in_group.seen[-1]["message_id"])
    comment = ticket.comments.get()
    assert comment.body == "Снимки"
    assert [file.name for file in comment.attachments.all()] == [name for name, _data in files]
    assert len(answer.messages) == 1


def test_reply_of_another_member_is_no_comment(
    ticket, linked_boris, in_group: Member, boris_in_group: Member, viktor_in_group: Member
) -> None:
    confirmation = in_group.seen[-1]["message_id"]
    assert "Заявка не найдена или недоступна" in boris_in_group.say("И я", reply_to=confirmation)
    assert "зарегистрируйтесь" in viktor_in_group.say("И я", reply_to=confirmation)
    assert not ticket.comments.exists()


def test_edited_comment_is_corrected(ticket, in_group: Member) -> None:
    in_group.say(f"{MENTION} Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    edited = in_group.edit(in_group.last_id, f"Стало лучше, {MENTION}")
    assert f"Комментарий к № {ticket.pk} исправлен." in edited
    assert only(edited)["reply_to_message_id"] == in_group.sent["message_id"]
    assert ticket.comments.get().body == "Стало лучше"


def test_comment_edited_later_than_15_minutes_stays_and_says_so(
    ticket, in_group: Member, bot
) -> None:
    in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    bot.clock.advance(minutes=16)
    assert "больше 15 минут назад" in in_group.edit(in_group.last_id, "Стало лучше")
    assert ticket.comments.get().body == "Стало хуже"


def test_edited_reply_of_a_stranger_is_nothing(ticket, in_group: Member, viktor_in_group) -> None:
    viktor_in_group.say("У меня тоже", reply_to=in_group.seen[-1]["message_id"])
    assert viktor_in_group.edit(viktor_in_group.last_id, "И у меня").calls == []


def test_reply_to_a_persons_comment_is_no_comment(ticket, in_group: Member) -> None:
    """Only the bot's messages stand for the ticket in a group."""
    in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    in_group.mention("А это совсем другая беда", reply_to=in_group.last_id)
    assert ticket.comments.count() == 1
    assert Ticket.objects.count() == 2


def test_comment_on_a_closed_ticket_is_refused(ticket, in_group: Member, agent, bot) -> None:
    change_status(bot, ticket, TicketStatus.CLOSED, agent)
    answer = in_group.say("Ещё раз", reply_to=in_group.seen[-1]["message_id"])
    assert f"Заявка № {ticket.pk} закрыта" in answer
    assert not ticket.comments.exists()


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


# The group moves, the bot is put out, the topic is closed


def test_migration_takes_everything_along(ticket, in_group: Member, agent, bot, product) -> None:
    in_group.act("migrate")
    group = group_row()
    assert group.chat_id == in_group.telegram.state()["groups"][0]["id"]
    assert group.products.get().product == product
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    notice = in_group.seen[-1]
    assert "🔧 В работе" in notice["text"]
    assert notice["reply_to_message_id"] is None  # the source stayed in the old chat
    in_group.mention(PROBLEM)
    assert Ticket.objects.count() == 2


def test_migration_moves_an_unfinished_list_to_the_new_chat(linked, in_group: Member) -> None:
    in_group.act("add_bot")
    moved = only(in_group.act("migrate"))
    assert "администратором ⏳" in moved["text"]
    assert "администратором ✅" in only(in_group.act("promote"))["text"]
    assert len(in_group.seen) == 1


def test_migration_learned_at_send(group, in_group: Member, bot: GroupBot) -> None:
    """The confirmation waits while the group moves, and no update tells of it."""
    source = in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("migrate", key=GROUP)
    while in_group.write("В новой группе номера сообщений начались заново") < source:
        pass
    bot.run_queue()
    confirmation = in_group.seen[-1]
    assert "создана" in confirmation["text"]
    assert confirmation["reply_to_message_id"] is None
    assert group_row().chat_id == in_group.telegram.state()["groups"][0]["id"]
    bot.catch_up()
    assert Group.objects.count() == 1


def test_what_waits_follows_the_migration(group, in_group: Member, bot: GroupBot) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("migrate", key=GROUP)
    bot.take_updates()
    bot.run_queue()
    assert "создана" in in_group.seen[-1]["text"]
    calls = in_group.telegram.requests(method="sendMessage")
    assert {call["status"] for call in calls} == {200}


def test_direct_answer_follows_the_migration(group, in_group: Member) -> None:
    in_group.write("/config")
    answer = in_group.act("migrate")
    assert "Не получилось проверить ваши права" in answer  # they were asked in the old chat
    assert "Для какой услуги" in in_group.say("/config")


def test_migration_merges_a_group_that_came_first(group, in_group: Member, product) -> None:
    new_id = -1_000_000_000_000 + group.chat_id
    double = Group.objects.create(chat_id=new_id, title="Проект Альфа")
    databases = ProductFactory(name="Базы данных")
    for topic, chosen in ((0, databases), (5, databases)):
        GroupProduct.objects.create(
            group=double, topic=topic, product=chosen, chosen_by=group.products.get().chosen_by
        )
    in_group.act("migrate")
    merged = group_row()
    assert (merged.pk, merged.chat_id) == (group.pk, new_id)
    assert set(merged.products.values_list("topic", "product__name")) == {
        (0, product.name),
        (5, "Базы данных"),
    }


def test_removed_bot_tells_the_requester_in_private(
    group, in_group: Member, chat: Chat, bot: GroupBot
) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("remove_bot", key=GROUP)
    bot.run_queue()  # Telegram refuses, no update has told why
    assert f"Заявка № {Ticket.objects.get().pk} создана" in chat.last["text"]
    assert group_row().removed_at


def test_confirmation_that_waited_for_a_removed_bot_goes_to_the_private_chat(
    group, in_group: Member, chat: Chat, bot: GroupBot
) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("remove_bot", key=GROUP)
    bot.take_updates()
    bot.run_queue()
    assert f"Заявка № {Ticket.objects.get().pk} создана" in chat.last["text"]


def test_status_after_removal_goes_to_the_private_chat_only(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    in_group.act("remove_bot")
    shown = len(in_group.seen)
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "В работе" in chat.last["text"]
    assert len(in_group.seen) == shown
    assert not Delivery.objects.filter(kind="group_status").exists()


def test_closed_topic_tells_the_requester_in_private(
    group, in_group: Member, chat: Chat, agent, bot: GroupBot
) -> None:
    in_group.act("create_topic", title="БД")
    topic = in_group.telegram.state()["groups"][0]["topics"][0]["id"]
    in_group.write(f"{MENTION} {PROBLEM}", topic=topic)
    bot.take_updates()
    in_group.telegram.group("close_topic", key=GROUP, topic=topic)
    bot.run_queue()
    ticket = Ticket.objects.get()
    assert f"Заявка № {ticket.pk} создана" in chat.last["text"]
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "В работе" in chat.last["text"]
    assert group_row().removed_at is None


def test_deleted_source_does_not_stop_the_notices(ticket, in_group: Member, agent, bot) -> None:
    in_group.telegram.delete("anna", in_group.last_id, chat=GROUP)
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "🔧 В работе" in in_group.seen[-1]["text"]


def test_message_shows_that_the_bot_is_back(group, in_group: Member) -> None:
    Group.objects.update(removed_at=timezone.now())  # what told of its return was lost
    in_group.mention(PROBLEM)
    assert Ticket.objects.count() == 1
    assert group_row().removed_at is None


# Pace


def test_thirty_mentions_in_a_minute_keep_the_pace_and_lose_none(
    group, linked_boris, in_group: Member, bot: GroupBot
) -> None:
    viktor = UserFactory(username="viktor", email="viktor@gamma.example")
    BotRegistrationFactory(user=viktor, phone="+79265550199")
    TelegramAccountFactory(user=viktor, telegram_id=510_000_003)
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
