"""What is chosen in the list of tickets: tab, filters, words and page, as an address holds them."""

from dataclasses import dataclass, replace

from django.db import models
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from tickets.models import AWAITING
from tickets.queries import Place, read_number, read_place
from tickets.status import TicketStatus
from tickets.text import clean_line

TERM_LIMIT = 100  # characters


class Tab(models.TextChoices):
    AWAITING = "awaiting", _("Ждут вас")
    OPEN = "open", _("Открытые")
    CLOSED = "closed", _("Закрытые")
    ORGANIZATION = "organization", _("Организация")


STATUSES: dict[Tab, tuple[TicketStatus, ...]] = {  # to choose from
    Tab.AWAITING: AWAITING,
    Tab.OPEN: tuple(status for status in TicketStatus if status != TicketStatus.CLOSED),
    Tab.CLOSED: (),
    Tab.ORGANIZATION: tuple(TicketStatus),
}


@dataclass(frozen=True)
class Choice:
    tab: Tab = Tab.OPEN
    product: int | None = None
    status: str = ""
    term: str = ""
    place: Place | None = None
    is_before: bool = False  # whether the page ends before the place, or begins after it

    @property
    def is_filtered(self) -> bool:
        return bool(self.product or self.status or self.term)

    @property
    def query(self) -> str:
        """The same choice as parameters of an address; the usual is left out."""
        page = "newer" if self.is_before else "older"
        given = {
            "tab": "" if self.tab == Tab.OPEN else self.tab.value,
            "product": self.product,
            "status": self.status,
            "q": self.term,
            page: "{}.{}".format(*self.place.ids) if self.place else "",
        }
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def url(self) -> str:
        query = self.query
        return reverse("ticket_list") + (f"?{query}" if query else "")

    @property
    def first(self) -> "Choice":
        return replace(self, place=None, is_before=False)

    @property
    def unfiltered(self) -> "Choice":
        return Choice(self.tab)

    def on(self, tab: Tab) -> "Choice":
        """The same filters on another tab, as far as it has them."""
        return Choice(tab, self.product, _status(tab, self.status), self.term)

    def older(self, place: Place) -> "Choice":
        return replace(self, place=place, is_before=False)

    def newer(self, place: Place) -> "Choice":
        return replace(self, place=place, is_before=True)


def read_choice(params: QueryDict) -> Choice:
    """What an address asks for; parts that make no sense are as if they were not there."""
    tab = params.get("tab", "")
    chosen = Tab(tab) if tab in Tab.values else Tab.OPEN
    older, newer = (_place(params.get(name, "")) for name in ("older", "newer"))
    return Choice(
        tab=chosen,
        product=read_number(params.get("product", "")) or None,
        status=_status(chosen, params.get("status", "")),
        term=clean_line(params.get("q", ""))[:TERM_LIMIT].strip(),
        place=older or newer,
        is_before=older is None and newer is not None,
    )


def _status(tab: Tab, status: str) -> str:
    return status if status in STATUSES[tab] else ""


def _place(text: str) -> Place | None:
    numbers = [read_number(part) for part in text.split(".", 2)]
    return read_place([number for number in numbers if number])


# The way back from a card


def from_list(choice: Choice) -> str:
    """What the address of a card carries, so that its way back leads to this list."""
    return "?" + urlencode({"from": choice.query or "tab=open"})


def list_behind(params: QueryDict) -> Choice | None:
    """The list that the address of a card came from: only a choice of ours, never an address."""
    came_from = params.get("from", "")
    return read_choice(QueryDict(came_from)) if came_from else None


def keep_list(params: QueryDict, response: HttpResponse) -> HttpResponse:
    """Let the page that a form of a card leads to know the list as well."""
    behind = list_behind(params)
    if behind and isinstance(response, HttpResponseRedirect):
        page, mark, place = response.url.partition("#")
        response["Location"] = f"{page}{from_list(behind)}{mark}{place}"
    return response
