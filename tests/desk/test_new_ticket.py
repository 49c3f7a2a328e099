"""«Новая заявка» at the desk: for whom, by whom, once."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from tests.factories import AgentFactory, OrganizationFactory, ProductFactory, UserFactory
from tests.files import PDF, pdf
from tickets.canned import save_answer
from tickets.models import CannedAnswer, Draft, Face, Ticket

pytestmark = pytest.mark.django_db
NEW = reverse("admin:tickets_ticket_new")
PEOPLE = reverse("admin:tickets_ticket_people")


@pytest.fixture
def said(anna, product):
    return {
        "requester": anna.pk, "product": product.pk, "priority": "high", "title": "Не печатает",
        "description": "Звонила в 10:00", "takes": "on", "key": str(uuid4()),
    }  # fmt: skip


def text(response) -> str:
    return response.content.decode()


def test_ticket_is_made_and_its_card_opened(desk, said, anna, specialist):
    response = desk.post(
        NEW, {**said, "attachments": SimpleUploadedFile("снимок.pdf", PDF)}, follow=True
    )
    ticket = Ticket.objects.get()
    assert response.redirect_chain == [
        (reverse("admin:tickets_ticket_change", args=[ticket.pk]), 302)
    ]
    assert f"Заявка № {ticket.pk} создана, клиент узнает о ней." in text(response)
    assert (ticket.requester, ticket.face, ticket.priority, ticket.assignee) == (
        anna, Face.ADMIN, "high", specialist,
    )  # fmt: skip
    assert ticket.attachments.get().name == "снимок.pdf"


def test_who_may_not_see_tickets_takes_none(client, said):
    person = AgentFactory()
    person.user_permissions.add(Permission.objects.get(codename="change_ticket"))
    client.force_login(person)
    words = "Исполнителем может быть только сотрудник, который видит заявки и чей вход открыт."
    assert f'<p class="wrong">{words}</p>' in text(client.post(NEW, said))
    assert not Ticket.objects.exists()
    client.post(NEW, {**said, "takes": ""})
    assert Ticket.objects.get().assignee is None


def test_list_leads_to_it(desk):
    assert f'href="{NEW}"' in text(desk.get(reverse("admin:tickets_ticket_changelist")))


def kept(owner, *files):
    answer = CannedAnswer(title="Звонок", body="{имя}, ваша заявка № {номер}.")
    save_answer(answer=answer, actor=owner, for_all=False, files=files)
    return answer


def test_ready_answer_is_offered_with_its_variables_open(desk, specialist, product):
    other = CannedAnswer(title="А о другом", body="Да.", product=ProductFactory())
    save_answer(answer=other, actor=specialist, for_all=False)
    kept(specialist)
    offer = reverse("admin:tickets_ticket_unfilled")
    assert f'data-url="{offer}?format=json"' in text(desk.get(NEW))
    offered = desk.get(offer, {"format": "json", "product": product.pk}).json()["answers"]
    assert [answer["body"] for answer in offered] == ["{имя}, ваша заявка № {номер}.", "Да."]
    offered = desk.get(offer, {"format": "json", "product": other.product_id}).json()["answers"]
    assert [answer["title"] for answer in offered] == ["А о другом", "Звонок"]
    assert "ваша заявка № {номер}." in text(desk.get(offer))


def test_ready_answer_is_filled_and_comes_with_its_files(desk, said, specialist, anna):
    files = [file.pk for file in kept(specialist, pdf("памятка.pdf")).files.all()]
    given = {**said, "description": "{имя}, ваша заявка № {номер}.", "fills": "on"}
    own = {"attachments": SimpleUploadedFile("снимок.pdf", PDF)}
    for _press in range(2):
        own["attachments"].seek(0)
        assert desk.post(NEW, {**given, **own, "canned_files": files}).status_code == 302
    ticket = Ticket.objects.get()
    assert ticket.description == f"Анна, ваша заявка № {ticket.pk}."
    assert [file.name for file in ticket.attachments.all()] == ["снимок.pdf", "памятка.pdf"]


def test_refused_form_keeps_the_files_of_the_ready_answer(desk, said, specialist):
    file = kept(specialist, pdf("памятка.pdf")).files.get()
    foreign = kept(AgentFactory(), pdf("чужое.pdf")).files.get()
    given = {**said, "title": "", "fills": "on", "canned_files": [file.pk]}
    response = desk.post(NEW, given)
    assert f'name="canned_files" value="{file.pk}"' in text(response)
    assert response.context["form"]["fills"].value() is True
    page = text(desk.post(NEW, {**said, "canned_files": [file.pk, foreign.pk]}))
    assert "Файла готового ответа больше нет" in page
    assert "чужое" not in page
    assert not Ticket.objects.exists()


def test_files_of_both_kinds_are_ten_at_most(desk, said, specialist):
    files = kept(specialist, *(pdf(f"{number}.pdf") for number in range(10))).files.all()
    own = SimpleUploadedFile("снимок.pdf", PDF)
    given = {**said, "attachments": own, "canned_files": [file.pk for file in files]}
    response = desk.post(NEW, given)
    assert "не больше 10" in str(response.context["form"].errors["attachments"])
    assert not Ticket.objects.exists()


def test_files_that_are_lost_with_a_refusal_are_asked_for_again(desk, said):
    given = {**said, "title": "", "attachments": SimpleUploadedFile("снимок.pdf", PDF)}
    assert "Выберите файлы заново" in text(desk.post(NEW, given))
    assert "Выберите файлы заново" not in text(desk.post(NEW, {**said, "title": ""}))


def test_same_press_twice_makes_one_ticket(desk, said):
    first, again = (desk.post(NEW, said) for _press in range(2))
    assert first["Location"] == again["Location"]
    assert Ticket.objects.count() == 1


def test_other_words_under_the_same_key_are_offered_as_new(desk, said):
    desk.post(NEW, said)
    page = text(desk.post(NEW, {**said, "title": "Иначе"}))
    number = Ticket.objects.get().pk
    assert f"заявка № {number}</a>. Новое ещё не отправлено" in page
    assert 'value="Иначе"' in page
    assert said["key"] not in page


def test_customer_is_made_on_the_spot_and_invited(desk, said, anna):
    newcomer = {
        **said, "requester": "", "email": "Nina@new.example", "first_name": "Нина",
        "last_name": "Ли", "organization": anna.organization.name,
    }  # fmt: skip
    response = desk.post(NEW, newcomer, follow=True)
    nina = User.objects.get(email="Nina@new.example")
    assert Ticket.objects.get().requester == nina
    assert (nina.organization, nina.is_staff) == (anna.organization, False)
    assert [letter.to for letter in mail.outbox] == [["Nina@new.example"]]
    assert "Приглашение отправлено на Nina@new.example" in text(response)
    desk.post(NEW, newcomer)
    assert (User.objects.filter(first_name="Нина").count(), Ticket.objects.count()) == (1, 1)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"requester": ""}, "term"),
        ({"requester": "10**9"}, "term"),
        ({"requester": "999999999999999999999"}, "term"),
        ({"email": "nina@new.example"}, "term"),
        ({"requester": "", "first_name": "Нина"}, "email"),
        ({"requester": "", "email": "nina@new.example"}, "first_name"),
        ({"requester": "", "email": "nina@localhost", "first_name": "Н"}, "email"),
        ({"requester": "", "email": "ANNA@alpha.example", "first_name": "А"}, "email"),
        (
            {
                "requester": "",
                "email": "nina@new.example",
                "first_name": "Н",
                "organization": "Нет",
            },
            "organization",
        ),
        ({"title": " "}, "title"),
        ({"title": "я" * 61}, "title"),
        ({"description": ""}, "description"),
        ({"product": ""}, "product"),
        ({"product": "0"}, "product"),
        ({"priority": "urgent"}, "priority"),
    ],
)
def test_unfit_form_comes_back_and_makes_nothing(desk, said, anna, given, field):
    response = desk.post(NEW, {**said, **given})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert "Ошибка: Новая заявка" in text(response)
    assert not Ticket.objects.exists()
    assert not User.objects.filter(email="nina@new.example").exists()


def test_product_switched_off_meanwhile_is_refused_beside_its_field(desk, said, product):
    product.is_active = False
    product.save()
    response = desk.post(NEW, said)
    assert list(response.context["form"].errors) == ["product"]
    assert product.name not in text(desk.get(NEW))


def test_who_has_left_is_refused(desk, said):
    gone: Any = UserFactory(is_active=False)
    response = desk.post(NEW, {**said, "requester": gone.pk})
    assert list(response.context["form"].errors) == ["term"]


@pytest.mark.parametrize("role", ["specialist", "head", "administrator"])
def test_every_role_opens_tickets(client, request, said, role):
    client.force_login(request.getfixturevalue(role))
    assert client.get(NEW).status_code == 200
    assert client.get(PEOPLE, {"term": "анна"}).status_code == 200
    assert client.post(NEW, said).status_code == 302


def test_without_rights_there_is_no_page(client, agent, anna, said):
    client.force_login(agent)  # staff in no role
    assert [client.get(url).status_code for url in (NEW, PEOPLE)] == [403, 403]
    assert client.post(NEW, said).status_code == 403
    client.force_login(anna)
    assert [client.get(url).status_code for url in (NEW, PEOPLE)] == [302, 302]
    assert not Ticket.objects.exists()


def test_nobody_is_made_without_the_right_to(client, agent, said):
    agent.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_ticket", "change_ticket"])
    )
    client.force_login(agent)
    assert 'name="email"' not in text(client.get(NEW))
    newcomer = {**said, "requester": "", "email": "nina@new.example", "first_name": "Нина"}
    assert list(client.post(NEW, newcomer).context["form"].errors) == ["term"]
    assert not User.objects.filter(first_name="Нина").exists()


def test_people_are_found_with_their_organization(desk, anna):
    page = text(desk.get(PEOPLE, {"term": "анна"}))
    assert f'value="{anna.pk}"' in page
    assert f"<b>{anna}</b> {anna.email} · " in page
    assert "Никого не нашлось" in text(desk.get(PEOPLE, {"term": "нет таких"}))


def test_organizations_are_found_by_a_part_of_the_name(desk):
    OrganizationFactory(name="ООО «Ромашка»")
    url = reverse("admin:tickets_ticket_organizations")
    assert desk.get(url, {"term": "ромаш"}).json() == {"names": ["ООО «Ромашка»"]}
    assert desk.get(url, {"term": " "}).json() == {"names": []}


def test_people_are_found_without_a_script_and_nothing_typed_is_lost(desk, said, anna, boris):
    given = {**said, "find": "1", "term": "анна", "requester": boris.pk}
    page = text(desk.post(NEW, given))
    assert f'value="{anna.pk}">' in page
    assert "Звонила в 10:00</textarea>" in page
    assert "checked" not in page.split('class="people"')[1].split("</fieldset>")[0]
    assert not Ticket.objects.exists()


def test_customer_of_the_address_is_chosen(desk, anna):
    assert f'value="{anna.pk}" checked>' in text(desk.get(NEW, {"requester": anna.pk}))


def test_draft_comes_back_with_whom_it_is_for(desk, specialist, anna):
    body = {"description": "Звонила", "title": "Тема", "requester": str(anna.pk), "product": ""}
    Draft.objects.create(user=specialist, form="called", body=body)
    page = text(desk.get(NEW))
    assert "Звонила</textarea>" in page
    assert f'value="{anna.pk}" checked>' in page


def typed(desk, address: str, **words) -> None:
    """What the page's script sends some seconds after the last key."""
    page = desk.get(address).content.decode()
    given = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("author", "key")
    }
    assert desk.post(reverse("drafts"), {**given, **words}).status_code == 204


