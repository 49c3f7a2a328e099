"""A new ticket in the bot, question by question up to «Да»."""

import pytest

from telegram_bot.models import Dialog
from tests.factories import ProductFactory, TicketFactory
from tests.telegram_bot.bot import LOG, Bot, Chat
from tests.telegram_bot.new_ticket import DESCRIPTION, DONE, QUESTIONS, STEPS, TITLE, go_to
from tickets.models import Face, Product, Ticket

pytestmark = pytest.mark.usefixtures("linked", "product")


# The whole way


def test_ticket_is_created_step_by_step(linked, chat: Chat) -> None:
    for step in STEPS:
        assert QUESTIONS[step] in go_to(chat, step)
        chat.say("/cancel")
    answer = go_to(chat, "confirm")
    for part in ("Облачный сервер", TITLE, DESCRIPTION, "Файлы: нет", "отправьте Да"):
        assert part in answer.text
    assert chat.keyboard == ["Да", "Отмена"]
    assert not Ticket.objects.exists()

    created = chat.say("Да")
    ticket = Ticket.objects.get()
    for part in (f"Заявка № {ticket.pk} создана", TITLE, DESCRIPTION, "🆕 Новая · Облачный сервер"):
        assert part in created.text
    assert "office@alpha.example" in created
    assert chat.keyboard == []
    assert (ticket.requester, ticket.organization, ticket.product.name) == (
        linked,
        linked.organization,
        "Облачный сервер",
    )
    assert (ticket.title, ticket.description) == (TITLE, DESCRIPTION)
    assert (ticket.status, ticket.priority, ticket.face) == ("new", "medium", Face.BOT)


def test_menu_button_begins_a_ticket(chat: Chat) -> None:
    chat.start()
    assert "Выберите продукт" in chat.press("➕ Создать новую заявку")


def test_created_message_opens_the_ticket(chat: Chat) -> None:
    go_to(chat, "confirm")
    answer = chat.say("Да")
    number = Ticket.objects.get().pk
    assert answer.buttons["🌐 На портале"].endswith(f"/tickets/{number}/")
    assert "Приоритет" in chat.press("👁 Открыть", answer.messages[-1])


