"""What a search finds, whatever is typed, and what it never finds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import CommentFactory, TicketFactory
from tickets import search_postgresql, search_sqlite
from tickets.models import Ticket
from tickets.search import TERM_LIMIT, WORDS_LIMIT, search_tickets, words_of

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite knows no forms of words"
)


@pytest.fixture
def replica(anna):
    """«Реплика отстаёт», with a machine in the description and a port in a comment."""
    ticket = TicketFactory(
        requester=anna,
        title="Реплика отстаёт",
        description="Машина vm-prod-0417 (10.0.17.5), ошибка E_1234: диск 100%.\n/var/log/pg.log",
    )
    CommentFactory(ticket=ticket, body="Порт 5432 закрыт, пишет o'clock \\temp.")
    return ticket


@pytest.fixture
def invoice(boris):
    return TicketFactory(
        requester=boris, title="Не приходит счёт", description="Нужны акты за май."
    )


@pytest.fixture
def found(replica, invoice):
    def search(term: str, *, internal: bool = False) -> list[Ticket]:
        rows = Ticket.objects.order_by("pk")
        return list(search_tickets(rows, term, internal=internal))

    return search


@pytest.mark.parametrize("spelling", ["{}", "№ {}", "#{}", " №{} ", "# {}"])
def test_ticket_is_found_by_its_number(found, replica, spelling):
    assert found(spelling.format(replica.pk)) == [replica]


@pytest.mark.parametrize(
    "pasted",
    [
        "Заявка № {}", "заявка {}", "по заявке №{}", "Re: Заявка № {}: ответ поддержки",
        "№ {} · Реплика отстаёт — Поддержка", "[№ {}]", "№{}.", "({})", "{},", "«#{}»",
    ],
)  # fmt: skip
def test_ticket_is_found_by_its_number_as_our_pages_and_letters_have_it(found, replica, pasted):
    assert found(pasted.format(replica.pk)) == [replica]


@pytest.mark.parametrize("pasted", ["счёт № {}", "договор {} от мая", "заявка №", "заявка{}"])
def test_number_of_something_else_is_no_ticket(found, replica, pasted):
    assert found(pasted.format(replica.pk)) == []


@pytest.mark.parametrize(
    "number", ["№ 99999999", "#" + "9" * 40, "9" * 40, "заявка " + "9" * 40, "#5432", "٥"]
)
def test_number_of_no_ticket_finds_nothing(found, number):
    assert found(number) == []


def test_bare_number_may_stand_in_the_words(found, replica, invoice):
    number = invoice.pk + 100_000
    CommentFactory(ticket=replica, body=f"Код {invoice.pk}{number}")
    assert found(f"{invoice.pk}{number}") == [replica]


@pytest.mark.parametrize(
    "term",
    [
        "реплика", "РЕПЛИКА", "Реплика отстает", "отстаёт реплика", "отстаёт 5432", "vm-prod",
        "VM-Prod-04", "prod-0417", "10.0.17", "10.0.17.5", "E_1234", "e_1234:", "«vm-prod-0417»",
        "(10.0.17.5)", "100%", "/var/log", "pg.log", "\\temp", "o'clock", "«отстаёт», vm-prod!",
        "реплика порт закрыт диск машина", "закрыт,пишет", "реплика — отстаёт",
    ],
)  # fmt: skip
def test_all_words_in_any_place_and_parts_of_names_are_found(found, replica, term):
    assert found(term) == [replica]


@pytest.mark.parametrize("term", ["счёт", "счет", "СЧЁТ", "Счет приходит"])
def test_yo_is_found_as_ye(found, invoice, term):
    assert found(term) == [invoice]


@on_postgresql
@pytest.mark.parametrize("term", ["реплики", "репликами", "машине ошибкой", "порты диски"])
def test_forms_of_words_are_found(found, replica, term):
    assert found(term) == [replica]


@pytest.mark.parametrize("term", ["репли", "отста", "маши"])
def test_beginning_of_a_word_is_found(found, replica, term):
    assert found(term) == [replica]


def test_hyphen_is_a_part_of_a_name_and_no_operator(found):
    first, second = TicketFactory(title="Intern-1 T-Test"), TicketFactory(title="Intern-2 Printer")
    assert found("Intern-1") == found("T-Test") == found("t-test intern") == [first]
    assert found("intern") == [first, second]
    assert found("Print") == found("Printe") == found("Printer") == [second]


def test_one_word_that_is_missing_finds_nothing(found):
    assert found("реплика кластер") == found("vm-prod vm-test") == []


@pytest.mark.parametrize("word", ["БД", "бд", "k8", "K8"])
def test_word_of_two_letters_is_found_whole(found, word):
    ticket = TicketFactory(title="Нет связи с БД", description="Узел k8 и k8s-node, бдение.")
    assert found(word) == found(f"связи {word}") == [ticket]
    assert found("дб") == found("k9") == []


ODD = [
    "%", "_", "\\", "'", '"', '""', "*", "(", ")", "-", "--", "AND", "OR NOT", "NEAR(", "^", ":",
    "public:", "words : x", "&", "|", "!", "<->", "' OR 1=1 --", '" OR "', "a* OR b*", "%%%", "___",
    "\\\\", "\0", "\0\0реп", "\ud800", "\u202e", "\u200b", "🎉", "🎉🎉🎉", "?", "NOT",
    "{}", "{public}", "[a-z]", "(?i)", "$$", "%s", ":*", "счёт:*", "реплика:A", "!реплика",
    "x" * 10_240, "я" * 10_240, "а б " * 3_000, "%" * 10_240, '"' * 10_240, "'" * 999,
    "и", "не", "и не в на", "the and", "ы", "ß", "ﬃ", "ё", "İ",
]  # fmt: skip


@pytest.mark.parametrize("internal", [False, True])
def test_odd_term_neither_fails_nor_finds_all(found, replica, invoice, internal):
    TicketFactory(title="Третья", description="Совсем другое")
    finding_all = [term for term in ODD if len(found(term, internal=internal)) == 3]
    assert finding_all == []


@pytest.mark.parametrize("term", ["", " ", "\n\t"])
def test_blank_term_is_no_search(found, replica, invoice, term):
    assert found(term) == [replica, invoice]


def test_long_term_is_cut():
    assert words_of("а " * 500) == ["а"]
    assert len(words_of(" ".join(map(str, range(500))))) == WORDS_LIMIT
    assert words_of("я" * 5_000) == ["я" * TERM_LIMIT]


# What customers may not see


@pytest.fixture
def noted(replica, agent):
    return CommentFactory(
        ticket=replica, author=agent, is_internal=True, body="Подозреваю саботаж x99y"
    )


@pytest.mark.parametrize("term", ["саботаж", "саботаж реплика", "x99y", "сабот", "99y"])
def test_note_is_found_by_agents_only(found, replica, noted, term):
    assert found(term, internal=True) == [replica]
    assert found(term) == []


def test_words_beside_a_note_are_found_by_all(found, replica, noted, agent):
    CommentFactory(ticket=replica, author=agent, body="Заменили контроллер")
    assert found("контроллер реплика") == [replica]
    assert found("контроллер саботаж", internal=True) == [replica]
    assert found("контроллер саботаж") == []


@pytest.mark.parametrize("few", [0, 1_000])  # by an index, row by row
def test_note_is_not_read_by_the_search_of_customers(found, noted, few, monkeypatch):
    """Not even to be left out afterwards: its index has no part in the statements."""
    monkeypatch.setattr(search_postgresql, "FEW", few)
    with CaptureQueriesContext(connection) as queries:
        found("саботаж x99y")
    statements = [query["sql"] for query in queries if "ticketsearch" in query["sql"]]
    assert statements != []
    assert [statement for statement in statements if "internal" in statement] == []


def test_search_stays_within_the_rows(found, anna, boris, replica):
    CommentFactory(ticket=replica, body="общее")
    other = TicketFactory(requester=boris, title="Общее дело")
    own = Ticket.objects.own(boris).order_by("requester", "-changed_at", "-id")
    assert list(search_tickets(own, "общее", internal=False)) == [other]
    assert list(search_tickets(own, str(replica.pk), internal=False)) == []


@pytest.mark.parametrize("term", ["реплика", "бд", "vm-1", "1"])
def test_search_among_no_rows_finds_nothing(term, replica):
    """Whether the database is asked for them or not."""
    assert list(search_tickets(Ticket.objects.none(), term, internal=False)) == []
    none_of_none = Ticket.objects.filter(requester__in=[])
    assert list(search_tickets(none_of_none, term, internal=True)) == []


# The newest, where there are many


@pytest.fixture
def many(monkeypatch, anna):
    monkeypatch.setattr(search_postgresql, "NEWEST", 2)
    monkeypatch.setattr(search_postgresql, "FEW", 1)
    monkeypatch.setattr(search_sqlite, "NEWEST", 2)
    return [
        TicketFactory(requester=anna, title=f"Частое {n}", description=f"бд vm-prod-{n}")
        for n in range(4)
    ]


def numbers(rows, term) -> list[int]:
    return [row.pk for row in search_tickets(rows.order_by("-pk"), term, internal=True)]


def count_rows() -> None:
    """Let PostgreSQL know how many there are; what it knows may be of tests before."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tickets_ticketsearch")


