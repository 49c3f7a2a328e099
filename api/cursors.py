"""Pages of lists. A cursor is ours alone: signed, for one list in one order."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.base import bad_parameters
from api.problems import error_at
from tickets.queries import read_number

PAGE_SIZE, LARGEST_PAGE = 25, 100  # rows


def page_size(request: Request) -> int:
    """Raises Problem."""
    text = request.query_params.get("page_size")
    if text is None:
        return PAGE_SIZE
    size = read_number(text)
    if size is None or not 1 <= size <= LARGEST_PAGE:
        raise refused("page_size", _("Нужно число от 1 до %(most)d.") % {"most": LARGEST_PAGE})
    return size


def read_cursor(request: Request, what: str) -> Sequence[Any] | None:
    """What `page_url` was given; None on the first page. Raises Problem."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        found: list[Any] = signing.loads(text, salt=_salt(what))
    except signing.BadSignature:
        raise refused("cursor", _("Такого курсора здесь нет: берите его из next.")) from None
    return found


def page_url(request: Request, what: str, cursor: Sequence[Any]) -> str:
    """The same list from another place on."""
    given = {name: request.query_params[name] for name in request.query_params}
    given["cursor"] = signing.dumps(list(cursor), salt=_salt(what))
    return f"{settings.PORTAL_URL}{request.path}?{urlencode(given)}"


def after_id(request: Request, what: str) -> int:
    """Where a page of rows in order of their ids begins. Raises Problem."""
    cursor = read_cursor(request, what)
    return int(cursor[0]) if cursor else 0


def id_page(
    request: Request, what: str, rows: Sequence[Any], more: bool, results: Sequence[Any]
) -> Mapping[str, Any]:
    following = page_url(request, what, [rows[-1].pk]) if more else None
    return {"results": results, "next": following}


def refused(name: str, words: str) -> Exception:
    return bad_parameters([error_at(name, "invalid", words)])


def _salt(what: str) -> str:
    return f"api cursor {what}"
