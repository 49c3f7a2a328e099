"""JSON as strict as RFC 8259 lets it be: what two readers may understand differently is refused."""

import json
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from api.problems import Problem


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return read_object(stream.read())


def read_object(body: bytes) -> dict[str, Any]:
    """Raises Problem for what is no object of JSON, or could be read in two ways."""
    try:
        found = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
        )
        json.dumps(found, ensure_ascii=False).encode()  # no half of a surrogate pair anywhere
    except (ValueError, RecursionError):  # errors of JSON and of Unicode among them
        raise Problem(400, "bad_json", _("Тело запроса — не JSON по RFC 8259.")) from None
    if not isinstance(found, dict):
        raise Problem(400, "bad_json", _("Тело запроса должно быть объектом JSON."))
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number
