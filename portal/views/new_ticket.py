"""«Создать заявку»: the form, what it may repeat, and the way to the new card."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.quotas import QuotaReached
from portal.forms.new_ticket import NewTicketForm
from portal.requests import PortalRequest, is_script, lead
from portal.views.errors import too_often
from tickets.drafts import Kept, kept_words, read_browser
from tickets.forms import Made, Sending, read_sending
from tickets.models import TITLE_LIMIT, Face, Product, Ticket
from tickets.queries import closed_parent, read_number
from tickets.reach import Way, ways_of_answer
from tickets.refusals import (
    FileRefused,
    KeyReused,
    ProductUnavailable,
    TooManyBytes,
    TooManyTickets,
)
from tickets.services import open_once
from tickets.similar import similar_tickets
from tickets.text import clean_line, cut

FORM = "new_ticket"
LONGEST_ASKED = 500  # characters of a title that is looked for


def new_ticket(request: PortalRequest) -> HttpResponse:
    parent, products = _parent(request), _products()
    if request.method == "POST":
        return _take(request, parent, products)
    kept = kept_words(request.user, parent, read_browser(request.COOKIES)).get(FORM)
    form = NewTicketForm(initial=_initial(request, parent, kept), products=products)
    return _page(request, parent, form, kept=kept)


def similar(request: PortalRequest) -> HttpResponse:
    """A part of the page while its title is typed."""
    title = request.GET.get("title", "")[:LONGEST_ASKED]
    context = {"similar": similar_tickets(request.user, title)}
    return render(request, "portal/_similar.html", context)


def _products() -> list[Product]:
    return list(Product.objects.filter(is_active=True))


def _parent(request: PortalRequest) -> Ticket | None:
    """The closed ticket that the new one goes on from; what one may not see is passed over."""
    number = read_number(request.GET.get("parent", ""))
    if number is None:
        return None
    return closed_parent(Ticket.objects.visible_to(request.user), number)


def _initial(request: PortalRequest, parent: Ticket | None, kept: Kept | None) -> dict[str, Any]:
    """What stands in a fresh form: kept words beat the parent's, the address chooses a product."""
    found = {"product": str(parent.product_id), "title": parent.title} if parent else {}
    found |= {name: text for name, text in (kept.body if kept else {}).items() if text}
    product = request.GET.get("product")
    return found | ({"product": product} if product else {})


def _page(
    request: PortalRequest, parent: Ticket | None, form: NewTicketForm, **more: Any
) -> HttpResponse:
    form.note_lost_files()
    title = str(form["title"].value() or "")
    length = len(clean_line(title))
    ways = _ways(request.user)
    context = {
        "form": form,
        "parent": parent,
        "limit": TITLE_LIMIT,
        "length": length,
        "suggested": cut(clean_line(title), TITLE_LIMIT) if length > TITLE_LIMIT else "",
        "similar": similar_tickets(request.user, title[:LONGEST_ASKED]),
        "ways": _in_words(ways, request.user),
        "has_chat": any(not way.email for way in ways),
        "staff_email": settings.STAFF_EMAIL,
        **more,
    }
    return render(request, "portal/new_ticket.html", context)


def _ways(user: User) -> list[Way]:
    """Where an answer to a ticket of theirs will come."""
    return ways_of_answer(Ticket(requester=user, organization=user.organization))


def _in_words(ways: Sequence[Way], user: User) -> str:
    """«портал, почта anna@alpha.example, почта клиента office@alpha.example, Telegram»"""
    own, of_client = _("почта %(email)s"), _("почта клиента %(email)s")
    named = [
        (own if way.email.casefold() == user.email.casefold() else of_client) % {"email": way.email}
        if way.email
        else way.label
        for way in sorted(ways, key=lambda way: not way.email)
    ]
    return ", ".join([_("портал"), *named])


# Writing


def _take(
    request: PortalRequest, parent: Ticket | None, products: Sequence[Product]
) -> HttpResponse:
    form = NewTicketForm(
        request.POST, request.FILES, products=products, keeps_files=is_script(request)
    )
    if not form.is_valid():
        return _page(request, parent, form)
    try:
        return _open(request, parent, form)
    except KeyReused as refusal:
        return _offer_again(request, parent, form, refusal.made)
    except ProductUnavailable as refusal:
        form.offer(_products())
        form.add_error("product", str(refusal))
    except FileRefused as refusal:
        form.add_error("attachments", str(refusal))
    except TooManyTickets as refusal:
        form.add_error(None, str(refusal))
    except QuotaReached as refusal:
        form.add_error("attachments" if isinstance(refusal, TooManyBytes) else None, str(refusal))
        return too_often(_page(request, parent, form), refusal)
    return _page(request, parent, form)


def _open(request: PortalRequest, parent: Ticket | None, form: NewTicketForm) -> HttpResponse:
    data = form.cleaned_data
    done = open_once(
        sending=_sending(request, parent, form),
        product=data["product"],
        title=data["title"],
        description=data["description"],
        face=Face.PORTAL,
        parent=parent,
    )
    number = done.made["ticket"]
    _say_what_happened(request, number, data["title"], are_files_kept=done.made["files_kept"])
    return lead(request, redirect("ticket_detail", number))


def _sending(request: PortalRequest, parent: Ticket | None, form: NewTicketForm) -> Sending:
    data = form.cleaned_data
    content = {"product": data["product"].pk, **{n: data[n] for n in ("title", "description")}}
    return read_sending(
        request,
        user=request.user,
        purpose=FORM,
        content=content,
        files=data["attachments"],
        ticket=parent,
    )


def _say_what_happened(
    request: PortalRequest, number: int, title: str, *, are_files_kept: bool
) -> None:
    text = _("Заявка № %(number)s создана. Ответ придёт: %(ways)s.")
    ways = _in_words(_ways(request.user), request.user)
    messages.success(request, text % {"number": number, "ways": ways})
    if not are_files_kept:
        text = _("Файлы сохранить сейчас не удалось. Приложите их к комментарию.")
        messages.warning(request, text)
    is_hinted = bool(request.POST.get("hinted"))
    for other in [] if is_hinted else similar_tickets(request.user, title, but=number)[:1]:
        text = _("Похоже, об этом уже есть открытая заявка: {}")
        link = format_html('<a href="{}">{}</a>', other.get_absolute_url(), other)
        messages.info(request, format_html(text, link))


def _offer_again(
    request: PortalRequest, parent: Ticket | None, form: NewTicketForm, made: Made
) -> HttpResponse:
    """New words under the key of a form that was sent: beside the ticket it made, as a new one."""
    made_before = Ticket.objects.own(request.user).filter(pk=made.get("ticket") or 0).first()
    fresh = NewTicketForm(initial=request.POST.dict(), products=form.products.values())
    had_files = bool(request.FILES) and not is_script(request)
    return _page(request, parent, fresh, made_before=made_before, had_files=had_files)
