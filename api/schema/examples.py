"""What the examples show: one ticket on its way."""

from typing import Any

Json = dict[str, Any]
ROOT = "https://support.example.com"

ANNA: Json = {"id": 7, "name": "Анна К."}
OLGA: Json = {"id": 2, "name": "Ольга О."}
ALPHA: Json = {"id": 3, "name": "ООО «Альфа»"}
SERVER: Json = {"id": 1, "name": "Облачный сервер"}
BY_ANNA: Json = {"role": "customer", "person": ANNA}
BY_OLGA: Json = {"role": "agent", "person": OLGA}

ME: Json = {
    "person": ANNA | {"email": "anna@alpha.example"},
    "organization": ALPHA,
    "scopes": ["tickets:read", "tickets:write"],
    "token": {
        "name": "Мониторинг",
        "prefix": "vks_6Jq0bZ",
        "expires_at": "2027-02-25T09:00:00Z",
    },
    "bots": [{"channel": "telegram", "state": "linked"}],
}
NEW_TICKET: Json = {
    "product": 1,
    "title": "Не отвечает диск",
    "description": "С 10:15 запись на диск vol-42 завершается ошибкой.",
}
TICKET: Json = {
    "number": 1042,
    "url": f"{ROOT}/tickets/1042/",
    "title": "Не отвечает диск",
    "description": "С 10:15 запись на диск vol-42 завершается ошибкой.",
    "status": "new",
    "priority": "medium",
    "product": SERVER,
    "requester": ANNA,
    "organization": ALPHA,
    "assignee": None,
    "opened_in": "api",
    "parent": None,
    "merged_into": None,
    "score": None,
    "rating_comment": "",
    "created_at": "2026-11-27T07:20:00Z",
    "changed_at": "2026-11-27T07:20:00Z",
    "resolved_at": None,
    "closed_at": None,
}
TAKEN = TICKET | {
    "status": "in_progress",
    "assignee": OLGA,
    "changed_at": "2026-11-27T07:24:10Z",
}
RESOLVED = TAKEN | {
    "status": "resolved",
    "changed_at": "2026-11-27T08:02:00Z",
    "resolved_at": "2026-11-27T08:02:00Z",
}
CLOSED = RESOLVED | {
    "status": "closed",
    "changed_at": "2026-11-27T08:30:00Z",
    "closed_at": "2026-11-27T08:30:00Z",
}
RATED = CLOSED | {"score": 5, "rating_comment": "Быстро, спасибо."}
FILE: Json = {
    "id": 15,
    "name": "disk.log",
    "size": 30,
    "content_type": "text/plain",
    "state": "ready",
    "comment": 312,
    "created_at": "2026-11-27T07:31:00Z",
}
COMMENT: Json = {
    "id": 311,
    "body": "Перезапуск не помог.",
    "internal": False,
    "by": BY_ANNA,
    "created_at": "2026-11-27T07:30:00Z",
    "edited_at": None,
    "files": [],
}
WITH_FILE = COMMENT | {
    "id": 312,
    "body": "Журнал диска",
    "created_at": "2026-11-27T07:31:00Z",
    "files": [FILE],
}
_EVENT: Json = {"internal": False, "old": "", "new": "", "comment": None}
EVENTS: list[Json] = [
    _EVENT | {"id": 900, "kind": "created", "at": "2026-11-27T07:20:00Z", "by": BY_ANNA},
    _EVENT
    | {"id": 901, "kind": "status", "at": "2026-11-27T07:24:10Z", "by": BY_OLGA}
    | {"old": "new", "new": "in_progress"},
    _EVENT
    | {"id": 902, "kind": "commented", "at": "2026-11-27T07:30:00Z", "by": BY_ANNA}
    | {"comment": COMMENT},
]


def page(*results: Json, **more: Any) -> Json:
    return {"results": list(results), "next": None} | more
