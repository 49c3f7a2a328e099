"""The page that makes a ticket out of a message."""

from uuid import uuid4

import pytest

from tests.factories import AgentFactory, ProductFactory, open_ticket
from tickets.comments import add_comment
from tickets.models import Comment, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


@pytest.fixture
def said(ticket, by_anna):
    return add_comment(ticket=ticket, actor=by_anna, body="И ещё <счёт> неверный")


def address(comment: Comment) -> str:
    return f"/admin/tickets/ticket/{comment.ticket_id}/split/{comment.pk}/"


def filled(product, **given) -> dict:
    return {"title": "Счёт", "product": product.pk, "key": str(uuid4())} | given


def test_page_offers_the_words_as_title(desk, said):
    page = desk.get(address(said)).content.decode()
    assert 'value="И ещё &lt;счёт&gt; неверный"' in page
    assert Ticket.objects.count() == 1


def test_made_once_and_led_to_its_card(desk, said, product):
    sent = filled(product)
    places = {desk.post(address(said), sent).url for _time in range(2)}
    made = Ticket.objects.latest("pk")
    assert places == {f"/admin/tickets/ticket/{made.pk}/change/"}
    assert Ticket.objects.count() == 2


def test_second_form_says_which_ticket_it_is(desk, said, product):
    desk.post(address(said), filled(product))
    page = desk.post(address(said), filled(product, title="Иначе")).content.decode()
    made = Ticket.objects.latest("pk")
    assert f"уже выделено в заявку № {made.pk}" in page
    assert f"/admin/tickets/ticket/{made.pk}/change/" in page
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize("given", [{"title": ""}, {"title": "а" * 61}, {"product": "999999"}])
def test_what_is_missing_is_said(desk, said, product, given):
    page = desk.post(address(said), filled(product) | given)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert Ticket.objects.count() == 1


def test_product_that_was_taken_from_sale(desk, said):
    gone = ProductFactory(is_active=False)
    assert desk.post(address(said), filled(gone)).context["form"].errors["product"]


def test_card_marks_it_and_offers_the_rest(desk, said, ticket, product, by_anna):
    card = f"/admin/tickets/ticket/{ticket.pk}/change/"
    assert address(said) in desk.get(card).content.decode()
    desk.post(address(said), filled(product))
    page = desk.get(card).content.decode()
    assert address(said) not in page
    assert "выделено в заявку" in page


def test_customer_reads_the_mark(desk, client, said, ticket, anna, product):
    desk.post(address(said), filled(product))
    made = Ticket.objects.latest("pk")
    client.force_login(anna)
    page = client.get(ticket.get_absolute_url()).content.decode()
    assert f"выделено в заявку № {made.pk}" in page
    assert (
        f"Выделена из заявки № {ticket.pk}" in client.get(made.get_absolute_url()).content.decode()
    )


def test_words_of_support_are_not_split(desk, ticket, by_agent, product):
    said = add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    assert "только сообщение клиента" in desk.get(address(said)).content.decode()
    desk.post(address(said), filled(product))
    assert Ticket.objects.count() == 1


def test_comment_of_another_ticket_is_missing(desk, said, anna, product):
    other = open_ticket(anna, product=product)
    assert desk.get(f"/admin/tickets/ticket/{other.pk}/split/{said.pk}/").status_code == 404


def test_staff_without_a_role_may_not(client, said, product):
    client.force_login(AgentFactory())
    assert client.get(address(said)).status_code == 403
    assert client.post(address(said), filled(product)).status_code == 403