def test_second_yes_creates_nothing(chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.say("Да")
    chat.say("Да")
    assert Ticket.objects.count() == 1


# Step 1: product


def test_only_active_products_are_offered(chat: Chat) -> None:
    ProductFactory(name="Базы данных", icon="🗄", position=1)
    ProductFactory(name="Снятый с продажи", is_active=False)
    answer = chat.say("/new")
    assert list(answer.buttons) == ["Облачный сервер", "🗄 Базы данных", "✖️ Отмена"]


def test_products_are_paged(chat: Chat) -> None:
    for number in range(8):
        ProductFactory(name=f"Сервис {number}", position=1)
    first = chat.say("/new")
    assert len(first.buttons) == 8 + 2 + 1
    assert "‹" not in first.buttons
    second = chat.press("›")
    assert list(second.buttons) == ["Сервис 7", "‹", "2 / 2", "✖️ Отмена"]
    assert chat.press("2 / 2").messages == []
    assert "шаг 2 из 4 · Сервис 7" in chat.press("Сервис 7")


def test_no_products_is_said_with_whom_to_ask(chat: Chat, settings) -> None:
    Product.objects.update(is_active=False)
    answer = chat.say("/new")
    assert "Сейчас нет продуктов" in answer
    assert "Обратитесь к специалисту поддержки" in answer
    assert list(answer.buttons) == ["‹ Меню", "🌐 Портал"]
    assert "Не понял" in chat.say("Белый экран")
    settings.STAFF_EMAIL = "desk@support.example"
    assert "Напишите нам на desk@support.example" in chat.say("/new")


def test_no_products_any_more_costs_no_words(chat: Chat, product) -> None:
    go_to(chat, "confirm")
    Product.objects.update(is_active=False)
    assert "То, что вы уже написали, сохранено" in chat.say("Да")
    Product.objects.update(is_active=True)
    assert TITLE in chat.say("/new")
    chat.press("▶️ Продолжить")
    assert DESCRIPTION in chat.press(product.name)
    assert "создана" in chat.say("Да")


def test_words_instead_of_a_product_get_the_question_again(chat: Chat) -> None:
    go_to(chat, "product")
    answer = chat.say("Сервер")
    assert "Сначала выберите продукт кнопкой." in answer
    assert "Облачный сервер" in answer.buttons


def test_product_switched_off_before_the_press(chat: Chat, product) -> None:
    other = ProductFactory(name="Базы данных")
    go_to(chat, "product")
    Product.objects.filter(pk=product.pk).update(is_active=False)
    answer = chat.press("Облачный сервер")
    assert answer.toast == "Этот продукт больше не доступен. Выберите другой."
    assert list(answer.buttons) == [other.name, "✖️ Отмена"]


# Step 2: title


def test_title_of_60_characters_is_taken(chat: Chat) -> None:
    go_to(chat, "title")
    assert QUESTIONS["description"] in chat.say("я" * 60)


def test_longer_title_is_counted_and_a_shorter_one_suggested(chat: Chat) -> None:
    go_to(chat, "title")
    answer = chat.say("Не подключается реплика PostgreSQL после перезапуска главного узла")
    suggested = "Не подключается реплика PostgreSQL после перезапуска главно…"
    assert len(suggested) == 60
    assert "В заголовке 66 символов, нужно не больше 60." in answer
    assert suggested in answer
    assert QUESTIONS["description"] in chat.press("Взять этот")
    chat.say(DESCRIPTION)
    assert suggested in chat.say("Оставить пустым")


def test_title_of_61_characters_may_be_typed_anew(chat: Chat) -> None:
    go_to(chat, "title")
    assert "В заголовке 61 символ," in chat.say("я" * 61)
    assert QUESTIONS["description"] in chat.say("я" * 59)


@pytest.mark.parametrize("text", ["\u200b\u200b", "\u3164", "\0\0"], ids=ascii)
def test_title_that_shows_nothing_is_refused(chat: Chat, text) -> None:
    go_to(chat, "title")
    assert "Заголовок не может быть пустым" in chat.say(text)


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<b>Отчёт</b> & «x» <script>", "<b>Отчёт</b> & «x» <script>"),
        ("Отчёт\0 не\ud83d открыт", "Отчёт не открыт"),
        ("Отчёт\nне  открыт", "Отчёт не открыт"),
        ("Отчёт \u202eтыркто", "Отчёт тыркто"),
        ("*Отчёт* _{{ 7|add:7 }}_ %(x)s", "*Отчёт* _{{ 7|add:7 }}_ %(x)s"),
        ("👩‍👩‍👧 🇷🇺 é", "👩‍👩‍👧 🇷🇺 é"),
    ],
    ids=["markup", "NUL and surrogate", "newline", "bidi", "template", "emoji"],
)
def test_odd_title_is_shown_and_kept_literally(chat: Chat, typed, kept) -> None:
    go_to(chat, "title")
    chat.say(typed)
    chat.say(DESCRIPTION)
    assert f"Тема: {kept}" in chat.say("Оставить пустым")
    assert kept in chat.say("Да")
    assert Ticket.objects.get().title == kept


def test_number_at_the_title_is_a_title(chat: Chat) -> None:
    go_to(chat, "title")
    assert QUESTIONS["description"] in chat.say("500")


# Step 3: description


def test_long_description_is_kept_whole_and_shown_cut(chat: Chat) -> None:
    text = ("Ошибка 😀<&> " * 300).strip()
    go_to(chat, "description")
    chat.say(text)
    assert "…" in chat.say("Оставить пустым")
    assert "…" in chat.say("Да")
    assert Ticket.objects.get().description == text


def test_description_that_shows_nothing_is_refused(chat: Chat) -> None:
    go_to(chat, "description")
    assert "Описание не может быть пустым" in chat.say("\u200b")


def test_description_may_begin_like_a_command(chat: Chat) -> None:
    go_to(chat, "description")
    assert QUESTIONS["files"] in chat.say("/var/log/syslog переполнен")
    chat.say("Оставить пустым")
    assert "/var/log/syslog переполнен" in chat.say("Да")


# The summary


@pytest.mark.parametrize("word", ["да", "ДА", "да.", "Да!", "yes"])
def test_yes_creates_the_ticket(chat: Chat, word) -> None:
    go_to(chat, "confirm")
    assert "создана" in chat.say(word)
    assert Ticket.objects.count() == 1


