"""The bot comes into a group and is set up there."""

import pytest

from telegram_bot.models import Group, GroupProduct
from tests.factories import ProductFactory
from tests.telegram_bot.bot import Chat
from tests.telegram_bot.groups.group_chat import BOT_NAME, GROUP, Member, group_row
from tests.telegram_bot.groups.talk import PROBLEM, only
from tickets.models import Ticket

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
