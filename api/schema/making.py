"""How drf-spectacular reads the tables of this package: the views say nothing to it themselves."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from api.fields import BodyText, Files, Form, TitleText, Words
from api.problems import CONTENT_TYPE, TITLES
from api.reasons import Reason, reasons
from api.schema import parts
from api.schema.examples import ROOT
from api.schema.operations import BYTES, OPERATIONS, TAGS, Operation
from api.schema.parts import Json, named
from api.serializers import ProblemOut
from tickets.models import TEXT_LIMIT, TITLE_LIMIT

INTRODUCTION = Path(__file__).with_name("introduction.md")
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# Codes that an operation may always answer, or when there is …
ALWAYS = (
    "bad_request", "invalid", "unauthenticated", "not_acceptable", "too_many_requests",
    "server_error", "unavailable",
)  # fmt: skip
OF_SCOPES = ("scope_missing", "right_missing")
OF_PATHS = ("not_found",)
OF_BODIES = (
    "bad_json", "csrf_failed", "body_incomplete", "length_required", "too_large",
    "unsupported_media_type", "no_such_member", "too_many_changes",
)  # fmt: skip
OF_VERSIONS = ("ticket_changed",)
OF_KEYS = ("bad_idempotency_key", "key_reused")
# The same for all operations, so each stands once
SHARED = {401: "Unauthorized", 406: "NotAcceptable", 408: "RequestTimeout", 411: "LengthRequired",
          413: "ContentTooLarge", 415: "UnsupportedMediaType", 500: "ServerError",
          503: "Unavailable"}  # fmt: skip

OF_FIELDS: dict[type, Json] = {
    TitleText: {"minLength": 1, "maxLength": TITLE_LIMIT},
    BodyText: {"minLength": 1, "maxLength": TEXT_LIMIT},
    Words: {"maxLength": TEXT_LIMIT},
    Files: {"items": {"type": "string", "format": "binary"}},
}


class ApiSchema(AutoSchema):
    @property
    def said(self) -> Operation:
        return OPERATIONS[type(self.view).__name__, self.method]

    def get_operation_id(self) -> str:
        return self.said.name

    def get_summary(self) -> str:
        return self.said.summary

    def get_description(self) -> str:
        return self.said.description

    def get_tags(self) -> list[str]:
        return [self.said.tag]

    def get_auth(self) -> list[Json]:
        return [{"token": self.said.scopes}, {"session": []}]

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        return type(serializer).__name__.removesuffix("Out")

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, Form):
            schema["additionalProperties"] = False
            for field in schema["properties"].values():
                field.pop("default", None)  # clients would send it: keys that are not theirs, too
        return schema

    def _insert_field_validators(self, field: Any, schema: Json) -> None:
        super()._insert_field_validators(field, schema)
        for kind, more in OF_FIELDS.items():
            schema.update(more if isinstance(field, kind) else {})

    def get_request_serializer(self) -> Any:
        return self.said.body

    def get_response_serializers(self) -> Any:
        return self.said.answers

    def get_examples(self) -> list[OpenApiExample]:
        said, found = self.said, []
        if said.sent is not None:
            kind = self.map_parsers()[0]
            found.append(OpenApiExample("Запрос", said.sent, request_only=True, media_type=kind))
        if said.given is not None:
            kind = BYTES if said.name == "file_content" else None
            found.append(OpenApiExample("Ответ", said.given, response_only=True, media_type=kind))
        return found

    def get_override_parameters(self) -> list[OpenApiParameter | Any]:
        in_path = [name for name in ("number", "id") if f"{{{name}}}" in self.path]
        in_query = self.view.parameters.get(self.method, ())
        names = (*in_path, *in_query, *self.said.headers)
        return [parts.PARAMETERS[name] for name in names]

    def get_operation(self, path: str, *given: Any) -> Json | None:
        operation: Json | None = super().get_operation(path, *given)
        if operation is None:
            return None
        self.resolve_serializer(ProblemOut(), "response")
        for answer in operation["responses"].values():
            answer["description"] = answer["description"] or "Сделано."
            replayed = parts.REPLAYED if "Idempotency-Key" in self.said.headers else ()
            answer["headers"] = named("headers", *self.said.answered, *replayed, *parts.COUNTED)
        operation["responses"] |= {str(status): parts.EMPTY[status] for status in self.said.empty}
        operation["responses"] |= _refusals(self.said, path)
        return operation


def _refusals(operation: Operation, path: str) -> Json:
    codes = {*ALWAYS, *operation.refusals}
    codes.update(OF_SCOPES if operation.scopes else ())
    codes.update(OF_PATHS if "{" in path else ())
    codes.update(OF_BODIES if operation.body else ())
    codes.update(OF_KEYS if "Idempotency-Key" in operation.headers else ())
    codes.update(OF_VERSIONS if "If-Match" in operation.headers else ())
    by_status: dict[int, list[Reason]] = {}
    for reason in reasons().values():
        if reason.code in codes:
            by_status.setdefault(reason.status, []).append(reason)
    return {
        str(status): named("responses", SHARED[status])[SHARED[status]]
        if status in SHARED
        else _refusal(status, some)
        for status, some in by_status.items()
    }


def _refusal(status: int, some: Iterable[Reason]) -> Json:
    headers = (*parts.COUNTED, *parts.OF_STATUS.get(status, ()))
    examples = named("examples", *(one.code for one in some))
    return {
        "description": str(TITLES[status]),
        "headers": named("headers", *headers),
        "content": {CONTENT_TYPE: {"schema": PROBLEM, "examples": examples}},
    }


def _example(reason: Reason) -> Json:
    address = {"type": f"{ROOT}/api/v1/docs/#{reason.code}"}  # of no portal in particular
    return {"summary": reason.detail, "value": reason.body | address}


def finish(result: Json, **_given: Any) -> Json:
    """A hook of drf-spectacular: what operations share, and words about fields."""
    found = reasons().values()
    components = result["components"]
    result["info"]["description"] = INTRODUCTION.read_text()
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components["securitySchemes"] = parts.SECURITY
    components["headers"] = parts.HEADERS
    components["examples"] = {one.code: _example(one) for one in found}
    components["responses"] = {
        name: _refusal(status, [one for one in found if one.status == status])
        for status, name in SHARED.items()
    }
    schemas = components["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.pop("description", None)  # of its class: in English, for us
    for component, words in parts.WORDS.items():
        for name, text in words.items():
            schemas[component]["properties"][name]["description"] = text
    return result
