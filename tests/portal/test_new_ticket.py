"""«Создать заявку»: what the page offers, takes and refuses."""

import re

import pytest
from django.urls import reverse

from portal.forms.new_ticket import MOST_TILES
from tests.factories import MessengerAccountFactory, ProductFactory, TicketFactory
from tests.portal.new_ticket import DESCRIPTION, NEW, TITLE, filled, journal
from tests.portal.pages import text
from tickets.models import Product, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")
LOST = "Выберите файлы заново: браузер их не запоминает."


def errors_of(response) -> dict:
    return {name: list(words) for name, words in response.context["form"].errors.items()}


# The page


def test_menu_leads_here(client, product):
    page = text(client.get(NEW))
    assert f'href="{NEW}" aria-current="page"' in page
    assert f'href="{NEW}"' in text(client.get("/"))


@pytest.mark.parametrize(("number", "tag"), [(MOST_TILES, "radio"), (MOST_TILES + 1, "select")])
def test_products_are_tiles_or_a_list(client, number, tag):
    ProductFactory.create_batch(number, icon="☁️")
    ProductFactory(name="Снятый", is_active=False)
    page = text(client.get(NEW))
    assert page.count('type="radio"') == (number if tag == "radio" else 0)
    assert page.count("<option") == (number + 1 if tag == "select" else 0)
    assert page.count("☁️ Продукт") == number
    assert "Снятый" not in page


def test_only_product_is_chosen_already(client, product):
    assert "checked" in text(client.get(NEW))
    ProductFactory()
    assert "checked" not in text(client.get(NEW))


@pytest.mark.parametrize("rows", [1, 30])
def test_page_queries(client, anna, linked, product, rows, django_assert_num_queries):
    TicketFactory.create_batch(rows, requester=anna)
    TicketFactory(requester=anna, status="closed")
    closed = TicketFactory(requester=anna, status="closed", title=TITLE)
    client.get(NEW)
    # session, user, parent, products, kept words, organization, chat, alike, badge, link, bot
    with django_assert_num_queries(11):
        assert client.get(f"{NEW}?parent={closed.pk}").status_code == 200


def test_page_says_where_the_answer_comes(client, anna, product):
    ways = "Ответ придёт: портал, почта anna@alpha.example, почта клиента office@alpha.example"
    page = text(client.get(NEW))
    assert f"{ways}." in page
    assert "Получать ответы и в Telegram" in page
    link = MessengerAccountFactory(user=anna)
    page = text(client.get(NEW))
    assert f"{ways}, Telegram." in page
    assert "Получать ответы и в Telegram" not in page
    anna.registrations.update(withdrawn_at=link.linked_at)
    assert f"{ways}." in text(client.get(NEW))


def test_without_an_organization_there_is_one_address(client, boris, product):
    client.force_login(boris)
    assert "Ответ придёт: портал, почта boris@beta.example." in text(client.get(NEW))


# Creating


def test_ticket_is_created_and_its_card_says_so(client, anna, product):
    response = client.post(
        NEW, filled(product, attachments=[journal(), journal(b"2")]), follow=True
    )
    ticket = Ticket.objects.get()
    assert response.redirect_chain == [(ticket.get_absolute_url(), 302)]
    assert (ticket.requester, ticket.product, ticket.title) == (anna, product, TITLE)
    assert (ticket.description, ticket.face, ticket.parent) == (DESCRIPTION, "portal", None)
    assert [file.name for file in ticket.attachments.all()] == ["журнал.txt"] * 2
    assert (
        f"Заявка № {ticket.pk} создана. Ответ придёт: портал, почта anna@alpha.example, "
        "почта клиента office@alpha.example."
    ) in text(response)


