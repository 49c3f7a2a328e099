"""Ready answers: whose they are, what their words become, and that their files are copied."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile

from tests.factories import AgentFactory, ProductFactory, open_ticket
from tests.files import PDF, pdf
from tickets import canned
from tickets.attachments import MAX_FILES, NewFile, attachment_storage
from tickets.comments import add_comment
from tickets.models import CannedAnswer
from tickets.refusals import NotYours, TextRequired, TooManyFiles, VariableUnknown

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(agent):
    agent.user_permissions.add(Permission.objects.get(codename="share_cannedanswer"))
    return type(agent).objects.get(pk=agent.pk)


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, title="Не открывается {номер}")


def saved(actor, *, title="Журнал", body="Пришлите журнал.", for_all=False, **given):
    answer = CannedAnswer(title=title, body=body, product=given.pop("product", None))
    canned.save_answer(answer=answer, actor=actor, for_all=for_all, **given)
    return answer


# Words


def test_variables_are_filled_once(ticket, agent):
    values = canned.values_for(ticket, agent)
    text = "{имя}, заявка № {номер} «{тема}» ({ Продукт }). {специалист}"
    assert canned.fill(text, values) == (
        f"Анна, заявка № {ticket.number} «Не открывается {{номер}}» (Облачный сервер). Ольга О."
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"имя": "Анна", "номер": {"а": 1}}', "${HOME}/{app,web}.log", "{} {0} {name} {{ name }}",
        "{% load static %}{{ user.password }}", "функция() { вернуть(1); }", "{имя: 1}", "{12}",
    ],
)  # fmt: skip
def test_other_braces_are_words(ticket, agent, text):
    canned.require_known(text)
    assert canned.fill(text, canned.values_for(ticket, agent)) == text


def test_customer_without_a_name_is_greeted(ticket, agent):
    ticket.requester.first_name = ""
    values = canned.values_for(ticket, agent)
    assert canned.fill("Здравствуйте, {имя}!", values) == "Здравствуйте, уважаемый клиент!"


@pytest.mark.parametrize("name", ["{номер}", "<b>Анна</b>", "{{ settings }}", r"\1 \g<0>"])
def test_value_is_never_read_again(ticket, agent, name):
    ticket.requester.first_name = name
    assert canned.fill("{имя}!", canned.values_for(ticket, agent)) == f"{name}!"


def test_unknown_variables_are_named_once(agent):
    with pytest.raises(VariableUnknown) as refusal:
        saved(agent, body="{имя клиента} {почта} {имя} {почта}")
    assert str(refusal.value) == (
        "Таких переменных нет: {имя клиента}, {почта}. "
        "Есть {имя}, {номер}, {тема}, {продукт}, {специалист}."
    )
    assert not CannedAnswer.objects.exists()


def test_every_variable_has_a_value_and_a_sample(ticket, agent):
    assert tuple(canned.values_for(ticket, agent)) == canned.VARIABLES
    assert tuple(canned.sample_values()) == canned.VARIABLES


@pytest.mark.parametrize("body", ["", " \n", "\u200b"])
def test_answer_needs_words(agent, body):
    with pytest.raises(TextRequired):
        saved(agent, body=body)


# Rights


def test_own_is_its_owners(agent):
    answer = saved(agent)
    assert answer.owner == agent
    other = AgentFactory(is_superuser=True)
    assert list(CannedAnswer.objects.usable_by(other)) == []
    assert not canned.may_change(other, answer)
    with pytest.raises(NotYours):
        canned.save_answer(answer=answer, actor=other, for_all=False)
    with pytest.raises(NotYours):
        canned.delete_answer(answer=answer, actor=other)
    assert CannedAnswer.objects.get().owner == agent


def test_everybodys_is_changed_by_who_may_share(agent, head):
    answer = saved(head, for_all=True)
    agent = AgentFactory()
    assert answer.owner is None
    assert list(CannedAnswer.objects.usable_by(agent)) == [answer]
    for change in (True, False):
        with pytest.raises(NotYours):
            canned.save_answer(answer=answer, actor=agent, for_all=change)
    with pytest.raises(NotYours):
        canned.delete_answer(answer=answer, actor=agent)
    canned.save_answer(answer=answer, actor=head, for_all=False)
    assert CannedAnswer.objects.get().owner == head


def test_own_is_not_shared_without_the_right(agent):
    answer = saved(agent)
    with pytest.raises(NotYours):
        canned.save_answer(answer=answer, actor=agent, for_all=True)
    with pytest.raises(NotYours):
        saved(agent, for_all=True)


# Found


def test_answers_of_the_product_come_first(ticket, agent, product, head):
    saved(head, title="А другого", product=ProductFactory(), for_all=True)
    saved(head, title="Б общий", for_all=True)
    saved(agent, title="В свой", product=product)
    saved(AgentFactory(), title="Чужой", product=product)
    titles = [answer.title for answer in canned.answers_for(ticket.product_id, agent, "")]
    assert titles == ["В свой", "Б общий", "А другого"]


@pytest.mark.parametrize("words", ["журнал", "ЖУРНАЛ", "Журн приш", "пришлите", "Log"])
def test_answer_is_found_by_its_words(ticket, agent, words):
    wanted = saved(agent, title="Нужен журнал", body="Пришлите catalina.log, пожалуйста.")
    saved(agent, title="Спасибо", body="Рады помочь.")
    assert canned.answers_for(ticket.product_id, agent, words) == [wanted]


def test_title_counts_before_the_text(ticket, agent):
    saved(agent, title="А", body="Пароль сброшен.")
    saved(agent, title="Пароль", body="Вот он.")
    titles = [answer.title for answer in canned.answers_for(ticket.product_id, agent, "пароль")]
    assert titles == ["Пароль", "А"]


@pytest.mark.parametrize("words", ["%", "_", "нет такого", "\\"])
def test_nothing_is_found_by_what_no_answer_has(ticket, agent, words):
    saved(agent)
    assert canned.answers_for(ticket.product_id, agent, words) == []


def test_offer_is_bounded_in_a_literal_number_of_queries(ticket, agent, django_assert_num_queries):
    for number in range(canned.FOUND_LIMIT + 5):
        saved(agent, title=f"Ответ {number}", files=[pdf()] if number < 3 else ())
    with django_assert_num_queries(2):
        answers = canned.answers_for(ticket.product_id, agent, "ответ")
        assert len(answers) == canned.FOUND_LIMIT
        assert sum(len(answer.files.all()) for answer in answers) == 3


# Files


def test_file_of_an_answer_is_copied_into_a_ticket(
    ticket, agent, by_agent, django_capture_on_commit_callbacks
):
    answer = saved(agent, files=[pdf()])
    [file] = canned.files_chosen(agent, [answer.files.get().pk])
    add_comment(ticket=ticket, actor=by_agent, body="Вот.", files=[canned.as_new_file(file)])
    sent = ticket.attachments.get()
    assert (sent.name, sent.size, sent.content_type) == ("счёт.pdf", len(PDF), "application/pdf")
    assert sent.file.name != file.file.name
    with django_capture_on_commit_callbacks(execute=True):
        canned.delete_answer(answer=answer, actor=agent)
    with sent.file.open() as content:
        assert content.read() == PDF


def test_files_are_chosen_only_of_answers_one_may_use(agent):
    own = saved(agent, files=[pdf()]).files.get()
    foreign = saved(AgentFactory(), files=[pdf()]).files.get()
    assert canned.files_chosen(agent, [own.pk, foreign.pk, 10**9]) == [own]


def test_file_without_its_content_is_not_chosen(agent):
    file = saved(agent, files=[pdf()]).files.get()
    attachment_storage().delete(file.file.name)
    assert canned.files_chosen(agent, [file.pk]) == []


def test_dropped_file_is_deleted_with_its_content(agent, django_capture_on_commit_callbacks):
    answer = saved(agent, files=[pdf("а.pdf"), pdf("б.pdf")])
    gone, stays = answer.files.all()
    foreign = saved(AgentFactory(), files=[pdf()]).files.get()
    with django_capture_on_commit_callbacks(execute=True):
        canned.save_answer(answer=answer, actor=agent, for_all=False, dropped=[gone, foreign])
    assert list(answer.files.all()) == [stays]
    assert not attachment_storage().exists(gone.file.name)
    assert attachment_storage().exists(stays.file.name)
    assert attachment_storage().exists(foreign.file.name)


def test_deleted_answer_takes_its_files(agent, django_capture_on_commit_callbacks):
    answer = saved(agent, files=[pdf()])
    name = answer.files.get().file.name
    with django_capture_on_commit_callbacks(execute=True):
        canned.delete_answer(answer=answer, actor=agent)
    assert not attachment_storage().exists(name)


def test_answer_has_as_many_files_as_a_comment(agent, settings):
    answer = saved(agent, files=[pdf(f"{number}.pdf") for number in range(MAX_FILES)])
    with pytest.raises(TooManyFiles):
        canned.save_answer(answer=answer, actor=agent, for_all=False, files=[pdf()])
    assert answer.files.count() == MAX_FILES
    folder = Path(settings.MEDIA_ROOT) / "attachments"
    stored = sum(1 for path in folder.rglob("*") if path.is_file())
    assert stored == MAX_FILES


def test_changed_words_leave_the_files(agent):
    answer = saved(agent, files=[pdf()])
    answer.body = "Другой текст"
    canned.save_answer(answer=answer, actor=agent, for_all=False)
    assert answer.files.count() == 1


def test_large_file_is_copied_by_parts(ticket, agent, by_agent):
    body = PDF + b"x" * 200_000
    answer = saved(agent, files=[NewFile("a.pdf", len(body), "", ContentFile(body))])
    [file] = canned.files_chosen(agent, [answer.files.get().pk])
    add_comment(ticket=ticket, actor=by_agent, body="Вот.", files=[canned.as_new_file(file)])
    with ticket.attachments.get().file.open() as content:
        assert content.read() == body