def test_draft_for_one_customer_is_neither_shown_for_another_nor_ended(desk, said, anna, boris):
    places = {"": "Без клиента", **{f"?requester={p.pk}": f"О {p}" for p in (anna, boris)}}
    for place, words in places.items():
        typed(desk, NEW + place, description=words)
    for place, words in places.items():
        assert f"{words}</textarea>" in text(desk.get(NEW + place))
    of_another = text(desk.get(f"{NEW}?requester={UserFactory().pk}"))
    assert not any(f"{words}</textarea>" in of_another for words in places.values())

    key = desk.get(f"{NEW}?requester={boris.pk}").content.decode().split('name="key" value="')[1]
    desk.post(f"{NEW}?requester={boris.pk}", {**said, "requester": boris.pk, "key": key[:36]})
    assert Ticket.objects.get().requester == boris
    assert set(Draft.objects.values_list("form", flat=True)) == {"called", f"called:{anna.pk}"}


def test_words_of_a_lost_session_come_back(desk, said, specialist):
    author = desk.get(NEW).content.decode().split('name="author" value="')[1].split('"')[0]
    desk.logout()
    desk.post(NEW, {**said, "author": author})
    desk.force_login(specialist)
    assert "Звонила в 10:00</textarea>" in text(desk.get(NEW))


@pytest.mark.parametrize("number", [1, 3])
def test_query_count(desk, number, django_assert_num_queries):
    UserFactory.create_batch(number, first_name="Зоя", organization=OrganizationFactory())
    ProductFactory.create_batch(number)
    desk.get(NEW)  # the session learns where it is used
    with django_assert_num_queries(6):
        desk.get(NEW)