def test_rare_word_is_found_however_old(many):
    rare = TicketFactory(title="Редкое x77")
    TicketFactory.create_batch(4)
    count_rows()
    assert (
        numbers(Ticket.objects.all(), "редкое") == numbers(Ticket.objects.all(), "x77") == [rare.pk]
    )


@on_postgresql
@pytest.mark.parametrize("is_judged", [False, True])  # by counting only, or by a sample as well
@pytest.mark.parametrize("term", ["частое", "частое бд", "vm-prod"])
def test_frequent_word_is_looked_for_among_the_newest(many, boris, term, is_judged):
    if is_judged:
        count_rows()
    assert numbers(Ticket.objects.all(), term) == [many[3].pk, many[2].pk]
    other = TicketFactory(requester=boris, title="Частое", description="бд vm-prod-5")
    assert numbers(Ticket.objects.all(), term) == [other.pk, many[3].pk]


@on_postgresql
def test_pieces_of_a_frequent_name_are_not_gone_through(monkeypatch, db):
    """Trigrams keep no order: every row with `vm-prod` would be read for `prod-vm`."""
    monkeypatch.setattr(search_postgresql, "NEWEST", 2)
    monkeypatch.setattr(search_postgresql, "FEW", 2)
    TicketFactory.create_batch(5, title="Сбой", description="vm-prod-1")
    count_rows()
    assert reads_by_index("prod-vm") == [False, False]
    assert reads_by_index("vm-prod-2") == [True, True]


