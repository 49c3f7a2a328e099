"""What is chosen in the list: filters, words, and the way through a card and back."""

import re

import pytest
from django.http import QueryDict
from django.urls import reverse

from portal.listing import Choice, Tab, read_choice
from tests.factories import BotRegistrationFactory, ProductFactory, TicketFactory, UserFactory
from tests.portal.pages import text, url
from tickets.models import Product
from tickets.status import TicketStatus

pytestmark = [pytest.mark.usefixtures("logged_in"), pytest.mark.each_case]

LIST = reverse("ticket_list")
RESET = "Сбросить фильтры"


def titles(response) -> set[str]:
    return {row.title for row in response.context["page"].tickets}


def links(page: str, words: str) -> list[str]:
    """Addresses of the links whose text has these words."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
    return [address.replace("&amp;", "&") for address, label in found if words in label]


@pytest.fixture
def disks(db):
    return ProductFactory(name="Диски")


@pytest.fixture
def rows(anna, product, disks):
    for status in ("new", "waiting", "closed"):
        TicketFactory(requester=anna, product=product, status=status, title=f"Сервер {status}")
        TicketFactory(requester=anna, product=disks, status=status, title=f"Диск {status}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "new"}, {"Сервер new", "Диск new"}),
        ({"q": "серв"}, {"Сервер new", "Сервер waiting"}),
        ({"q": "СЕРВЕР WAI"}, {"Сервер waiting"}),
        ({"q": "  диск\u202e  new "}, {"Диск new"}),
        ({"q": "серв", "status": "waiting"}, {"Сервер waiting"}),
        ({"tab": "closed", "q": "диск", "status": "new"}, {"Диск closed"}),
        ({"tab": "awaiting", "status": "waiting"}, {"Сервер waiting", "Диск waiting"}),
        ({"tab": "awaiting", "status": "resolved"}, set()),
        ({"q": "№"}, set()),
        ({"q": "9" * 40}, set()),
    ],
)
def test_filters_narrow_the_list(client, rows, query, found):
    assert titles(client.get(LIST, query)) == found


def test_product_is_chosen_with_the_rest(client, rows, disks):
    response = client.get(LIST, {"product": disks.pk, "status": "new", "q": "диск"})
    page = text(response)
    assert titles(response) == {"Диск new"}
    assert f'<option value="{disks.pk}" selected>Диски</option>' in page
    assert '<option value="new" selected>' in page
    assert 'value="диск"' in page
    [closed] = links(page, "Закрытые")
    assert closed == f"{LIST}?tab=closed&product={disks.pk}&q=%D0%B4%D0%B8%D1%81%D0%BA"
    assert titles(client.get(closed)) == {"Диск closed"}


def test_number_finds_its_ticket_and_nobody_elses(client, ticket, boris):
    foreign = TicketFactory(requester=boris)
    assert titles(client.get(LIST, {"q": f"№ {ticket.pk}"})) == {ticket.title}
    assert titles(client.get(LIST, {"q": str(foreign.pk)})) == set()


def test_words_do_not_tell_whose_phone_or_address_it_is(client, anna, ticket):
    """Colleagues could ask for them one by one."""
    type(anna.organization).objects.update(shares_tickets=True)
    BotRegistrationFactory(user=anna, phone="+79160000001")
    client.force_login(UserFactory(organization=anna.organization))
    for words in ("+79160000001", "89160000001", anna.email, "anna@"):
        assert titles(client.get(LIST, {"tab": "organization", "q": words})) == set()
    assert titles(client.get(LIST, {"tab": "organization", "q": "не откр"})) == {ticket.title}


def test_products_off_the_offer_can_be_chosen_while_they_are_shown(client, rows, disks):
    Product.objects.update(is_active=False)
    ProductFactory(name="Тайный продукт", is_active=False)
    page = text(client.get(LIST))
    assert page.count(">Диски</option>") == 1
    assert "Тайный продукт" not in page
    chosen = client.get(LIST, {"product": disks.pk})
    assert titles(chosen) == {"Диск new", "Диск waiting"}
    assert f'<option value="{disks.pk}" selected>' in text(chosen)


@pytest.mark.parametrize("value", ["0", "x", "٥", "-1", "9" * 30, "1;--", "1.0"])
def test_odd_product_is_none(client, rows, value):
    assert len(titles(client.get(LIST, {"product": value}))) == 4


def test_product_that_is_not_there_holds_nothing(client, rows):
    assert RESET in text(client.get(LIST, {"product": "9" * 18}))


def test_nothing_found_leads_out(client, rows):
    page = text(client.get(LIST, {"tab": "awaiting", "q": "Сеть", "status": "waiting"}))
    assert "Ничего не нашлось" in page
    assert links(page, RESET) == [f"{LIST}?tab=awaiting"]
    term = "q=%D0%A1%D0%B5%D1%82%D1%8C"
    assert links(page, "Закрытые") == [f"{LIST}?tab=closed&{term}"] * 2
    assert 'value="Сеть"' in page
    assert links(text(client.get(LIST)), RESET) == []
    assert links(text(client.get(LIST, {"status": "new"})), RESET) == [LIST]


def test_filters_hold_on_every_page(client, anna, disks, product):
    for number in range(50):
        TicketFactory(requester=anna, product=(disks, product)[number % 2], title="Сбой")
    response = client.get(LIST, {"product": disks.pk, "q": "сбой"})
    seen = [row.pk for row in response.context["page"].tickets]
    response = client.get(links(text(response), "Более ранние")[0])
    seen += [row.pk for row in response.context["page"].tickets]
    assert len(set(seen)) == 25
    assert not re.search(r'name="(older|newer)"', text(response))  # other filters start anew
    [start] = links(text(response), "К началу")
    assert start == f"{LIST}?product={disks.pk}&q=%D1%81%D0%B1%D0%BE%D0%B9"


@pytest.mark.parametrize(
    "query",
    ["", "tab=closed", "tab=awaiting&product=3&status=waiting", "q=%D0%B0%26b%3D1&older=5.6",
     "tab=organization&newer=1764236193000001.7"],
)  # fmt: skip
def test_choice_survives_its_address(query):
    choice = read_choice(QueryDict(query))
    assert choice.query == query
    assert read_choice(QueryDict(choice.query)) == choice


# Through a card and back

CHOSEN = {"tab": "awaiting", "status": "waiting", "q": "Сбой"}
ADDRESS = f"{LIST}?tab=awaiting&status=waiting&q=%D0%A1%D0%B1%D0%BE%D0%B9"


@pytest.fixture
def waiting(anna, product):
    return TicketFactory(requester=anna, product=product, title="Сбой & <b>", status="waiting")


def card_of(client, waiting, **query: str) -> str:
    [address] = links(text(client.get(LIST, query)), "Сбой")
    return address


def back(page: str) -> str:
    [address] = links(page, "←")
    return address


def test_card_leads_back_to_what_was_chosen(client, waiting):
    page = text(client.get(card_of(client, waiting, **CHOSEN)))
    assert back(page) == ADDRESS
    assert "← Ждут вас" in page
    assert back(text(client.get(card_of(client, waiting)))) == LIST


def test_page_of_the_list_is_kept_too(client, waiting, product):
    TicketFactory.create_batch(20, requester=waiting.requester, product=product)
    older = links(text(client.get(LIST)), "Более ранние")[0]
    [address] = links(text(client.get(older)), "Сбой")
    assert back(text(client.get(address))) == older


def test_forms_of_the_card_keep_the_way_back(client, waiting):
    page = text(client.get(card_of(client, waiting, **CHOSEN)))
    [action] = re.findall(r'<form method="post" action="([^"]*/comment/[^"]*)"', page)
    action = action.replace("&amp;", "&")
    refused = text(client.post(action, {"body": ""}))
    assert back(refused) == ADDRESS
    sent = client.post(action, {"body": "Вот журнал."})
    assert "#comment-" in sent.url
    page = text(client.get(sent.url))
    assert "Вот журнал." in page
    assert back(page) == ADDRESS
    assert client.get(action).url == sent.url.partition("#")[0]


def test_card_from_elsewhere_leads_to_the_tab_that_holds_it(client, anna, waiting):
    assert back(text(client.get(waiting.get_absolute_url()))) == LIST
    closed = TicketFactory(requester=anna, status=TicketStatus.CLOSED)
    assert back(text(client.get(closed.get_absolute_url()))) == f"{LIST}?tab=closed"
    type(anna.organization).objects.update(shares_tickets=True)
    client.force_login(UserFactory(organization=anna.organization))
    assert back(text(client.get(closed.get_absolute_url()))) == f"{LIST}?tab=organization"


@pytest.mark.parametrize(
    "came_from",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/admin/", "\r\nX: y",
     "tab=closed\r\nX: y", "tab=evil&next=//evil.example", "&" * 500, "%00%ff", "q=" + "я" * 900],
)  # fmt: skip
def test_way_back_is_never_an_address_of_others(client, waiting, came_from):
    query = {"from": came_from}
    page = text(client.get(waiting.get_absolute_url(), query))
    assert re.fullmatch(rf"{LIST}(\?(tab=closed|q=[%\w]+))?", back(page))
    [action] = re.findall(r'<form method="post" action="([^"]*/comment/[^"]*)"', page)
    assert action.startswith(url("ticket_comment", waiting))
    sent = client.post(url("ticket_comment", waiting), {"body": "Текст"}, query_params=query)
    assert sent.url.startswith(f"{waiting.get_absolute_url()}?from=")
    assert "evil" not in sent.url


def test_list_of_the_organization_is_no_way_back_for_who_left(client, waiting):
    page = text(client.get(waiting.get_absolute_url(), {"from": "tab=organization"}))
    assert back(page) == LIST


def test_choice_of_a_tab_drops_what_it_has_not():
    choice = Choice(Tab.OPEN, product=3, status="new", term="а")
    assert choice.on(Tab.CLOSED) == Choice(Tab.CLOSED, product=3, term="а")
    assert choice.on(Tab.ORGANIZATION).status == "new"
