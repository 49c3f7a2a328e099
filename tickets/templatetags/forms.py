"""What every form that writes carries, and how words that were kept are shown beside it."""

from typing import Any
from uuid import uuid4

from django import template
from django.forms import BaseForm
from django.template import RequestContext

from tickets.drafts import Kept, Mark, fields_of
from tickets.forms import read_key
from tickets.models import Ticket

register = template.Library()


@register.inclusion_tag("forms/_hidden.html", takes_context=True)
def form_key(
    context: RequestContext,
    purpose: str,
    ticket: Ticket | None = None,
    form: BaseForm | None = None,
) -> dict[str, Any]:
    """The key of a form, the same one when it comes back with errors, and whose it is."""
    request = context["request"]
    posted = read_key(form.data.get("key", "")) if form is not None else None
    mark = Mark(request.user.pk, purpose, ticket.pk if ticket else None)
    return {
        "key": posted or uuid4(),
        "mark": mark,
        "names": " ".join(fields_of(purpose)),
    }


@register.inclusion_tag("forms/_kept.html", takes_context=True)
def kept_words(
    context: RequestContext, kept: Kept | None, ticket: Ticket | None = None
) -> dict[str, Any]:
    """Where the words in a form come from, and the way to be rid of them."""
    request = context["request"]
    return {
        "kept": kept,
        "mark": Mark(request.user.pk, kept.form, ticket.pk if ticket else None) if kept else None,
        "csrf_token": context.get("csrf_token"),
        # A form that came back under an address of its own: leads to the page it stands on
        "back": request.get_full_path(),
    }
