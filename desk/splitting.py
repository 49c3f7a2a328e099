"""A customer's message that is about something else becomes a ticket of its own."""

from collections.abc import Sequence

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.lists import DeskAdmin, agent_of
from desk.ticket_around import card_of, page, ticket_of
from tickets.attachments import NewFile
from tickets.form_fields import TitleField
from tickets.forms import Made, once_even_without_files, read_sending
from tickets.models import TITLE_LIMIT, Comment, Product, Ticket
from tickets.recording import agent
from tickets.refusals import REFUSALS, KeyReused
from tickets.refusals_joining import AlreadySplit
from tickets.splitting import files_of, require_splittable, split_comment
from tickets.text import clean_line, cut


class SplitForm(forms.Form):
    title = TitleField(label=gettext_lazy("Тема новой заявки"), max_length=TITLE_LIMIT * 2)
    product = forms.ModelChoiceField(
        label=gettext_lazy("Продукт"), queryset=Product.objects.filter(is_active=True)
    )


def urls(admin: DeskAdmin) -> list[URLPattern]:
    def split(request: HttpRequest, number: int, comment: int) -> HttpResponse:
        return _split(admin, request, ticket_of(admin, request, number), comment)

    view = admin.admin_site.admin_view(split)
    return [path("<int:number>/split/<int:comment>/", view, name="tickets_ticket_split")]


def _split(admin: DeskAdmin, request: HttpRequest, ticket: Ticket, number: int) -> HttpResponse:
    comment = ticket.comments.select_related("author", "ticket").filter(pk=number).first()
    if comment is None:
        raise Http404
    form = _form(request, ticket, comment)
    if request.method == "POST" and form.is_valid():
        return _carry_out(admin, request, ticket, comment, form)
    return _show(admin, request, ticket, comment, form)


def _form(request: HttpRequest, ticket: Ticket, comment: Comment) -> SplitForm:
    if request.method == "POST":
        return SplitForm(request.POST, auto_id="split_%s")
    title = cut(clean_line(comment.body), TITLE_LIMIT)
    return SplitForm(initial={"title": title, "product": ticket.product}, auto_id="split_%s")


def _show(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket, comment: Comment, form: SplitForm
) -> HttpResponse:
    refusal = ""
    try:
        require_splittable(comment)
    except REFUSALS as refused:
        refusal = str(refused)
    title = _("Выделить сообщение в новую заявку")
    files = comment.attachments.all()
    return page(
        admin, request, ticket, "split",
        title=title, comment=comment, files=files, form=form, refusal=refusal,
    )  # fmt: skip


def _carry_out(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket, comment: Comment, form: SplitForm
) -> HttpResponse:
    user, title = agent_of(request), form.cleaned_data["title"]
    product, files = form.cleaned_data["product"], files_of(comment)

    def act(stored: Sequence[NewFile]) -> Made:
        made = split_comment(
            comment=comment, product=product, title=title, actor=agent(user), files=stored
        )
        return {"ticket": made.pk, "files_kept": len(stored) == len(files)}

    content = {"comment": comment.pk, "title": title, "product": product.pk}
    sending = read_sending(
        request, user=user, purpose="split", content=content, files=files, ticket=ticket
    )
    try:
        made = once_even_without_files(sending, act).made
    except (AlreadySplit, KeyReused):
        comment.refresh_from_db()
        return _show(admin, request, ticket, comment, form)
    except REFUSALS as refusal:
        form.add_error(None, str(refusal))
        return _show(admin, request, ticket, comment, form)
    if not made["files_kept"]:
        messages.warning(request, _("Файлы скопировать не удалось: они остались в прежней заявке."))
    messages.success(request, _("Сообщение выделено в эту заявку. Клиент узнает её номер."))
    return redirect(card_of(Ticket(pk=made["ticket"]), request))
