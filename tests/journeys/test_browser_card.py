"""The page of a ticket while things happen to it."""

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from playwright.sync_api import expect

from accounts.models import Session
from tests.factories import PASSWORD, open_ticket
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import TEXT_LIMIT, Comment, Face, TicketEvent
from tickets.status import TicketStatus

FILES = "input[type=file]"
WORDS = "Полчаса собирала журналы и пишу подробно."
NEXT = 9500  # milliseconds until an open page has asked again
WEIGHT = 60 * 1024  # bytes of a page with all it loads but pictures
SIZES = """() => Object.fromEntries(
    ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
        .filter((entry) => entry.initiatorType !== "img" && !entry.name.includes("/live/"))
        .map((entry) => [entry.name, entry.decodedBodySize]))"""
COUNT = """() => {
    const plain = fetch;
    window.asked = window.answered = 0;
    window.fetch = (...given) => {
        window.asked += 1;
        return plain(...given).finally(() => (window.answered += 1));
    };
}"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def ticket(transactional_db, anna):
    return open_ticket(anna, title="Нет связи", description="Строка\n" * 60)


@pytest.fixture
def reply(ticket, agent):
    def reply(body: str, **given) -> Comment:
        return add_comment(ticket=ticket, actor=recording.agent(agent), body=body, **given)

    return reply


@pytest.fixture
def open_page(page, live_server, anna):
    """Anna, logged in, on a page whose clock the test moves."""

    def open_page(path: str, *, own_clock: bool = True) -> None:
        if own_clock:
            page.clock.install()
        page.goto(live_server.url + path)
        log_in(page)
        page.wait_for_url(live_server.url + path)

    return open_page


def log_in(page) -> None:
    page.get_by_label("Логин или почта").fill("anna")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()


def pass_time(page) -> None:
    """Let the page ask what is new, and hear the answer."""
    with page.expect_response(re.compile("/live/")):
        page.clock.fast_forward(NEXT)


def offer(page, words: str):
    return page.get_by_role("status").get_by_role("button", name=words)


def test_new_answer_moves_nothing_until_it_is_asked_for(page, open_page, ticket, reply, agent):
    reply("Смотрим")
    open_page(ticket.get_absolute_url())
    field = page.get_by_label("Ваш комментарий")
    field.fill(WORDS)
    before = page.evaluate("scrollY")
    reply("Тайна", internal=True)
    pass_time(page)
    expect(page).to_have_title(re.compile(r"^№ "))
    reply("Уже чиним")
    pass_time(page)
    button = offer(page, "Новый ответ — показать")
    button.wait_for()
    expect(page).to_have_title(re.compile(r"^\(1\) № "))
    assert page.evaluate("scrollY") == before
    expect(page.get_by_text("Уже чиним")).to_be_hidden()
    assert Axe().run(page).response["violations"] == []

    button.click()
    page.get_by_text("Уже чиним").wait_for()
    expect(page.locator("li.event", has_text="Уже чиним")).to_be_focused()
    expect(page).to_have_title(re.compile(r"^№ "))
    expect(button).to_have_count(0)
    expect(field).to_have_value(WORDS)
    assert Axe().run(page).response["violations"] == []

    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Готово."
    )
    pass_time(page)
    expect(page.locator(".menu .badge")).to_have_text(re.compile("^1"))
    offer(page, "Новый ответ — показать").click()
    page.get_by_role("link", name="Обновить страницу").wait_for()
    header = page.locator(".ticket-header")
    expect(header).to_contain_text("Ожидает ответа", use_inner_text=True)
    page.get_by_role("button", name="Отправить").click()
    see_added(page)
    expect(page.get_by_text("Пока вы писали")).to_have_count(0)  # the page has shown it all
    expect(page.locator(".beside")).to_be_focused()
    expect(page.get_by_text("Комментарий добавлен.")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


def test_sending_over_an_unseen_answer_says_so(page, open_page, ticket, reply):
    open_page(ticket.get_absolute_url())
    page.get_by_label("Ваш комментарий").fill(WORDS)
    missed = reply("Уже чиним")
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Пока вы писали, поддержка ответила.").wait_for()
    page.get_by_role("link", name="К ответу").click()
    expect(page).to_have_url(re.compile(f"#comment-{missed.pk}$"))
    assert Comment.objects.get(author=ticket.requester).body == WORDS


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "журнал.txt"
    path.write_text("строка")
    return path


def send(page) -> None:
    page.get_by_role("button", name="Отправить").click()


def see_added(page) -> None:
    """The page that says so, come whole."""
    page.get_by_text("Комментарий добавлен.").wait_for()
    page.wait_for_load_state()


def chosen(page) -> list[str]:
    return page.locator(FILES).evaluate("input => [...input.files].map((file) => file.name)")


@pytest.mark.parametrize("problem", ["words", "kind"])
def test_files_stay_when_the_comment_comes_back(
    page, open_page, ticket, reply, journal, tmp_path, problem
):
    bad = tmp_path / "снимок.png"
    bad.write_text("не картинка")
    open_page(ticket.get_absolute_url())
    words = page.get_by_label("Ваш комментарий")
    words.fill("ё" * (TEXT_LIMIT + 1) if problem == "words" else WORDS)
    files = [journal, *([bad] if problem == "kind" else [])]
    page.locator(FILES).set_input_files(files)
    send(page)
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_text("Выберите файлы заново")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []
    assert chosen(page) == [file.name for file in files]
    reply("Уже чиним")
    pass_time(page)
    offer(page, "Новый ответ — показать").click()  # the page that came back hears of it
    page.get_by_text("Уже чиним").wait_for()
    assert chosen(page) == [file.name for file in files]
    words.fill(WORDS)
    if problem == "kind":
        page.get_by_role("button", name="Убрать снимок.png").click()
    send(page)
    see_added(page)
    comment = Comment.objects.get(author=ticket.requester)
    assert (comment.body, comment.attachments.get().name) == (WORDS, "журнал.txt")
    expect(page).to_have_url(re.compile(f"/tickets/{ticket.pk}/#comment-{comment.pk}$"))
    expect(page.locator(".beside")).to_be_focused()
    expect(words).to_have_value("")
    assert chosen(page) == []
    page.go_back()
    page.reload()
    assert Comment.objects.filter(author=ticket.requester).count() == 1


@pytest.mark.parametrize("fault", ["unreachable", "broken after the commit"])
def test_comment_is_not_lost_when_no_answer_comes(
    page, open_page, ticket, journal, monkeypatch, fault
):
    open_page(ticket.get_absolute_url())
    page.get_by_label("Ваш комментарий").fill(WORDS)
    page.locator(FILES).set_input_files(journal)
    with monkeypatch.context() as patch:
        if fault == "unreachable":
            page.route("**/comment/", lambda route: route.abort())
        else:
            patch.setattr("portal.views.comments._show_comment", None)
        send(page)
        page.get_by_text("Сервер не ответил. Текст и файлы на месте").wait_for()
    page.unroute("**/comment/")
    assert chosen(page) == ["журнал.txt"]
    send(page)
    see_added(page)
    assert Comment.objects.get().attachments.count() == 1


def test_comment_on_a_ticket_that_was_closed_meanwhile(page, open_page, ticket, agent, journal):
    open_page(ticket.get_absolute_url())
    page.get_by_label("Ваш комментарий").fill(WORDS)
    page.locator(FILES).set_input_files(journal)
    services.change_status(
        ticket=ticket, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
    send(page)
    page.get_by_role("heading", name="Комментарий не добавлен").wait_for()
    page.wait_for_load_state()
    expect(page.get_by_label("Ваш комментарий")).to_have_value(WORDS)
    assert Axe().run(page).response["violations"] == []


def test_ended_session_is_told_once_and_asks_no_more(page, open_page, ticket):
    open_page(ticket.get_absolute_url())
    field = page.get_by_label("Ваш комментарий")
    field.fill(WORDS)
    Session.objects.all().delete()
    pass_time(page)
    page.get_by_text("Сеанс завершён: новое здесь больше не появится.").wait_for()
    asked = []
    page.on("request", lambda request: "/live/" in request.url and asked.append(request.url))
    page.clock.fast_forward(20 * 60 * 1000)
    assert asked == []
    expect(field).to_have_value(WORDS)
    page.get_by_role("link", name="Войти снова").click()
    log_in(page)
    page.get_by_role("heading", name="Нет связи").wait_for()


def test_list_offers_to_be_renewed(page, open_page, ticket, agent):
    open_page("/")
    pass_time(page)
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Готово."
    )
    pass_time(page)
    button = offer(page, "Новое — обновить")
    button.wait_for()
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator(".menu .badge")).to_have_text(re.compile("^1"))
    button.click()
    page.locator(".chip-waiting").wait_for()
    expect(page).not_to_have_title(re.compile(r"^\(1\) "))


def test_hidden_page_asks_less_and_at_once_when_it_is_seen(page, open_page, ticket, reply):
    open_page(ticket.get_absolute_url())
    page.evaluate(COUNT)
    hide = "is => { Object.defineProperty(document, 'hidden', { value: is, configurable: true });"
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    for _minute in range(30):
        page.clock.run_for(60_000)
        page.wait_for_function("() => asked === answered")  # only then it thinks of the next
    assert 5 <= page.evaluate("asked") <= 12
    reply("Уже чиним")
    page.evaluate(hide, False)
    offer(page, "Новый ответ — показать").wait_for()


def test_without_javascript_a_reload_does_the_same(browser, live_server, ticket, reply, anna):
    context = browser.new_context(java_script_enabled=False, locale="ru-RU")
    page = context.new_page()
    page.goto(live_server.url + ticket.get_absolute_url())
    log_in(page)
    page.get_by_label("Ваш комментарий").fill(WORDS)
    reply("Уже чиним")
    page.get_by_role("button", name="Отправить").click()
    told = page.get_by_role("status").filter(has_text="Комментарий добавлен.")
    expect(told).to_be_visible()
    expect(told).to_contain_text("Пока вы писали, поддержка ответила.", use_inner_text=True)
    reply("Починили")
    page.reload()
    expect(page.get_by_text("Починили")).to_be_visible()
    expect(page.get_by_text("Новое", exact=True)).to_be_visible()
    context.close()


def test_paper_has_the_ticket_and_not_the_menu(page, open_page, ticket, reply):
    reply("Уже чиним")
    open_page(ticket.get_absolute_url())
    page.emulate_media(media="print")
    for shown in ("Нет связи", "О заявке", "Уже чиним"):
        expect(page.get_by_text(shown).first).to_be_visible()
    for hidden in (".sidebar", ".composer", ".back", ".news", ".skip-link"):
        expect(page.locator(hidden)).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_any_content_fits_a_small_screen(page, open_page, ticket, reply, agent, scheme):
    file = NewFile("снимок.png", len(PNG), "", ContentFile(PNG, name="снимок.png"))
    reply(f"```\n{'код' * 200}\n  x\n```\nhttps://a.example/{'x' * 500}", files=[file])
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    page.emulate_media(color_scheme=scheme)
    open_page(ticket.get_absolute_url())
    picture = page.locator(".timeline img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalWidth", 1)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).response["violations"] == []


def sent(address: str, size: int) -> int:
    """Styles and scripts are compressed where they were collected, as they are on every server."""
    _page, is_static, name = urlsplit(address).path.partition("/static/")
    return len(gzip.compress(Path(finders.find(name)).read_bytes())) if is_static else size


def test_page_of_a_long_ticket_is_light(page, open_page, ticket, agent):
    words = "Реплика отстаёт на сорок секунд, журнал приложен. " * 4
    moved = {"kind": "priority", "old_value": "low", "new_value": "high"}
    comments = Comment.objects.bulk_create(
        Comment(ticket=ticket, author=agent, body=words, face=Face.ADMIN, by_agent=True)
        for _number in range(100)
    )
    TicketEvent.objects.bulk_create(
        TicketEvent(
            ticket=ticket,
            actor=agent,
            by_agent=True,
            face="admin",
            **(moved if number % 3 == 0 else {"kind": "commented", "comment": made}),
        )
        for number, made in enumerate(comments)
    )
    open_page(ticket.get_absolute_url(), own_clock=False)  # which would hide what was loaded
    page.wait_for_load_state("networkidle")
    sizes = {address: sent(address, size) for address, size in page.evaluate(SIZES).items()}
    assert len(sizes) > 5
    assert sum(sizes.values()) <= WEIGHT, sizes
    expect(page.locator(".timeline > .event")).to_have_count(31)
    page.get_by_role("link", name="Показать более ранние").click()
    page.get_by_role("link", name="К последним").click()
    expect(page.locator("#latest")).to_have_count(1)
