"""A person of whom everything is kept that can be, and the whole database as text."""

import json
from datetime import timedelta
from uuid import uuid4

from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import LinkPin, RecoveryCode, Scope, User
from accounts.security import Origin
from accounts.tokens import make_token
from telegram_bot.models import (
    TELEGRAM,
    Dialog,
    Group,
    GroupProduct,
    GroupTicket,
    IncomingUpdate,
    TicketMessage,
)
from tests.factories import (
    BotRegistrationFactory,
    MessengerAccountFactory,
    ProductFactory,
    open_ticket,
)
from tests.files import pdf
from tickets import comments, delivery, details, recording, services, tasks
from tickets.delivery import tell
from tickets.erasures import erasures_under_way
from tickets.exports import exports_under_way
from tickets.models import Delivery, Draft, Face, FormKey
from tickets.recording import customer
from tickets.status import TicketStatus
from webhooks.models import Attempt, Message
from webhooks.services import add_endpoint

CHAT = 510_000_001
PHONE = "+79161234567"


def keep_everything(anna: User, agent: User) -> None:
    """Anna with a closed ticket, everything she said marked «тайна»."""
    anna.last_name = "Тайнова"
    anna.last_login = timezone.now()
    anna.save()
    registration = BotRegistrationFactory(user=anna, phone=PHONE, user_agent="Тайный браузер")
    MessengerAccountFactory(user=anna, address=str(CHAT), username="taina_k")
    LinkPin.objects.create(registration=registration, channel=TELEGRAM, address=str(CHAT))
    tell(channel=TELEGRAM, kind="pin_failed", address=str(CHAT), key="pin_failed:1")
    Delivery.objects.create(
        channel="email", kind="sign_up", address="Anna@alpha.example", key="sign_up:1",
        state=Delivery.State.SENT, due_at=timezone.now(),
    )  # fmt: skip
    made = {"scopes": {Scope.READ}, "origin": Origin(anna)}
    make_token(by=anna, name="тайна токена", **made)
    hook = {"url": "https://hooks.example.com/taina", "kinds": ["created"], "origin": Origin(anna)}
    endpoint = add_endpoint(by=anna, **hook)
    ticket = close_ticket(anna, agent)
    told = Delivery.objects.filter(channel="webhook", address=str(endpoint.pk)).first()
    Message.objects.create(delivery=told, webhook_id="msg_1", body="тайна вебхука")
    Attempt.objects.create(delivery=told, status=500, answer="тайна ответа")
    keep_telegram(anna, ticket)
    for form, body in (("comment", {"body": "тайна"}), ("phone", {"phone": PHONE})):
        Draft.objects.create(user=anna, form=form, body=body)
    called = ({"requester": str(anna.pk)}, {"requester": "", "email": anna.email.upper()})
    for browser, whom in zip(("", "x" * 43), called, strict=True):
        words = {"title": "Звонок", "description": "тайна звонка", **whom}
        Draft.objects.create(user=agent, form="called", browser=browser, body=words)
    FormKey.objects.create(user=anna, key=uuid4(), purpose="comment", fingerprint="тайна")
    answer = {"ticket": ticket.pk, "body": "тайна заявки"}
    FormKey.objects.create(user=agent, key=uuid4(), purpose="api", fingerprint="", made=answer)
    AccessAttempt.objects.create(
        username="anna", user_agent="Тайный браузер", failures_since_start=1
    )
    TOTPDevice.objects.create(user=anna, name="тайна")
    RecoveryCode.objects.create(user=anna, digest="тайна")
    LogEntry.objects.create(
        user=agent,
        content_type=ContentType.objects.get_for_model(User),
        object_id=anna.pk,
        object_repr="Анна Тайнова",
        action_flag=CHANGE,
    )


def close_ticket(anna: User, agent: User):
    """A ticket with files, a corrected comment, an agent's words and a note, closed and rated."""
    serves = recording.agent(agent)
    ticket = open_ticket(
        anna, title="тайна начала", description="тайна описания", files=[pdf("тайна.pdf")]
    )
    details.change_title(ticket=ticket, title="тайна темы", was=ticket.title, actor=serves)
    asks = customer(anna, Face.PORTAL)
    said = comments.add_comment(ticket=ticket, actor=asks, body="тайна слов", files=[pdf()])
    comments.correct_comment(comment=said, actor=asks, old="тайна слов", new="тайна иначе")
    comments.add_comment(
        ticket=ticket, actor=serves, body="Ответ поддержки", files=[pdf("план.pdf")]
    )
    comments.add_comment(
        ticket=ticket, actor=serves, body="Служебное", internal=True, files=[pdf("служебный.pdf")]
    )
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=serves, answer="Готово")
    services.rate_ticket(ticket=ticket, actor=asks, score=5)
    ticket.refresh_from_db()
    type(ticket).objects.filter(pk=ticket.pk).update(rating_comment="тайна отзыва")
    return ticket


def keep_telegram(anna: User, ticket) -> None:
    Dialog.objects.create(
        telegram_id=CHAT,
        chat_id=CHAT,
        draft={"title": "тайна"},
        kept=[{"at": "9", "text": "тайна"}],
    )
    said = ticket.comments.filter(author=anna).first()
    TicketMessage.objects.create(
        chat_id=CHAT, message_id=7, ticket=ticket, comment=said, text="тайна сообщения"
    )
    IncomingUpdate.objects.create(
        bot_id=1, update_id=1, telegram_id=CHAT, chat_id=CHAT, payload='{"text": "тайна"}',
        replies='[{"text": "тайна"}]', reply_due_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    group = Group.objects.create(chat_id=-100, title="Проект")
    GroupProduct.objects.create(group=group, product=ProductFactory(), chosen_by=anna)
    GroupTicket.objects.create(ticket=ticket, group=group, chat_id=-100, message_id=3)
    tell(
        channel=TELEGRAM, kind="group_created", address="-100", key="group:1", ticket_id=ticket.pk,
        data={"author": "Анна Тайнова", "person": anna.pk},
    )  # fmt: skip


def whole_database() -> str:
    """Every value of every row of every table, with no model left out."""
    told = []
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values():
            told.append(json.dumps([model.__name__, row], default=str, ensure_ascii=False))
    return "\n".join(told)


def work_off() -> int:
    """What the worker does for archives and erasures, and the letters of it; how many slices."""
    slices = 0
    while exports_under_way() or erasures_under_way():
        slices += 1
        assert slices < 50, "the work does not end"
        tasks.work_on_personal_data()
    delivery.drain("email")
    return slices
