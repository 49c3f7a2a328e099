"""Ready answers at the desk: list, form, and what the card of a ticket offers."""

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.desk.conftest import in_role
from tests.factories import AgentFactory, ProductFactory, open_ticket
from tests.files import PDF, pdf
from tickets.canned import save_answer
from tickets.models import Attachment, CannedAnswer, CannedFile, Comment

LIST = "/admin/tickets/cannedanswer/"
ADD = f"{LIST}add/"
KEY = "5f0c9d0e-6a1b-4c57-9f0a-3b0d7a2c1e00"


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


def kept(owner, *, title="Журнал", body="Пришлите журнал, {имя}.", files=(), for_all=False):
    answer = CannedAnswer(title=title, body=body)
    save_answer(answer=answer, actor=owner, for_all=for_all, files=files)
    return answer


def form(**given):
    return {"title": "Журнал", "body": "Пришлите журнал.", "product": "", "key": KEY} | given


def upload(name="счёт.pdf", content=PDF):
    return SimpleUploadedFile(name, content, "application/pdf")


def change(client, answer, **given):
    address = f"{LIST}{answer.pk}/change/"
    shown = client.get(address).context["adminform"].form.shown_now()
    return client.post(address, form(shown=shown, **given))


def errors(response):
    return response.context["adminform"].form.errors


# Who may what


@pytest.mark.parametrize("for_all", [False, True])
def test_specialist_keeps_own_ones_only(desk, specialist, for_all):
    shown = desk.get(ADD).content.decode()
    assert "Для всех" not in shown
    assert "related-widget-wrapper-link" not in shown
    desk.post(ADD, form(**({"for_all": "on"} if for_all else {})))
    assert CannedAnswer.objects.get().owner == specialist


@pytest.mark.parametrize("role", ["Руководитель поддержки", "Администратор"])
def test_head_keeps_those_for_all(client, db, role):
    head = in_role(role, "chief")
    client.force_login(head)
    assert "Для всех" in client.get(ADD).content.decode()
    client.post(ADD, form(for_all="on"))
    answer = CannedAnswer.objects.get()
    assert answer.owner is None
    change(client, answer, title="Журналы")
    answer.refresh_from_db()
    assert (answer.title, answer.owner) == ("Журналы", head)


def test_specialist_reads_those_for_all(desk, superuser):
    answer = kept(superuser, for_all=True)
    page = desk.get(f"{LIST}{answer.pk}/change/").content.decode()
    assert "Пришлите журнал, Анна." in page
    assert 'name="_save"' not in page
    assert desk.post(f"{LIST}{answer.pk}/change/", form()).status_code == 403
    assert desk.post(f"{LIST}{answer.pk}/delete/", {"post": "yes"}).status_code == 403
    assert CannedAnswer.objects.get().body == "Пришлите журнал, {имя}."


def test_foreign_own_one_is_nowhere(root_desk, agent, ticket):
    answer = kept(agent, title="Тайное слово")
    assert "Тайное" not in root_desk.get(LIST).content.decode()
    assert root_desk.get(f"{LIST}{answer.pk}/change/").status_code == 302
    assert root_desk.post(f"{LIST}{answer.pk}/delete/", {"post": "yes"}).status_code == 302
    assert "Тайное" not in root_desk.get(offer(ticket)).content.decode()
    assert CannedAnswer.objects.exists()


def test_nobody_without_the_right_comes_in(client, ticket):
    client.force_login(AgentFactory())
    for address in (LIST, ADD, offer(ticket)):
        assert client.get(address).status_code == 403


# The list


