"""Each operation of the API: what it is called, takes, answers and refuses."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.types import OpenApiTypes

from accounts.models import Scope
from api import acts, attachments, conversation, tickets
from api import serializers as out
from api.schema import examples
from api.schema.examples import page
from api.schema.parts import ETAG, LOCATION

# Programs name their modules after these, so they are ASCII
TAGS = {
    "tickets": "Заявки: создать, найти, прочитать, вернуть в работу, оценить, закрыть.",
    "comments": "Комментарии и события заявки.",
    "files": "Файлы: приложить и скачать.",
    "account": "Чей это токен и о каких продуктах можно писать.",
    "desk": "Для токенов специалистов с правом `desk`.",
}
TICKETS, COMMENTS, FILES, ACCOUNT, DESK = TAGS
READ, WRITE, SERVE = [Scope.READ.value], [Scope.WRITE.value], [Scope.DESK.value]
BYTES, PICTURE = "application/octet-stream", "image/*"
VERSION, KEY = ("If-Match",), ("Idempotency-Key",)


@dataclass(frozen=True)
class Operation:
    name: str  # clients call their functions so: it never changes
    tag: str
    summary: str
    scopes: list[str]
    description: str = ""
    body: Any = None
    answers: Any = None
    sent: Any = None  # examples
    given: Any = None
    headers: tuple[str, ...] = ()  # that a request may have
    answered: tuple[str, ...] = ()  # headers of the answer
    empty: tuple[int, ...] = ()  # statuses without a body
    refusals: tuple[str, ...] = ()  # codes, beside those of every operation of its kind


ON_BEHALF = (
    "С токеном организации нужен `on_behalf_of` — почта сотрудника, от имени которого это "
    "делается; с другими токенами этого ключа нет."
)

BY_REQUESTER = (
    "not_requester", "ticket_closed", "ticket_merged", "already_done", "transition_not_allowed",
)  # fmt: skip

# (view, method) → operation
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("Me", "GET"): Operation(
        "me", ACCOUNT, "Кто я и что мне можно", [],
        "Человек или организация токена, его права и состояние регистрации в чат-боте. "
        "Согласие на чат-бот дают только на портале.",
        answers=out.MeOut, given=examples.ME,
    ),
    ("Products", "GET"): Operation(
        "products", ACCOUNT, "Продукты", READ, "О чём можно создать заявку.",
        answers=out.ProductsOut, given={"results": [examples.SERVER]},
    ),
    ("Tickets", "GET"): Operation(
        "tickets_list", TICKETS, "Список заявок", READ,
        "Страницами. Чтобы узнавать об изменениях, запоминайте `changed_at` последней заявки и "
        "спрашивайте `?since=…&order=changed_at`.",
        answers=out.TicketPageOut, given=page(examples.TICKET, previous=None),
    ),
    ("Tickets", "POST"): Operation(
        "ticket_create", TICKETS, "Создать заявку", WRITE, ON_BEHALF,
        body=tickets.NewTicket, sent=examples.NEW_TICKET,
        answers={201: out.TicketOut}, given=examples.TICKET,
        headers=KEY, answered=(*ETAG, *LOCATION),
        refusals=("product_unavailable", "too_many_tickets"),
    ),
    ("OneTicket", "GET"): Operation(
        "ticket_read", TICKETS, "Прочитать заявку", READ,
        "Номер, который объединили с другим, ведёт к нему: ответ 308 с `Location`.",
        answers=out.TicketOut, given=examples.TICKET,
        headers=("If-None-Match",), answered=ETAG, empty=(304, 308),
    ),
    ("OneTicket", "PATCH"): Operation(
        "ticket_update", DESK, "Изменить приоритет и исполнителя", SERVE,
        "Исполнитель — `id` специалиста; `null` снимает его.",
        body=tickets.TicketFacts, sent={"priority": "high", "assignee": 2},
        answers=out.TicketOut, given=examples.TAKEN | {"priority": "high"},
        headers=VERSION, answered=ETAG,
        refusals=("ticket_closed", "ticket_merged", "facts_changed", "assignee_cannot_serve"),
    ),
    ("Timeline", "GET"): Operation(
        "timeline", COMMENTS, "События заявки", READ,
        "Что произошло после создания, от старого к новому; сказанное и его файлы — при событиях.",
        answers=out.EventPageOut, given=page(*examples.EVENTS), empty=(308,),
    ),
    ("Comments", "GET"): Operation(
        "comments_list", COMMENTS, "Комментарии заявки", READ, "От старых к новым.",
        answers=out.CommentPageOut, given=page(examples.COMMENT), empty=(308,),
    ),
    ("Comments", "POST"): Operation(
        "comment_create", COMMENTS, "Написать", WRITE,
        "Комментарий клиента в заявку, которая ждёт его ответа, возвращает её в работу. С правом "
        "`desk` это ответ специалиста, а с `internal` — заметка, которую клиент не видит. "
        + ON_BEHALF,
        body=conversation.NewComment, sent={"body": "Перезапуск не помог."},
        answers={201: out.CommentOut}, given=examples.COMMENT,
        headers=(*KEY, *VERSION), refusals=("ticket_closed", "ticket_merged"),
    ),
    ("TicketFiles", "GET"): Operation(
        "files_list", FILES, "Файлы заявки", READ, "Описания и всех комментариев.",
        answers=out.FilePageOut, given=page(examples.FILE), empty=(308,),
    ),
    ("TicketFiles", "POST"): Operation(
        "files_create", FILES, "Приложить файлы", WRITE,
        "До 10 файлов по 50 МБ, вместе с текстом или без: получится один комментарий. Если файлы "
        "сохранить не удалось, а текст есть, он остаётся без них: `files_refused` говорит почему. "
        + ON_BEHALF,
        body=attachments.NewFiles,
        sent={"files": ["vol-42: write failed, errno 5\n"], "body": "Журнал диска"},
        answers={201: out.SentFilesOut}, given=examples.WITH_FILE | {"files_refused": None},
        headers=(*KEY, *VERSION),
        refusals=(
            "ticket_closed", "ticket_merged", "file_refused", "too_many_files", "too_many_bytes",
            "files_not_stored",
        ),
    ),
    ("OneFile", "GET"): Operation(
        "file_read", FILES, "Что за файл", READ, answers=out.FileOut, given=examples.FILE,
    ),
    ("Content", "GET"): Operation(
        "file_content", FILES, "Скачать файл", READ,
        "Картинки приходят как `image/…`, остальное — как `application/octet-stream`.",
        answers={(200, BYTES): OpenApiTypes.BINARY, (200, PICTURE): OpenApiTypes.BINARY},
        given="vol-42: write failed, errno 5\n", answered=("Content-Disposition",),
    ),
    ("Return", "POST"): Operation(
        "ticket_return", TICKETS, "Вернуть в работу", WRITE,
        "Выполненную заявку — её инициатор. Причина становится комментарием. " + ON_BEHALF,
        body=acts.ReturnForm, sent={"reason": "Ошибка повторилась через час."},
        answers=out.TicketOut, given=examples.TAKEN,
        headers=(*KEY, *VERSION), answered=ETAG, refusals=BY_REQUESTER,
    ),
    ("Rate", "POST"): Operation(
        "ticket_rate", TICKETS, "Оценить и закрыть", WRITE,
        "Выполненную заявку — её инициатор. " + ON_BEHALF,
        body=acts.RateForm, sent={"score": 5, "text": "Быстро, спасибо."},
        answers=out.TicketOut, given=examples.RATED,
        headers=(*KEY, *VERSION), answered=ETAG, refusals=(*BY_REQUESTER, "not_rateable"),
    ),
    ("Close", "POST"): Operation(
        "ticket_close", TICKETS, "Закрыть: вопрос решён", WRITE,
        "Открытую заявку — её инициатор, с оценкой или без. " + ON_BEHALF,
        body=acts.CloseForm, sent={"text": "Заработало само."},
        answers=out.TicketOut, given=examples.CLOSED,
        headers=(*KEY, *VERSION), answered=ETAG, refusals=BY_REQUESTER,
    ),
    ("Status", "POST"): Operation(
        "ticket_status", DESK, "Перевести в другой статус", SERVE,
        "Ответ клиенту нужен, когда заявка начинает ждать его, выполнена или закрыта.",
        body=acts.StatusForm, sent={"status": "resolved", "answer": "Диск заменён."},
        answers=out.TicketOut, given=examples.RESOLVED,
        headers=(*KEY, *VERSION), answered=ETAG,
        refusals=("ticket_merged", "already_done", "transition_not_allowed", "answer_missing"),
    ),
    ("Merge", "POST"): Operation(
        "ticket_merge", DESK, "Объединить с другой заявкой", SERVE,
        "Отменить нельзя. Ответ — заявка, которая осталась.",
        body=acts.MergeForm, sent={"into": 1040},
        answers=out.TicketOut, given=examples.TAKEN | {"number": 1040},
        headers=(*KEY, *VERSION), answered=ETAG,
        refusals=(
            "ticket_closed", "ticket_merged", "no_such_ticket", "merged_with_itself",
            "merge_target_closed", "strangers_not_merged", "colleagues_would_read",
            "incident_not_merged",
        ),
    ),
}  # fmt: skip
