"""The tool that finds what breaks clients, and what of the schema does since the last release."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.api.compatibility import breaks

Json = dict[str, Any]
TICKET = {
    "type": "object",
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "status": {"type": "string", "enum": ["new", "closed"]},
        "assignee": {"oneOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["number", "status"],
}
WISH = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 100},
        "product": {"type": "integer"},
        "way": {"type": "string", "enum": ["mail", "chat"]},
    },
    "required": ["title"],
}
RELEASED: Json = {
    "openapi": "3.1.0",
    "security": [{"token": []}],
    "paths": {
        "/tickets/": {
            "post": {
                "operationId": "create",
                "parameters": [
                    {"name": "page_size", "in": "query",
                     "schema": {"type": "integer", "maximum": 100}},
                ],
                "requestBody": {
                    "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/Wish"}}},
                },
                "responses": {
                    "201": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/Ticket"}}},
                    },
                    "409": {"description": "refused"},
                },
            }
        }
    },
    "components": {"schemas": {
        "Ticket": TICKET,
        "Wish": WISH,
        "Person": {"type": "object", "properties": {"name": {"type": "string"}}},
    }},
}  # fmt: skip


def operation(schema: Json) -> Json:
    return schema["paths"]["/tickets/"]["post"]


def fields(schema: Json, name: str) -> Json:
    return schema["components"]["schemas"][name]["properties"]


def required(schema: Json, name: str) -> list[str]:
    return schema["components"]["schemas"][name]["required"]


BREAKING: list[tuple[str, Callable[[Json], Any]]] = [
    ("POST /tickets/: is gone", lambda s: s["paths"].clear()),
    ("POST /tickets/: is gone", lambda s: s["paths"]["/tickets/"].pop("post")),
    ("another operationId", lambda s: operation(s).update(operationId="make")),
    ("takes no more {'token': []}", lambda s: s.update(security=[{"session": []}])),
    ("answers no more 409", lambda s: operation(s)["responses"].pop("409")),
    ("header ETag is gone", lambda s: operation(s)["responses"]["201"]["headers"].clear()),
    ("application/json is gone", lambda s: operation(s)["responses"]["201"]["content"].clear()),
    ("query page_size is gone", lambda s: operation(s)["parameters"].clear()),
    ("query page_size: maximum was 100, is 50",
     lambda s: operation(s)["parameters"][0]["schema"].update(maximum=50)),
    ("query page_size is required", lambda s: operation(s)["parameters"][0].update(required=True)),
    ("header Key is required", lambda s: operation(s)["parameters"].append(
        {"name": "Key", "in": "header", "required": True, "schema": {"type": "string"}})),
    ("body: is required", lambda s: operation(s)["requestBody"].update(required=True)),
    ("body: is gone", lambda s: operation(s).pop("requestBody")),
    (".product: is required", lambda s: required(s, "Wish").append("product")),
    (".product: is gone", lambda s: fields(s, "Wish").pop("product")),
    (".product: was ['integer'], is ['string']",
     lambda s: fields(s, "Wish").update(product={"type": "string"})),
    (".title: maxLength was 100, is 10", lambda s: fields(s, "Wish")["title"].update(maxLength=10)),
    (".title: minLength was None, is 1", lambda s: fields(s, "Wish")["title"].update(minLength=1)),
    (".title: pattern was None, is ^a", lambda s: fields(s, "Wish")["title"].update(pattern="^a")),
    (".way: chat is gone", lambda s: fields(s, "Wish")["way"]["enum"].remove("chat")),
    (".number: is gone", lambda s: fields(s, "Ticket").pop("number")),
    (".number: may be missing", lambda s: required(s, "Ticket").remove("number")),
    (".number: was ['integer'], is ['integer', 'null']",
     lambda s: fields(s, "Ticket")["number"].update(type=["integer", "null"])),
    (".number: minimum was 1, is None", lambda s: fields(s, "Ticket")["number"].pop("minimum")),
    (".status: merged is new to clients",
     lambda s: fields(s, "Ticket")["status"]["enum"].append("merged")),
    (".status: was one of", lambda s: fields(s, "Ticket")["status"].pop("enum")),
    (".assignee.name: is gone", lambda s: fields(s, "Person").clear()),
    (".tags[]: was ['string'], is ['integer']",
     lambda s: fields(s, "Ticket")["tags"].update(items={"type": "integer"})),
]  # fmt: skip


@pytest.mark.parametrize(("said", "change"), BREAKING, ids=[said for said, _change in BREAKING])
def test_what_breaks_clients_is_found(said: str, change: Callable[[Json], Any]) -> None:
    changed = deepcopy(RELEASED)
    change(changed)

    assert [line for line in breaks(RELEASED, changed) if said in line]


HARMLESS: dict[str, Callable[[Json], Any]] = {
    "nothing": lambda s: None,
    "path": lambda s: s["paths"].update({"/products/": {"get": {"responses": {}}}}),
    "status": lambda s: operation(s)["responses"].update({"422": {"description": "refused"}}),
    "way in": lambda s: s["security"].append({"session": []}),
    "parameter": lambda s: operation(s)["parameters"].append(
        {"name": "search", "in": "query", "schema": {"type": "string"}}
    ),
    "longer": lambda s: fields(s, "Wish")["title"].update(maxLength=200),
    "value taken": lambda s: fields(s, "Wish")["way"]["enum"].append("post"),
    "field taken": lambda s: fields(s, "Wish").update(parent={"type": "integer"}),
    "field given": lambda s: fields(s, "Ticket").update(score={"type": ["integer", "null"]}),
    "field always given": lambda s: required(s, "Ticket").append("tags"),
    "never null": lambda s: fields(s, "Ticket").update(
        assignee={"$ref": "#/components/schemas/Person"}
    ),
    "words": lambda s: operation(s).update(description="Новая заявка"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nobody_is_let_through(name: str) -> None:
    changed = deepcopy(RELEASED)
    HARMLESS[name](changed)

    assert breaks(RELEASED, changed) == []
