"""What of a schema of OpenAPI 3.1 breaks the clients of an earlier one.

A request has to be taken that was taken before; an answer may hold nothing but what was promised.
New paths, operations, answers, optional parameters and fields, and fields of answers break nobody.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# How far a value may go: a lower one of the first, a higher one of the second takes less
UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
EXACT = ("format", "pattern", "const", "contentMediaType", "contentEncoding")
REQUEST, ANSWER = "request", "answer"


def breaks(old: Json, new: Json) -> list[str]:
    """A line for each change that breaks a client, with the place where it is."""
    return list(_Comparison(old, new).paths())


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self.old, self.new = old, new

    def paths(self) -> Iterator[str]:
        for path, operations in self.old["paths"].items():
            for method in METHODS:
                if method not in operations:
                    continue
                place = f"{method.upper()} {path}"
                now = self.new["paths"].get(path, {}).get(method)
                if now is None:
                    yield f"{place}: is gone"
                else:
                    yield from self.operation(place, operations[method], now)

    def operation(self, place: str, old: Json, new: Json) -> Iterator[str]:
        yield from self.parameters(place, old.get("parameters", []), new.get("parameters", []))
        yield from self.body(f"{place}: body", old.get("requestBody"), new.get("requestBody"))
        if old.get("operationId") != new.get("operationId"):
            yield f"{place}: has another operationId, by which clients name it"
        ways = new.get("security", self.new.get("security", []))
        for way in old.get("security", self.old.get("security", [])):
            if way not in ways:
                yield f"{place}: takes no more {way}"
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{place}: answers no more {status}"
                continue
            answer, now = _named(self.old, answer), _named(self.new, new["responses"][status])
            yield from self.contents(f"{place}: {status}", answer, now, ANSWER)
            for name in answer.get("headers", {}).keys() - now.get("headers", {}).keys():
                yield f"{place}: {status}: header {name} is gone"

    def parameters(self, place: str, old: list[Json], new: list[Json]) -> Iterator[str]:
        before = {(each["in"], each["name"]): each for each in old}
        now = {(each["in"], each["name"]): each for each in new}
        for key, parameter in before.items():
            if key not in now:
                yield f"{place}: {' '.join(key)} is gone"
            else:
                where = f"{place}: {' '.join(key)}"
                yield from self.schema(where, parameter["schema"], now[key]["schema"], REQUEST)
        for key, parameter in now.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{place}: {' '.join(key)} is required"

    def body(self, place: str, old: Json | None, new: Json | None) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{place}: is required"
        if old and new is None:
            yield f"{place}: is gone"
        elif old and new:
            yield from self.contents(place, old, new, REQUEST)

    def contents(self, place: str, old: Json, new: Json, way: str) -> Iterator[str]:
        for kind, content in old.get("content", {}).items():
            now = new.get("content", {}).get(kind)
            if now is None:
                yield f"{place}: {kind} is gone"
            else:
                where = f"{place}: {kind}"
                yield from self.schema(where, content.get("schema"), now.get("schema"), way)

    def schema(self, place: str, old: Json | None, new: Json | None, way: str) -> Iterator[str]:
        old, new = _plain(self.old, old or {}), _plain(self.new, new or {})
        yield from _compare_types(place, old, new, way)
        yield from _compare_values(place, old, new, way)
        yield from _compare_limits(place, old, new, way)
        yield from self.fields(place, old, new, way)
        if "items" in old:
            yield from self.schema(f"{place}[]", old["items"], new.get("items"), way)
        choices, now = old.get("choices", []), new.get("choices", [])
        if len(choices) != len(now):
            yield f"{place}: has other alternatives"
        for number, (before, after) in enumerate(zip(choices, now, strict=False)):
            yield from self.schema(f"{place}({number})", before, after, way)

    def fields(self, place: str, old: Json, new: Json, way: str) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name, field in before.items():
            if name not in now:
                yield f"{place}.{name}: is gone"
            else:
                yield from self.schema(f"{place}.{name}", field, now[name], way)
        required, still = set(old.get("required", [])), set(new.get("required", []))
        added, dropped = sorted(still - required), sorted(required - still)
        for name in added if way == REQUEST else ():
            yield f"{place}.{name}: is required"
        for name in dropped if way == ANSWER else ():
            yield f"{place}.{name}: may be missing"


def _named(document: Json, part: Json) -> Json:
    """What a reference leads to, with what stands beside the reference."""
    part = dict(part)
    while reference := part.pop("$ref", None):
        target = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]
        part = {**target, **part}
    return part


def _plain(document: Json, schema: Json) -> Json:
    """Without references, `allOf` merged, "or null" among the types, other choices apart."""
    schema = _named(document, schema)
    for part in schema.pop("allOf", []):
        schema = {**_plain(document, part), **schema}
    choices = [_plain(document, each) for each in schema.pop("oneOf", schema.pop("anyOf", []))]
    values = [each for each in choices if each.get("type") != "null"]
    if len(values) == 1:
        merged = {**values[0], **schema}
        if len(choices) > 1 and "type" in merged:
            merged["type"] = [*_types(merged), "null"]
            if "enum" in merged:
                merged["enum"] = [*merged["enum"], None]
        return merged
    return {**schema, "choices": values} if values else schema


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _compare_types(place: str, old: Json, new: Json, way: str) -> Iterator[str]:
    before, now = set(_types(old)), set(_types(new))
    taken, given = (now, before) if way == REQUEST else (before, now)
    if "number" in taken:
        taken |= {"integer"}
    if taken and (not given or given - taken):  # without a type it is anything
        yield f"{place}: was {sorted(before) or 'anything'}, is {sorted(now) or 'anything'}"


def _compare_values(place: str, old: Json, new: Json, way: str) -> Iterator[str]:
    before, now = _values(old), _values(new)
    if before and now:
        for value in sorted(before - now):
            yield f"{place}: {value} is gone"
        for value in sorted(now - before) if way == ANSWER else ():
            yield f"{place}: {value} is new to clients"
    elif now if way == REQUEST else before:
        yield f"{place}: was one of {before}, is one of {now}"


def _values(schema: Json) -> set[str]:
    return {str(value) for value in schema.get("enum", [])}


def _compare_limits(place: str, old: Json, new: Json, way: str) -> Iterator[str]:
    for word in EXACT:
        if old.get(word) != new.get(word):
            yield f"{place}: {word} was {old.get(word)}, is {new.get(word)}"
    narrow, wide = (new, old) if way == REQUEST else (old, new)
    for word in (*UPPER, *LOWER):
        if word not in narrow:
            continue
        sign = 1 if word in UPPER else -1
        if word not in wide or sign * narrow[word] < sign * wide[word]:
            yield f"{place}: {word} was {old.get(word)}, is {new.get(word)}"