def test_list_costs_the_same_for_more_rows(desk, specialist, django_assert_num_queries):
    product = ProductFactory()
    desk.get(LIST)
    for number in (1, 3):
        while CannedAnswer.objects.count() < number:
            answer = CannedAnswer(title="Ответ", body="Да.", product=product)
            save_answer(answer=answer, actor=specialist, for_all=False)
        with django_assert_num_queries(7):
            assert desk.get(LIST).content.decode().count("Ответ</a>") == number


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("", {"Мой", "Общий"}), ("whose=own", {"Мой"}), ("whose=all", {"Общий"}),
        ("q=НАПИШИТЕ", {"Общий"}), ("product=0", set()), ("product=x", set()),
    ],
)  # fmt: skip
def test_list_is_narrowed(desk, specialist, superuser, asked, titles):
    ProductFactory()
    kept(specialist, title="Мой")
    kept(superuser, title="Общий", body="Напишите нам.", for_all=True)
    shown = desk.get(f"{LIST}?{asked}").context["cl"].result_list
    assert {answer.title for answer in shown} == titles


# The form


def test_answer_is_kept_with_its_files(desk):
    desk.post(ADD, form(attachments=[upload("а.pdf"), upload("б.pdf")]))
    answer = CannedAnswer.objects.get()
    assert [file.name for file in answer.files.all()] == ["а.pdf", "б.pdf"]
    change(desk, answer, dropped=[answer.files.first().pk], attachments=[upload("в.pdf")])
    assert [file.name for file in answer.files.all()] == ["б.pdf", "в.pdf"]


def test_unknown_variable_is_refused_beside_the_text(desk):
    response = desk.post(ADD, form(body="Здравствуйте, {клиент}!", title="Приветствие"))
    assert errors(response) == {
        "body": [
            "Такой переменной нет: {клиент}. Есть {имя}, {номер}, {тема}, {продукт}, {специалист}."
        ]
    }
    assert "Здравствуйте, {клиент}!" in response.content.decode()
    assert not CannedAnswer.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.exe", PDF, "тип не поддерживается"),
        ("a.pdf", b"MZ", "не похоже"),
        ("a.pdf", b"", "пуст"),
    ],
)
def test_unfit_file_is_refused_beside_the_files(desk, name, content, word):
    response = desk.post(ADD, form(attachments=[upload(name, content)]))
    assert word in str(errors(response)["attachments"])
    assert not CannedFile.objects.exists()


def test_file_that_is_lost_with_a_refusal_is_asked_for_again(desk):
    refused = desk.post(ADD, form(body="{кличка}", attachments=[upload()]))
    assert "Выберите файлы заново" in str(errors(refused)["attachments"])
    assert "attachments" not in errors(desk.post(ADD, form(body="{кличка}")))


def test_eleventh_file_is_refused_beside_the_files(desk, specialist):
    answer = kept(specialist, files=[pdf(f"{number}.pdf") for number in range(10)])
    response = change(desk, answer, attachments=[upload()])
    assert "не больше 10" in str(errors(response)["attachments"])
    assert answer.files.count() == 10


def test_form_sent_twice_makes_one_answer(desk):
    first = desk.post(ADD, form(attachments=[upload()]))
    again = desk.post(ADD, form(attachments=[upload()]), follow=True)
    assert CannedAnswer.objects.count() == CannedFile.objects.count() == 1
    assert again.redirect_chain[0][0] == first.url
    assert "второй раз ничего не записано" in again.content.decode()


def test_form_sent_again_with_other_words_asks(desk):
    desk.post(ADD, form())
    again = desk.post(ADD, form(title="Другой"))
    assert "Эта форма уже сохранена" in again.content.decode()
    assert "Другой" in again.content.decode()
    assert KEY not in again.content.decode()
    assert CannedAnswer.objects.count() == 1


def test_change_sent_twice_is_one(desk, specialist):
    answer = kept(specialist)
    address = f"{LIST}{answer.pk}/change/"
    shown = desk.get(address).context["adminform"].form.shown_now()
    words = form(shown=shown, title="Другой")
    desk.post(address, words)
    again = desk.post(address, words, follow=True)
    assert "второй раз ничего не записано" in again.content.decode()


def test_changed_meanwhile_is_not_overwritten(desk, specialist):
    answer = kept(specialist)
    address = f"{LIST}{answer.pk}/change/"
    shown = desk.get(address).context["adminform"].form.shown_now()
    CannedAnswer.objects.update(body="Новее.")
    response = desk.post(address, form(shown=shown, body="Моё."))
    assert "изменил кто-то другой" in response.content.decode()
    assert CannedAnswer.objects.get().body == "Новее."


