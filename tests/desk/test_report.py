"""«Отчёт»: who reads it, what it is asked for, what it shows and what the file holds."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from desk.report_csv import safe
from desk.report_form import LONGEST
from desk.reports import span
from tests.factories import (
    AgentFactory,
    ProductFactory,
    SpecialistFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tickets import services
from tickets.models import Face, Ticket
from tickets.recording import agent, customer
from tickets.status import TicketStatus

pytestmark = [pytest.mark.django_db, pytest.mark.each_case]
PAGE = "/admin/report/"
FILE = "/admin/report/csv/"


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def cards(response) -> dict[str, str]:
    return {card.label: card.number for card in response.context["cards"]}


def rows(response) -> list[dict[str, str]]:
    content = b"".join(response.streaming_content).decode()
    assert content.startswith('\ufeff"№";')
    return list(csv.DictReader(content[1:].splitlines(), delimiter=";"))


def days_ago(days: int) -> str:
    return (timezone.localdate() - timedelta(days=days)).isoformat()


@pytest.fixture
def lead(client, head):
    client.force_login(head)
    return client


@pytest.fixture
def solved(anna, specialist):
    """A ticket that the specialist solved in no time and Anna rated."""
    ticket = open_ticket(anna, product=ProductFactory(name="Базы данных"))
    by = agent(specialist)
    services.assign_ticket(ticket=ticket, assignee=specialist, actor=by)
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by, answer="Готово.")
    Ticket.objects.update(answered_at=F("created_at"))
    ticket.events.filter(solved_in__isnull=False).update(solved_in=0)
    ticket.refresh_from_db()
    by_anna = customer(anna, Face.PORTAL)
    return services.rate_ticket(ticket=ticket, actor=by_anna, score=4, text="=1+1 спасибо")


@pytest.mark.parametrize("path", [PAGE, FILE])
@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("anonymous", 302), ("customer", 302), ("trainee", 403), ("specialist", 403),
        ("head", 200), ("administrator", 200), ("superuser", 200),
    ],
)  # fmt: skip
def test_who_reads_it(client, request, db, who, status, path):
    people = {"customer": UserFactory, "trainee": AgentFactory}
    if who in people:
        client.force_login(people[who]())
    elif who != "anonymous":
        client.force_login(request.getfixturevalue(who))
    assert client.get(path).status_code == status


@pytest.mark.parametrize(("who", "leads"), [("specialist", False), ("head", True)])
def test_header_leads_there_who_may_read_it(client, request, who, leads):
    client.force_login(request.getfixturevalue(who))
    assert (f'href="{PAGE}"' in text(client.get("/admin/tickets/ticket/"))) is leads


# What it is asked for


def test_first_look_is_at_thirty_days(lead, product):
    for days in (0, 29, 30):
        moment = timezone.now() - timedelta(days=days)
        TicketFactory(product=product, created_at=moment)
    response = lead.get(PAGE)
    assert cards(response)["Создано"] == "2"
    assert f'value="{days_ago(29)}"' in text(response)
    current = [preset.label for preset in response.context["presets"] if preset.is_current]
    assert "30 дней" in current


@pytest.mark.parametrize(
    ("given", "wrong", "words"),
    [
        ({"since": "", "until": "2026-01-01"}, "since", "Обязательное поле"),
        ({"since": "вчера", "until": "2026-01-01"}, "since", "Введите правильную дату"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "until", "раньше начала"),
        ({"since": "2024-01-01", "until": "2025-01-01"}, "until", f"не длиннее {LONGEST} дней"),
        ({"since": "0001-01-01", "until": "0001-01-02"}, "since", "Слишком давно"),
        ({"since": "2026-01-01", "until": "9999-12-31"}, "until", "ещё не наступил"),
        ({"product": "9" * 30}, "product", "Выберите корректный вариант"),
        ({"product": "x"}, "product", "Выберите корректный вариант"),
        ({"agent": "0"}, "agent", "Выберите корректный вариант"),
        ({"organization": "нет такой"}, "organization", "Организации с таким названием нет"),
        ({"organization": "x" * 500}, "organization", "не более 100"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(lead, given, wrong, words):
    response = lead.get(PAGE, given)
    page = text(response)
    [errors] = response.context["form"].errors[wrong].as_data() and [page]
    assert words in errors
    assert re.search(rf'id="id_{wrong}"[^>]*|id="id_{wrong}_error"', page)
    assert f'id="id_{wrong}_error"' in page
    assert "cards" not in response.context
    assert "Ошибка:" in page
    assert lead.get(FILE, given).status_code == 302


@pytest.mark.parametrize("before", ["x", "1.x", "9" * 40, f"{'9' * 18}.1", "1", "..", "1.2.3"])
def test_forged_place_is_the_first_page(lead, solved, before):
    assert len(lead.get(PAGE, {"before": before}).context["words"]) == 1


def test_longest_period_is_a_leap_year(lead):
    given = {"since": "2024-01-01", "until": "2024-12-31"}
    assert "cards" in lead.get(PAGE, given).context


def test_only_what_is_chosen_counts(lead, anna, boris, specialist, product):
    other = ProductFactory()
    TicketFactory(requester=anna, product=product, assignee=specialist)
    TicketFactory(requester=boris, product=other)
    for given in (
        {"product": product.pk}, {"agent": specialist.pk}, {"organization": "альфа"},
    ):  # fmt: skip
        assert cards(lead.get(PAGE, given))["Создано"] == "1"
    assert cards(lead.get(PAGE))["Создано"] == "2"


def test_presets_and_file_keep_what_was_chosen(lead, product):
    response = lead.get(PAGE, {"product": product.pk})
    assert all(f"product={product.pk}" in preset.url for preset in response.context["presets"])
    assert f"product={product.pk}" in response.context["csv"]


# What it shows


def test_figures_of_products_and_agents(lead, solved, specialist):
    response = lead.get(PAGE)
    assert cards(response) == {
        "Создано": "1", "Выполнено": "1", "Возвращено в работу": "0", "Осталось в работе": "0",
        "Первый ответ, медиана": "0 с", "Решение, медиана": "0 с",
    }  # fmt: skip
    [line] = response.context["by_product"]
    assert (line.name, line.cells[:3], line.cells[-1]) == (
        "Базы данных", ["1", "1", "0"], "4,00 (n=1)",
    )  # fmt: skip
    [line] = response.context["by_agent"]
    assert (line.name, line.cells[0], line.cells[-1]) == (str(specialist), "1", "4,00 (n=1)")


def test_words_of_ratings_lead_to_their_ticket_and_are_text(lead, solved):
    Ticket.objects.update(rating_comment="<b>Спасибо</b>")
    page = text(lead.get(PAGE))
    assert "&lt;b&gt;Спасибо&lt;/b&gt;" in page
    assert f"/admin/tickets/ticket/{solved.pk}/change/" in page


def test_words_of_ratings_come_page_by_page(lead, product):
    for number in range(21):
        TicketFactory(
            product=product, status="closed", score=5, rating_comment=f"Слово {number}",
            closed_at=timezone.now() - timedelta(minutes=number),
        )  # fmt: skip
    first = lead.get(PAGE)
    assert len(first.context["words"]) == 20
    second = lead.get(PAGE + first.context["older_words"])
    assert [ticket.rating_comment for ticket in second.context["words"]] == ["Слово 20"]
    assert second.context["older_words"] == ""
    assert "К новым" in text(second)


def test_nothing_is_said_to_be_nothing(lead):
    page = text(lead.get(PAGE))
    for words in ("ничего не было", "никто ничего не выполнил", "Оценок за это время нет"):
        assert words in page


def test_days_are_those_of_the_reader(lead, head, product):
    """Half past eleven of last night in UTC is this morning in Vladivostok."""
    day = timezone.now().date() - timedelta(days=3)
    moment = datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)
    TicketFactory(product=product, created_at=moment)
    asked = {"since": day.isoformat(), "until": day.isoformat()}
    for zone, number in (("UTC", "1"), ("Asia/Vladivostok", "0")):
        type(head).objects.filter(pk=head.pk).update(time_zone=zone)
        assert cards(lead.get(PAGE, asked))["Создано"] == number
        assert len(rows(lead.get(FILE, asked))) == int(number)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "—"), (0, "0 с"), (59.4, "59 с"), (60, "1 мин"), (3599, "1 ч 00 мин"),
        (7500, "2 ч 05 мин"), (48 * 3600, "2 д 0 ч"), (50 * 3600, "2 д 2 ч"),
    ],
)  # fmt: skip
def test_span_in_words(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize("number", [1, 3])
def test_query_count(lead, anna, django_assert_num_queries, number):
    for _each in range(number):
        by = agent(SpecialistFactory())
        ticket = open_ticket(anna)
        services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by, answer="Да.")
        ticket.refresh_from_db()
        services.rate_ticket(
            ticket=ticket, actor=customer(anna, Face.PORTAL), score=5, text="Спасибо"
        )
    lead.get(PAGE)
    with django_assert_num_queries(17):
        lead.get(PAGE)


# The file


def test_file_holds_the_tickets_behind_the_figures(lead, solved, specialist):
    response = lead.get(FILE)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="report-')
    assert response.streaming
    [row] = rows(response)
    assert row["№"] == str(solved.pk)
    assert (row["Кто выполнил"], row["Решение, мин"], row["Решение в срок"]) == (
        str(specialist), "0", "да",
    )  # fmt: skip
    assert (row["Оценка"], row["Комментарий к оценке"]) == ("4", "'=1+1 спасибо")
    assert row["Создана"] == f"{timezone.localtime(solved.created_at):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1", "+7 916", "-1", "@SUM(A1)", "\t=1", " =1", "  @x", "＝1",
        '=HYPERLINK("http://evil.example";"x")', "\u00a0=1", "\u200b=1", "\ufeff=1",
    ],
)  # fmt: skip
def test_formula_is_a_text(formula):
    assert safe(formula) == f"'{formula}"


@pytest.mark.parametrize("before", ["а,", 'а, "', "а\n", "а\r\n "])
def test_formula_behind_what_may_end_a_cell_is_a_text(before):
    assert safe(f"{before}=1+1,б") == f"{before}'=1+1,б"
    assert safe("\r\n=1") == "'\r\n'=1"


@pytest.mark.parametrize("cell", ["Счёт = 5", "а, б-в, г", "a-b", "", 7, -7, "№ 5"])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert safe(cell) == cell


def test_separators_and_lines_in_a_title_stay_in_their_cell(lead, product):
    TicketFactory(product=product, title='а;б"в', rating_comment="")
    [row] = rows(lead.get(FILE))
    assert row["Тема"] == 'а;б"в'


def test_comma_ends_no_cell_where_it_is_a_separator_too(lead, product):
    TicketFactory(product=product, title="Не работает, срочно")
    assert ';"Не работает, срочно";' in b"".join(lead.get(FILE).streaming_content).decode()


def test_queries_of_the_file_grow_with_hundreds_only(lead, product, django_assert_num_queries):
    rows(lead.get(FILE))
    for number in (1, 3):
        for _each in range(number):
            TicketFactory(product=product)
        with django_assert_num_queries(14):
            rows(lead.get(FILE))
