import pytest
from django.core import mail
from django.core.files.base import ContentFile

from tests.factories import open_ticket
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.delivery import tell
from tickets.models import Face, Priority
from tickets.recording import SYSTEM, customer
from tickets.status import TicketStatus


@pytest.fixture
def ticket(anna, product, settings):
    settings.PORTAL_URL, settings.STAFF_EMAIL = "https://help.example", ""
    return open_ticket(anna, product=product, title="Отчёт <b>не</b> открывается & «ё»")


def letter_to(address: str) -> tuple[str, str, str]:
    """Subject, text and HTML of the only letter to an address."""
    (letter,) = [letter for letter in mail.outbox if letter.to == [address]]
    return letter.subject, letter.body, letter.alternatives[0][0]


def test_status_letter_names_both_statuses_and_links_the_card(ticket, agent, run_queue):
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=recording.agent(agent))
    run_queue()
    subject, text, html = letter_to("anna@alpha.example")
    assert subject == f"Заявка № {ticket.number}: В работе"
    for part in (text, html):
        assert "Новая" in part
        assert "В работе" in part
        assert f"https://help.example/tickets/{ticket.number}/" in part
        assert "in_progress" not in part
        assert "В письме" not in part
        assert "Только на карточке" not in part


def test_status_letter_carries_the_answer_its_author_and_files(ticket, agent, run_queue):
    services.change_status(
        ticket=ticket,
        to=TicketStatus.WAITING,
        actor=recording.agent(agent),
        answer="Пришлите <журнал> & «вывод».\nСпасибо!",
        files=[NewFile("plan.txt", 5, "text/plain", ContentFile(b"hello"))],
    )
    run_queue()
    subject, text, html = letter_to("office@alpha.example")
    assert subject == f"Заявка № {ticket.number}: Ожидает ответа клиента"
    assert "Пришлите <журнал> & «вывод».\nСпасибо!" in text
    assert "Отчёт <b>не</b> открывается & «ё»" in text
    assert "Пришлите &lt;журнал&gt; &amp; «вывод».<br>Спасибо!" in html
    assert "Отчёт &lt;b&gt;не&lt;/b&gt; открывается &amp; «ё»" in html
    for part in (text, html):
        assert "Поддержка · Ольга О." in part
        assert "plan.txt" in part


def test_resolved_letter_offers_to_rate_and_return(ticket, agent, run_queue):
    services.change_status(
        ticket=ticket,
        to=TicketStatus.RESOLVED,
        actor=recording.agent(agent),
        answer="Отчёт починен.",
    )
    run_queue()
    subject, text, html = letter_to("anna@alpha.example")
    assert subject == f"Заявка № {ticket.number} выполнена"
    for part in (text, html):
        assert "Отчёт починен." in part
        assert "верните заявку в работу" in part


def test_comment_letter_carries_the_comment(ticket, agent, run_queue):
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Смотрим.")
    run_queue()
    subject, text, html = letter_to("anna@alpha.example")
    assert subject == f"Заявка № {ticket.number}: ответ поддержки"
    assert "Смотрим." in text
    assert "Смотрим." in html
    assert "Статус: Новая → В работе." in text
    assert "Новая → <strong>В работе</strong>" in html


def test_notes_priorities_and_own_comments_are_not_mailed(ticket, anna, agent, run_queue):
    actor = recording.agent(agent)
    add_comment(ticket=ticket, actor=actor, body="Тайна.", internal=True)
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=actor)
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё вопрос.")
    run_queue()
    assert mail.outbox == []


def test_status_letter_of_the_system_has_no_author(ticket, agent, run_queue):
    services.change_status(
        ticket=ticket,
        to=TicketStatus.RESOLVED,
        actor=recording.agent(agent),
        answer="Готово.",
    )
    run_queue()
    mail.outbox.clear()
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)
    run_queue()
    subject, text, _html = letter_to("anna@alpha.example")
    assert subject == f"Заявка № {ticket.number}: Закрыта"
    assert "Поддержка ·" not in text


def test_linked_letter_says_what_to_do_when_it_was_not_you(anna, settings, run_queue):
    settings.PORTAL_URL = "https://help.example"
    tell(channel="email", kind="linked", address=anna.email, key="linked:1", recipient=anna)
    run_queue()
    subject, text, html = letter_to("anna@alpha.example")
    assert subject == "Telegram связан с вашим аккаунтом"
    for part in (text, html):
        assert "Здравствуйте, Анна!" in part
        assert "Это были не вы?" in part
        assert "https://help.example/telegram/" in part


@pytest.mark.parametrize("names", [[], ["план & <смета>.txt"]])
def test_letters_are_tidy_text(ticket, anna, agent, settings, run_queue, clock, names):
    settings.STAFF_EMAIL = "desk@support.example"
    to_customer, to_staff = recording.agent(agent), customer(anna, Face.PORTAL)
    for actor, to in ((to_customer, TicketStatus.RESOLVED), (to_staff, TicketStatus.IN_PROGRESS)):
        files = [NewFile(name, 5, "text/plain", ContentFile(b"hello")) for name in names]
        services.change_status(ticket=ticket, to=to, actor=actor, answer="Смотрим.", files=files)
    for actor in (to_customer, to_staff):
        add_comment(ticket=ticket, actor=actor, body="Смотрим.")
    clock.advance(seconds=61)
    run_queue()
    assert len(mail.outbox) == 6
    for letter in mail.outbox:
        assert "\n\n\n" not in letter.body
        assert "{" not in letter.body
        assert "&" in letter.body  # of the title, unescaped
        assert "&amp;" not in letter.body
        assert "\n\nОткрыть заявку: " in letter.body