def test_answer_is_deleted_once(desk, specialist):
    answer = kept(specialist, files=[pdf()])
    page = desk.get(f"{LIST}{answer.pk}/delete/").content.decode()
    assert "Canned" not in page
    for _ in range(2):
        assert desk.post(f"{LIST}{answer.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not CannedAnswer.objects.exists()


# The card


def offer(ticket, words=""):
    return f"/admin/tickets/ticket/{ticket.pk}/canned/?format=json&q={words}"


def test_offer_is_filled_for_the_ticket(desk, specialist, ticket):
    answer = kept(specialist, files=[pdf()])
    file = answer.files.get()
    assert desk.get(offer(ticket, "журнал")).json() == {
        "answers": [
            {
                "id": answer.pk,
                "title": "Журнал",
                "body": "Пришлите журнал, Анна.",
                "product": "",
                "files": [{"id": file.pk, "name": "счёт.pdf", "size": "9 Б"}],
            }
        ]
    }
    assert desk.get(offer(ticket, "нет")).json() == {"answers": []}


def test_offer_costs_the_same_for_more_answers(desk, specialist, ticket, django_assert_num_queries):
    desk.get(offer(ticket))
    for number in (1, 3):
        while CannedAnswer.objects.count() < number:
            kept(specialist, files=[pdf()])
        with django_assert_num_queries(7):
            assert len(desk.get(offer(ticket)).json()["answers"]) == number


def test_offer_is_a_page_without_scripts(desk, specialist, ticket):
    kept(specialist, title="<b>Журнал</b>")
    page = desk.get(offer(ticket).replace("format=json&", "")).content.decode()
    assert "Пришлите журнал, Анна." in page
    assert "&lt;b&gt;Журнал" in page


def test_offer_of_no_ticket_is_none(desk, ticket):
    assert desk.get("/admin/tickets/ticket/999999/canned/").status_code == 404


def answered(client, ticket, **given):
    address = f"/admin/tickets/ticket/{ticket.pk}/change/"
    shown = client.get(address).context
    words = {
        "seen": shown["seen"], "visibility": "public", "answer": "Вот инструкция.", "key": KEY,
        "status": ticket.status, "priority": ticket.priority, "initial-priority": ticket.priority,
        "assignee": "", "initial-assignee": "",
    }  # fmt: skip
    return client.post(address, words | given)


def test_file_of_an_answer_is_sent_as_a_copy(desk, specialist, ticket):
    file = kept(specialist, files=[pdf()]).files.get()
    for _ in range(2):
        response = answered(desk, ticket, canned_files=[file.pk, file.pk], attachments=[upload()])
        assert response.status_code == 302
    sent = list(Comment.objects.get().attachments.all())
    assert [one.name for one in sent] == ["счёт.pdf", "счёт.pdf"]
    assert len({file.file.name, *(one.file.name for one in sent)}) == 3


def test_file_of_a_foreign_answer_is_refused(desk, specialist, ticket):
    own = kept(specialist, files=[pdf()]).files.get()
    foreign = kept(AgentFactory(), files=[pdf()]).files.get()
    response = answered(desk, ticket, canned_files=[own.pk, foreign.pk])
    page = response.content.decode()
    assert "Файла готового ответа больше нет" in page
    assert f'name="canned_files" value="{own.pk}"' in page
    assert f'name="canned_files" value="{foreign.pk}"' not in page
    assert not Attachment.objects.exists()
    assert not Comment.objects.exists()


def test_card_without_the_right_offers_nothing_and_takes_no_file(client, head, ticket):
    file = kept(head, files=[pdf()], for_all=True).files.get()
    agent = AgentFactory()
    rights = ("view_ticket", "change_ticket", "add_comment")
    agent.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(agent)
    page = client.get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    assert "data-ready" not in page
    assert answered(client, ticket, canned_files=[file.pk]).status_code == 200
    assert not Comment.objects.exists()
    assert not Attachment.objects.exists()