def test_script_is_told_where_to_go(client, product):
    response = client.post(NEW, filled(product), HTTP_ACCEPT="application/json")
    ticket = Ticket.objects.get()
    assert response.json() == {"url": ticket.get_absolute_url()}
    assert f"Заявка № {ticket.pk} создана." in text(client.get(ticket.get_absolute_url()))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("product", "", "Выберите продукт."),
        ("product", "٥", "Этот продукт больше не доступен. Выберите другой."),
        ("product", "9" * 400, "Этот продукт больше не доступен. Выберите другой."),
        ("title", "\u200b", "Напишите заголовок в нескольких словах."),
        ("title", "а" * 61, "В заголовке 61 символ, нужно не больше 60."),
        ("title", "а" * 5_000, "В заголовке 5000 символов, нужно не больше 60."),
        ("description", "  \n", "Опишите проблему."),
        ("description", "а" * 20_001, "В тексте 20001 символ, нужно не больше 20000."),
    ],
)
def test_what_is_missing_stands_beside_its_field(client, product, field, value, words):
    ProductFactory()
    response = client.post(NEW, filled(product, **{field: value}))
    page = text(response)
    assert errors_of(response) == {field: [words]}
    assert page.count(words) == 2  # in the summary and beside the field
    assert "<title>Ошибка: Создать заявку" in page
    assert f'href="#id_{field}' in page
    if field != "description":
        assert "Белый экран &lt;после&gt; входа.</textarea>" in page
    assert not Ticket.objects.exists()


def test_long_title_stays_as_typed_beside_a_shorter_one(client, product):
    title = "Не подключается реплика PostgreSQL после перезапуска сервера ночью 24 ноября"
    page = text(client.post(NEW, filled(product, title=title)))
    assert f'value="{title}"' in page
    assert (
        '<code id="suggested">Не подключается реплика PostgreSQL после перезапуска сервер…</code>'
        in page
    )
    assert "76 из 60" in page


@pytest.mark.parametrize("title", ["а" * 60, f"  {'а' * 30}\t \n {'б' * 29} ", "и\u0306" * 60])
def test_title_is_measured_as_it_is_kept(client, product, title):
    assert client.post(NEW, filled(product, title=title)).status_code == 302
    assert len(Ticket.objects.get().title) == 60


def test_files_lost_with_another_error_are_said_to_be(client, product):
    response = client.post(NEW, filled(product, title="", attachments=journal()))
    assert errors_of(response)["attachments"] == [LOST]
    script = {"HTTP_ACCEPT": "application/json"}  # it has them still
    response = client.post(NEW, filled(product, title="", attachments=journal()), **script)
    assert list(errors_of(response)) == ["title"]


def test_unfit_files_are_named(client, product):
    files = [journal(name="run.exe"), journal(b"", "пусто.txt"), journal()]
    response = client.post(NEW, filled(product, attachments=files))
    assert errors_of(response)["attachments"] == [
        "Файл «run.exe» принять нельзя: такой тип не поддерживается.",
        "Файл «пусто.txt» пустой.",
        LOST,
    ]
    script = {"HTTP_ACCEPT": "application/json"}
    response = client.post(NEW, filled(product, attachments=[journal(name="run.exe")]), **script)
    assert LOST not in errors_of(response)["attachments"]


def test_eleven_files_are_too_many(client, product):
    files = [journal(name=f"{number}.txt") for number in range(11)]
    response = client.post(NEW, filled(product, attachments=files))
    assert errors_of(response)["attachments"] == ["Выбрано файлов: 11, можно не больше 10."]


# Based on another, and chosen by the address


@pytest.fixture
def old(anna, product):
    return TicketFactory(requester=anna, product=product, status="closed", title="Старая беда")


def test_new_ticket_goes_on_from_a_closed_one(client, product, old):
    ProductFactory()
    path = f"{NEW}?parent={old.pk}"
    page = text(client.get(path))
    assert f'<a href="{old.get_absolute_url()}">№ {old.pk}</a>' in page
    assert 'value="Старая беда"' in page
    assert re.search(rf'<input[^>]* value="{product.pk}"[^>]* checked', page)
    client.post(path, filled(product))
    assert Ticket.objects.latest("pk").parent == old


@pytest.mark.each_case
@pytest.mark.parametrize("parent", ["foreign", "open", "0", "9" * 30, "٥", "x", "1 or 1", "", "-1"])
def test_parent_that_is_none_is_passed_over(client, anna, boris, product, parent):
    others = {
        "foreign": TicketFactory(requester=boris, status="closed", title="Тайна Бориса"),
        "open": TicketFactory(requester=anna, title="Ещё открыта"),
    }
    number = others[parent].pk if parent in others else parent
    path = f"{NEW}?parent={number}"
    page = text(client.get(path))
    assert "На основе" not in page
    assert "Тайна Бориса" not in page
    client.post(path, filled(product))
    assert Ticket.objects.latest("pk").parent is None