def test_other_words_do_not(chat: Chat) -> None:
    go_to(chat, "confirm")
    for word in ("нет", "дай", "да, но позже", "1", "\u200b"):
        assert chat.say(word).texts == ["Отправьте «Да», чтобы создать заявку, или «Отмена»."]
        assert chat.keyboard == ["Да", "Отмена"]
    assert not Ticket.objects.exists()


def test_title_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Сейчас: " + TITLE in chat.press("✏️ Тема")
    answer = chat.say("Не печатается отчёт")
    assert "Тема: Не печатается отчёт" in answer
    assert DESCRIPTION in answer
    assert "создана" in chat.say("Да")


def test_description_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Сейчас:\n" + DESCRIPTION in chat.press("✏️ Описание")
    assert "Зелёный экран." in chat.say("Зелёный экран.")
    chat.say("Да")
    assert Ticket.objects.get().description == "Зелёный экран."


def test_files_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert QUESTIONS["files"] in chat.press("📎 Файлы")
    chat.send(("log.txt", LOG))
    assert "Файлы: log.txt" in chat.press(DONE)
    chat.press("📎 Файлы")
    chat.press("🗑 Убрать файлы")
    assert "Файлы: нет" in chat.say("Оставить пустым")


def test_back_from_a_correction_shows_the_summary(chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.press("✏️ Тема")
    assert QUESTIONS["confirm"] in chat.press("‹ Назад")
    chat.say("Да")
    assert Ticket.objects.get().title == TITLE


def test_file_at_the_summary_joins_it(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Файлы: log.txt" in chat.send(("log.txt", LOG))


def test_forged_correction_changes_nothing(chat: Chat) -> None:
    go_to(chat, "confirm")
    for data in ("fix", "fix:files:1", "fix:" + "x" * 50, "fix:confirm"):
        assert "Кнопка устарела" in chat.press(data)
    assert "создана" in chat.say("Да")


def test_product_switched_off_before_yes(chat: Chat, product) -> None:
    other = ProductFactory(name="Базы данных")
    go_to(chat, "confirm")
    Product.objects.filter(pk=product.pk).update(is_active=False)
    assert "Этот продукт больше не доступен" in chat.say("Да")
    answer = chat.press(other.name)
    for part in (TITLE, DESCRIPTION, other.name):
        assert part in answer.text
    assert "создана" in chat.say("Да")
    assert Ticket.objects.get().product == other


def test_eleventh_ticket_in_an_hour_waits(linked, chat: Chat, bot: Bot) -> None:
    TicketFactory.create_batch(10, requester=linked)
    go_to(chat, "confirm")
    assert "Черновик сохранён: отправьте «Да» позже" in chat.say("Да")
    assert Ticket.objects.count() == 10
    bot.clock.advance(hours=1)
    assert "создана" in chat.say("Да")


def test_stale_buttons_without_a_draft(chat: Chat) -> None:
    chat.start()
    for data in ("product:1", "products:2", "take_title", "files_done", "files_clear", "back"):
        assert "Кнопка устарела" in chat.press(data)


def test_forged_product(chat: Chat) -> None:
    go_to(chat, "product")
    for data in ("product:999", "product:x", "product:٥", "product:-1", "product"):
        chat.press(data)
        assert Dialog.objects.get().step == "product"


def test_correction_takes_the_yes_away(chat: Chat) -> None:
    go_to(chat, "confirm")
    asked = chat.press("✏️ Тема")
    assert "исправление" in asked
    assert f"Сейчас: {TITLE}" in asked
    assert chat.keyboard == []
    chat.say("Другая тема")
    assert chat.keyboard == ["Да", "Отмена"]
    chat.say("Да")
    assert Ticket.objects.get().title == "Другая тема"


def test_done_at_the_product_step_says_what_is_missing(chat: Chat) -> None:
    go_to(chat, "product")
    chat.send(("log.txt", LOG))
    assert "Ответьте на вопрос о заявке" in chat.press(DONE)


def test_created_message_stays_when_it_is_opened(chat: Chat) -> None:
    go_to(chat, "confirm")
    created = chat.say("Да").messages[-1]
    opened = chat.press("👁 Открыть", created)
    assert "Приоритет" in opened
    assert "создана" in chat.now(created)["text"]
