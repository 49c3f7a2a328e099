"""The description of the API: true, whole, and the same for clients who were here before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

import tickets.refusals_joining  # noqa: F401 - its refusals are looked for, too
from api import docs
from api.reasons import reasons
from tests.api.compatibility import METHODS, breaks
from tickets.refusals import REFUSALS

Json = dict[str, Any]
RELEASED = Path(__file__).parents[2] / "docs" / "openapi-released.yaml"
SCHEMA: Json = yaml.safe_load(docs.SCHEMA.read_text())
OPERATIONS: dict[str, Json] = {
    operation["operationId"]: operation
    for path in SCHEMA["paths"].values()
    for method, operation in path.items()
    if method in METHODS
}
# Refusals of the domain that no operation can meet
NEVER_HERE = {
    "agent_not_erased", "already_in_incident", "already_linked", "already_split", "data_erased",
    "details_changed", "ends_too_early", "export_too_soon", "incident_empty", "incident_nested",
    "linked_to_itself", "may_not_follow", "merge_refused", "no_such_person", "not_splittable",
    "quota_reached", "refused", "snooze_refused", "tickets_still_open", "too_many_test_letters",
    "too_many_views", "variable_unknown", "view_known", "view_name_taken", "view_refused",
}  # fmt: skip
DOMAIN = ("tickets.refusals", "tickets.refusals_joining", "tickets.status", "accounts.quotas")


def named(part: Json) -> Json:
    """What a reference leads to."""
    found = SCHEMA
    for name in part["$ref"].removeprefix("#/").split("/") if "$ref" in part else ():
        found = found[name]
    return found if "$ref" in part else part


def kinds_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        yield from kinds_of(one)


def test_file_is_what_the_code_makes(tmp_path):
    """After a change: `manage.py spectacular --validate --fail-on-warn --file api/openapi.yaml`."""
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(made))
    assert made.read_text() == docs.SCHEMA.read_text()


def test_clients_of_the_last_release_are_not_broken():
    """A release copies the file; what breaks clients takes a new version, `/api/v2/`."""
    assert breaks(yaml.safe_load(RELEASED.read_text()), SCHEMA) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_words_and_examples(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["tags"]
    assert all(parameter["description"] for parameter in operation.get("parameters", []))
    answers = list(map(named, operation["responses"].values()))
    assert all(answer["description"] for answer in answers)
    contents = [
        content
        for body in (operation.get("requestBody", {}), *answers)
        for kind, content in body.get("content", {}).items()
        if kind != "image/*"
    ]
    assert len(contents) > 5
    assert all(content["examples"] for content in contents)


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_fit_their_schemas(name):
    bodies = [OPERATIONS[name].get("requestBody", {}), *OPERATIONS[name]["responses"].values()]
    for content in (each for body in bodies for each in named(body).get("content", {}).values()):
        validator = Draft202012Validator({**content["schema"], "components": SCHEMA["components"]})
        for example in map(named, content.get("examples", {}).values()):
            assert [error.message for error in validator.iter_errors(example["value"])] == []


def test_clients_are_told_nothing_that_breaks_them():
    """They send each default, also of a key that is not theirs, and name modules after tags."""
    schemas = SCHEMA["components"]["schemas"].values()
    bodies = [each for each in schemas if each.get("additionalProperties") is False]
    assert len(bodies) == 9
    assert not [key for each in bodies for key in each["properties"].values() if "default" in key]
    assert all(tag.isascii() for each in OPERATIONS.values() for tag in each["tags"])


def test_every_refusal_of_the_domain_is_described_or_cannot_come():
    known = set(reasons())
    for kind in (each for base in REFUSALS for each in kinds_of(base)):
        if kind.__module__ in DOMAIN:
            assert (kind.code in known) != (kind.code in NEVER_HERE), kind.code


def test_every_described_code_is_one_of_an_operation():
    shown = {
        code
        for operation in OPERATIONS.values()
        for answer in map(named, operation["responses"].values())
        for code in answer.get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
    elsewhere = {"method_not_allowed", "not_yours", "text_required", "text_too_long", "too_late"}
    assert set(reasons()) - elsewhere == shown


@pytest.mark.django_db
def test_everybody_may_read_it(client):
    answer = client.get("/api/v1/schema/")
    assert answer.content == docs.SCHEMA.read_bytes()
    assert answer["Content-Type"] == "application/yaml; charset=utf-8"
    page = client.get("/api/v1/docs/").content.decode()
    for code in reasons():
        assert f'<div id="{code}">' in page
    assert "csrf" not in client.cookies