def reads_by_index(term: str) -> list[bool]:
    """Whether the parts of the statement that read each document by its index were run."""
    with CaptureQueriesContext(connection) as queries:
        assert numbers(Ticket.objects.all(), term) == []
    [statement] = [query["sql"] for query in queries if "frequent" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.replace("%", "%%"))
        [[[found]]] = cursor.fetchall()
    [documents] = [
        part for part in found["Plan"]["Plans"] if part.get("Subplan Name") == "CTE found"
    ]
    return [
        document["Plans"][-1]["Plans"][0]["Actual Loops"] > 0 for document in documents["Plans"]
    ]


@on_postgresql
@pytest.mark.parametrize("term", ["бд", "vm-prod-2", "нигде"])
def test_as_many_statements_for_many_rows_as_for_few(many, monkeypatch, term):
    def statements(few: int) -> int:
        monkeypatch.setattr(search_postgresql, "FEW", few)
        with CaptureQueriesContext(connection) as queries:
            numbers(Ticket.objects.all(), term)
        return len(queries)

    count_rows()
    assert statements(1) == statements(1_000)


@on_postgresql
def test_so_many_of_a_frequent_word_are_shown(many, monkeypatch):
    monkeypatch.setattr(search_postgresql, "SHOWN", 1)
    assert numbers(Ticket.objects.all(), "частое") == [many[3].pk]


def test_frequent_word_is_found_in_all_rows_of_a_person_with_few(many, boris):
    mine = TicketFactory(requester=boris, title="Частое", description="бд")
    TicketFactory.create_batch(4)
    assert numbers(Ticket.objects.own(boris), "частое") == [mine.pk]
    assert numbers(Ticket.objects.own(boris), "бд") == [mine.pk]


def test_short_word_alone_is_looked_for_among_the_newest(many):
    assert numbers(Ticket.objects.all(), "бд") == [many[3].pk, many[2].pk]


QUERIES = {"postgresql": 3, "sqlite": 1}  # stems, how many rows there are, those found; the list


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_rows(anna, rows, django_assert_num_queries):
    TicketFactory.create_batch(rows, requester=anna, title="Реплика vm-1")
    with django_assert_num_queries(
        QUERIES[connection.vendor] + (connection.vendor == "postgresql")
    ):
        found = list(search_tickets(Ticket.objects.own(anna), "реплика vm-1", internal=False))
    assert len(found) == rows
