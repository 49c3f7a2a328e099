"""What several operations have in common: parameters, headers, words about fields."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from api.cursors import LARGEST_PAGE, PAGE_SIZE
from api.fields import LARGEST_NUMBER
from api.filters import LISTS, LONGEST_SEARCH, NEWEST, OLDEST
from tickets.models import Face, TicketEvent

Json = dict[str, Any]
NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": LARGEST_NUMBER}


def _query(name: str, schema: Any, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=words)


def _header(name: str, schema: Any, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=words)


def _path(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, NUMBER, OpenApiParameter.PATH, description=words)


def _one_of(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


_PARAMETERS = (
    _path("number", "Номер заявки."),
    _path("id", "Номер файла."),
    _query(
        "list",
        _one_of(*LISTS),
        "Чьи заявки: свои, организации или все доступные. Без него — свои, а с токеном "
        "организации и с правом `desk` — все доступные.",
    ),
    _query("status", {"$ref": "#/components/schemas/Status"}, "Только заявки в этом статусе."),
    _query("product", NUMBER | {"minimum": 0}, "Только заявки об этом продукте."),
    _query(
        "priority", {"$ref": "#/components/schemas/Priority"}, "Только заявки с этим приоритетом."
    ),
    _query(
        "assignee",
        {"type": "string", "pattern": "^(me|none|[1-9][0-9]{0,17})$"},
        "Исполнитель: его `id`, `me` — тот, чей токен, `none` — никто.",
    ),
    _query(
        "search",
        {"type": "string", "maxLength": LONGEST_SEARCH},
        "Слова или номер заявки: ищутся в теме, описании и комментариях.",
    ),
    _query(
        "since",
        OpenApiTypes.DATETIME,
        "Только заявки, изменившиеся позже (RFC 3339, с часовым поясом).",
    ),
    _query(
        "order",
        _one_of(NEWEST, OLDEST),
        f"Порядок: `{NEWEST}` — сначала недавно изменившиеся; `{OLDEST}` — по порядку "
        "изменений, для опроса с `since`.",
    ),
    _query("cursor", OpenApiTypes.STR, "Место в списке: берётся из `next` и `previous`."),
    _query(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE},
        "Сколько строк на странице.",
    ),
    _header(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "Своя строка на каждое действие. Повтор с тем же ключом и телом в течение 24 часов "
        "ничего не делает второй раз и получает тот же ответ.",
    ),
    _header(
        "If-Match",
        {"type": "string"},
        "`ETag` заявки, какой её видели: если с тех пор она изменилась, ответ — 412.",
    ),
    _header(
        "If-None-Match",
        {"type": "string"},
        "`ETag`, который уже есть: если заявка не изменилась, ответ — 304 без тела.",
    ),
)
PARAMETERS = {one.name: one for one in _PARAMETERS}


SECURITY: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Токен `vks_…`: на портале, «Интеграции».",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "Сеанс портала. Изменениям нужен ещё заголовок `X-CSRFToken`.",
    },
}


def named(kind: str, *names: str) -> Json:
    """References to what stands in the components."""
    return {name: {"$ref": f"#/components/{kind}/{name}"} for name in names}


def _answered(words: str, **schema: Any) -> Json:
    return {"description": words, "schema": {"type": "string"} | schema}


HEADERS: Json = {
    "RateLimit": _answered(
        "Сколько запросов осталось (`r`) и через сколько секунд счёт начнётся заново (`t`).",
        examples=['"user";r=119;t=42'],
    ),
    "RateLimit-Policy": _answered(
        "Сколько запросов (`q`) можно сделать за сколько секунд (`w`).",
        examples=['"user";q=120;w=60'],
    ),
    "Idempotency-Replayed": _answered(
        "Есть, если запрос с этим ключом уже был выполнен раньше.", enum=["true"]
    ),
    "ETag": _answered("Версия заявки для `If-Match` и `If-None-Match`."),
    "Location": _answered("Адрес.", format="uri"),
    "Content-Disposition": _answered("Всегда `attachment`, с именем файла."),
    "Retry-After": _answered("Через сколько секунд повторить.", pattern="^[0-9]+$"),
    "WWW-Authenticate": _answered("Всегда `Bearer`."),
}
COUNTED = ("RateLimit", "RateLimit-Policy")  # of every answer
REPLAYED, ETAG, LOCATION = ("Idempotency-Replayed",), ("ETag",), ("Location",)
OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
# Answers that have no body
EMPTY = {
    304: {"description": "Заявка не изменилась.", "headers": named("headers", *ETAG, *COUNTED)},
    308: {
        "description": "Заявка объединена с другой: она здесь.",
        "headers": named("headers", *LOCATION, *COUNTED),
    },
}


def _kinds(words: str, choices: Any) -> str:
    return f"{words} " + ", ".join(f"`{one.value}` — {one.label}" for one in choices) + "."


# component → field → words
WORDS: dict[str, dict[str, str]] = {
    "Ticket": {
        "number": "Номер заявки: не меняется и не повторяется.",
        "url": "Страница заявки на портале.",
        "requester": "Инициатор: чья это заявка.",
        "organization": "Организация инициатора.",
        "assignee": "Исполнитель, если назначен.",
        "opened_in": _kinds("Где открыта; значений может стать больше:", Face),
        "parent": "Закрытая заявка, на основе которой создана эта.",
        "merged_into": "Заявка, с которой объединена эта.",
        "score": "Оценка решения.",
        "rating_comment": "Слова к оценке; бывает пустым.",
        "changed_at": "Последнее изменение, которое видно клиенту.",
    },
    "Event": {
        "kind": _kinds("Что произошло; значений может стать больше:", TicketEvent.Kind),
        "internal": "Видно только специалистам.",
        "old": "Что было, если событие что-то изменило.",
        "new": "Что стало.",
        "comment": "Сказанное, если событие — комментарий или ответ.",
    },
    "By": {"person": "`null`, если это сделала сама система."},
    "Comment": {
        "body": "Текст; пустой, если пришли одни файлы.",
        "internal": "Заметка, которую видят только специалисты.",
        "edited_at": "Когда текст исправили в последний раз.",
    },
    "File": {
        "size": "Байт.",
        "state": "Скачать можно файл в состоянии `ready`.",
        "comment": "Комментарий, с которым пришёл файл; `null` — файл описания заявки.",
    },
    "Problem": {
        "type": "Страница, где объяснён этот код.",
        "title": "Что значит статус.",
        "detail": "Что не так, для человека.",
        "code": "Причина для программы; список кодов — на странице описания, он может расти.",
        "errors": "Что именно не так, если дело в теле или параметрах.",
    },
    "Error": {
        "pointer": "Место в теле: JSON Pointer во фрагменте (`#/title`); у параметра — имя.",
    },
}