def test_closed_ticket_of_a_colleague_may_be_gone_on_from(client, anna, product):
    anna.organization.shares_tickets = True
    anna.organization.save()
    shared = TicketFactory(organization=anna.organization, status="closed")
    client.post(f"{NEW}?parent={shared.pk}", filled(product))
    assert Ticket.objects.latest("pk").parent == shared


def test_address_chooses_the_product(client, product):
    other = ProductFactory()
    assert client.get(f"{NEW}?product={other.pk}").context["form"]["product"].value() == str(
        other.pk
    )
    for odd in ("0", "x", "٥", "<b>"):
        response = client.get(f"{NEW}?product={odd}")
        assert response.status_code == 200
        assert "checked" not in text(response)


# Products that are gone


def test_without_products_there_is_a_way_out(client, agent, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    page = text(client.get(NEW))
    assert "Сейчас нет продуктов, для которых можно создать заявку" in page
    assert 'href="mailto:desk@support.example"' in page
    assert "<textarea" not in page
    settings.STAFF_EMAIL = ""
    assert "Обратитесь к специалисту поддержки" in text(client.get(NEW))
    client.force_login(agent)
    assert f'class="button" href="{reverse("admin:index")}"' in text(client.get(NEW))


def test_product_that_was_taken_away_meanwhile_costs_no_words(client, product):
    other = ProductFactory()
    Product.objects.filter(pk=product.pk).update(is_active=False)
    page = text(client.post(NEW, filled(product)))
    assert page.count("Этот продукт больше не доступен. Выберите другой.") == 2
    assert "Белый экран &lt;после&gt; входа.</textarea>" in page
    assert other.name in page
    assert product.name not in page


def test_product_that_goes_at_the_last_moment_costs_no_words(client, product, monkeypatch):
    other = ProductFactory()
    gone = Product.objects.filter(pk=product.pk)
    is_valid = "portal.views.new_ticket.NewTicketForm.is_valid"
    monkeypatch.setattr(is_valid, lambda form: not form.errors and gone.update(is_active=False))
    response = client.post(NEW, filled(product))
    page = text(response)
    assert errors_of(response)["product"] == ["Этот продукт больше не доступен. Выберите другой."]
    assert "Белый экран &lt;после&gt; входа.</textarea>" in page
    assert other.name in page
    assert product.name not in page


def test_all_products_gone_meanwhile_costs_no_words(client, product):
    Product.objects.update(is_active=False)
    page = text(client.post(NEW, filled(product)))
    assert "Этот продукт больше не доступен." in page
    assert "Белый экран &lt;после&gt; входа.</textarea>" in page


# Alike


SIMILAR = reverse("new_ticket_similar")


def test_part_names_similar_open_tickets(client, anna, boris):
    alike = TicketFactory(requester=anna, title="Не открывается <отчёт> за март")
    TicketFactory(requester=anna, title="Не открывается отчёт", status=TicketStatus.CLOSED)
    TicketFactory(requester=boris, title="Не открывается отчёт Бориса")
    page = text(client.get(SIMILAR, {"title": "отчёты не открываются"}))
    assert f'href="{alike.get_absolute_url()}"' in page
    assert "Не открывается &lt;отчёт&gt; за март" in page
    assert page.count("<li>") == 1
    assert text(client.get(SIMILAR, {"title": "Совсем другое дело"})).strip() == ""
    assert client.get(SIMILAR, {"title": "%а" * 9000}).status_code == 200


def test_similar_ticket_never_blocks_and_is_told_without_the_script(client, anna, product):
    alike = TicketFactory(requester=anna, title=TITLE)
    page = text(client.post(NEW, filled(product, description="")))
    assert f'href="{alike.get_absolute_url()}"' in page
    page = text(client.post(NEW, filled(product), follow=True))
    assert Ticket.objects.count() == 2
    assert "Похоже, об этом уже есть открытая заявка:" in page
    assert f'<a href="{alike.get_absolute_url()}">№ {alike.pk} {TITLE}</a>' in page


def test_similar_ticket_that_was_hinted_at_is_not_told_again(client, anna, product):
    TicketFactory(requester=anna, title=TITLE)
    page = text(client.post(NEW, filled(product, hinted="1"), follow=True))
    assert "Похоже, об этом" not in page
