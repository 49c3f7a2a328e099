"""«Новая заявка»: an agent writes down what a customer says, who may have no account yet."""

from __future__ import annotations  # ModelAdmin[Any] is generic for the type checker only

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import EmailTaken
from accounts.mailboxes import MailboxField
from accounts.models import Organization, User
from accounts.newcomers import add_customer
from accounts.rights import ADD_PEOPLE
from accounts.security import Origin, origin_of
from desk.canned_picker import ReadyFilesField, let_choose
from desk.invitations import send_invitations
from desk.lists import agent_of, is_number
from desk.ticket_card import refused_field
from tickets.drafts import kept_words, read_browser
from tickets.form_fields import BodyField, FilesField, LineField, TitleField
from tickets.forms import Done, Sending, read_sending
from tickets.models import TITLE_LIMIT, Priority, Product, Ticket
from tickets.on_behalf import open_for_once
from tickets.people import FOUND, TERM_LIMIT, find_people
from tickets.queries import read_number
from tickets.refusals import (
    REFUSALS,
    AssigneeCannotServe,
    KeyReused,
    NotYours,
    ProductUnavailable,
)
from tickets.search import any_spelling, organizations_named
from tickets.text import clean_line

FORM = "called"
NAME_LENGTH = 20  # of a form, as drafts and keys are kept
NEWCOMER = ("email", "first_name", "last_name", "organization")


def urls(tickets: admin.ModelAdmin[Ticket]) -> list[URLPattern]:
    view = tickets.admin_site.admin_view
    return [
        path("new/", view(NewTicket(tickets)), name="tickets_ticket_new"),
        path("new/people/", view(_people), name="tickets_ticket_people"),
        path("new/organizations/", view(_organizations), name="tickets_ticket_organizations"),
    ]


def _people(request: HttpRequest) -> HttpResponse:
    """Whom a few letters may mean: a part of the page while they are typed."""
    _require_agent(request)
    term = request.GET.get("term", "")
    context = {"people": find_people(term), "term": term}
    return TemplateResponse(request, "admin/tickets/ticket/_people.html", context)


def _organizations(request: HttpRequest) -> JsonResponse:
    _require_agent(request)
    return JsonResponse({"names": _names_like(request.GET.get("term", ""))})


def _names_like(term: str) -> list[str]:
    term = clean_line(term[:TERM_LIMIT])
    rows = Organization.objects.filter(pk__in=organizations_named(term)) if term else []
    return [row.name for row in rows][:FOUND]


def _require_agent(request: HttpRequest) -> None:
    if not request.user.has_perm("tickets.change_ticket"):
        raise PermissionDenied


class OrganizationField(LineField):
    """By its name: there are too many to choose from."""

    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        if not name:
            return None
        spelled = any_spelling("name__iexact", name)
        found = Organization.objects.filter(spelled).first()
        if found is None:
            raise ValidationError(self._unknown(name))
        return found

    def _unknown(self, name: str) -> str:
        names = "; ".join(_names_like(name)[:3])
        if names:
            return _("Такой организации нет. Похожие: %(names)s.") % {"names": names}
        return _("Такой организации нет. Оставьте поле пустым или сначала добавьте её.")


class CalledForm(forms.Form):
    term = LineField(
        label=gettext_lazy("Клиент"),
        help_text=gettext_lazy("Имя, телефон, почта, логин, @имя в Telegram или организация"),
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    requester = ModelChoiceField(
        label=gettext_lazy("Клиент"),
        queryset=User.objects.filter(is_active=True),
        required=False,
        widget=forms.HiddenInput,
    )
    email = MailboxField(label=gettext_lazy("Почта"), required=False)
    first_name = LineField(label=gettext_lazy("Имя"), max_length=150, required=False)
    last_name = LineField(label=gettext_lazy("Фамилия"), max_length=150, required=False)
    organization = OrganizationField(
        label=gettext_lazy("Организация"),
        required=False,
        widget=forms.TextInput(attrs={"list": "organizations", "autocomplete": "off"}),
    )
    product = ModelChoiceField(
        label=gettext_lazy("Продукт"),
        queryset=Product.objects.all(),  # one that is off the service refuses
        error_messages={"required": gettext_lazy("Выберите продукт.")},
    )
    priority = forms.ChoiceField(
        label=gettext_lazy("Приоритет"), choices=Priority, initial=Priority.MEDIUM
    )
    title = TitleField(
        label=gettext_lazy("Тема"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": TITLE_LIMIT}),
        error_messages={"required": gettext_lazy("Напишите тему в нескольких словах.")},
    )
    description = BodyField(
        label=gettext_lazy("Описание"),
        help_text=gettext_lazy("Что сказал клиент. Он увидит этот текст."),
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": gettext_lazy("Запишите, что сказал клиент.")},
    )
    attachments = FilesField()
    canned_files = ReadyFilesField()
    fills = forms.BooleanField(
        label=gettext_lazy("Заполнить слова в фигурных скобках"),
        help_text=gettext_lazy(
            "Когда заявка создаётся: {имя}, {номер}, {тема}, {продукт}, {специалист}."
        ),
        required=False,
    )
    takes = forms.BooleanField(label=gettext_lazy("Взять себе"), required=False, initial=True)

    def __init__(self, *args: Any, agent: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        let_choose(agent, self)
        offered = Product.objects.filter(is_active=True)
        choices = [("", _("Выберите продукт")), *((row.pk, str(row)) for row in offered)]
        cast(ModelChoiceField, self.fields["product"]).widget.choices = choices
        if not agent.has_perm(ADD_PEOPLE):
            for name in NEWCOMER:
                del self.fields[name]

    def people(self) -> list[User]:
        """Who is offered: the one chosen, or those of whom the term says something."""
        chosen = str(self["requester"].value() or "")
        if is_number(chosen):
            return list(self._known().filter(pk=chosen))
        return find_people(str(self["term"].value() or ""))

    def _known(self) -> QuerySet[User]:
        return User.objects.filter(is_active=True).select_related("organization")

    @property
    def is_newcomer(self) -> bool:
        return not self.cleaned_data["requester"]

    @property
    def has_newcomer(self) -> bool:
        """Whether something of a new person is typed: the fields stand open then."""
        return any(self[name].value() for name in NEWCOMER if name in self.fields)

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if data.get("requester") and self.has_newcomer:
            self.add_error("term", _("Выберите клиента или впишите нового, не оба сразу."))
        elif "requester" in self.errors:
            self.errors.pop("requester")
            self.add_error("term", _("Этого человека нет, или его вход отключён."))
        elif not data.get("requester"):
            self._require_newcomer(data)
        return data

    def _require_newcomer(self, data: dict[str, Any]) -> None:
        if not self.has_newcomer:
            self.add_error("term", _("Найдите и выберите клиента."))
            return
        if not data.get("email") and "email" not in self.errors:
            self.add_error("email", _("Впишите почту: на неё придут приглашение и ответы."))
        if not data.get("first_name"):
            self.add_error("first_name", _("Впишите имя."))

    def content(self) -> dict[str, Any]:
        data = self.cleaned_data
        rows = ("requester", "organization", "product")  # what is looked for is not what is asked
        plain = ("email", "first_name", "last_name", "priority", "title", "description")
        ticks = ("fills", "takes")
        ids = {name: data[name].pk if data.get(name) else None for name in rows}
        return ids | {name: data.get(name) for name in (*plain, *ticks)}

    def save(self, sending: Sending, origin: Origin) -> Done | None:
        """Open the ticket once; what was refused is said beside its field. Raises KeyReused."""
        data = self.cleaned_data
        try:
            return open_for_once(
                sending=sending,
                find_requester=lambda: self._find_requester(origin),
                product=data["product"],
                title=data["title"],
                description=data["description"],
                priority=Priority(data["priority"]),
                takes=data["takes"],
                fills=data["fills"],
            )
        except KeyReused:
            raise
        except EmailTaken:
            self.add_error("email", _taken(data["email"]))
        except REFUSALS as refusal:
            self.add_error(_refused_field(refusal), str(refusal))
        return None

    def _find_requester(self, origin: Origin) -> User:
        data = self.cleaned_data
        chosen: User | None = data["requester"]
        return chosen or add_customer(**{name: data[name] for name in NEWCOMER}, origin=origin)

    def renew_key(self) -> None:
        self.data = {name: self.data[name] for name in self.data if name != "key"}


def _taken(email: str) -> str:
    known = User.objects.by_email(email).first()
    if known is None or not known.is_active:
        return _("Эта почта принадлежит человеку, чей вход отключён.")
    text = _("Человек с такой почтой уже есть: %(name)s. Найдите его в поле «Клиент».")
    return text % {"name": known}


def _refused_field(refusal: Exception) -> str | None:
    match refusal:
        case ProductUnavailable():
            return "product"
        case NotYours():
            return "term"
        case AssigneeCannotServe():
            return "takes"
    return refused_field(refusal, "description")


class NewTicket:
    """The page; it is called for each request."""

    def __init__(self, tickets: admin.ModelAdmin[Ticket]) -> None:
        self.tickets = tickets

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _require_agent(request)
        if request.method == "POST":
            return self._take(request)
        all_kept = kept_words(agent_of(request), None, read_browser(request.COOKIES))
        kept = all_kept.get(_form_name(request))
        chosen = request.GET.get("requester", "")
        words = {name: text for name, text in (kept.body if kept else {}).items() if text}
        form = CalledForm(initial={"requester": chosen, **words}, agent=agent_of(request))
        return self._page(request, form, kept=kept)

    def _take(self, request: HttpRequest) -> HttpResponse:
        form = CalledForm(request.POST, request.FILES, agent=agent_of(request))
        if "find" in request.POST:
            return self._page(request, self._found(request))
        try:
            done = self._save(request, form) if form.is_valid() else None
        except KeyReused as refusal:
            form.renew_key()
            return self._page(request, form, saved=refusal.made.get("ticket"))
        if done is None:
            return self._page(request, form)
        self._tell(request, form, done)
        card = reverse("admin:tickets_ticket_change", args=[done.made["ticket"]])
        return HttpResponseRedirect(card)

    def _save(self, request: HttpRequest, form: CalledForm) -> Done | None:
        return form.save(_sending(request, form), origin_of(request))

    def _found(self, request: HttpRequest) -> CalledForm:
        """Without the script: all that is typed, with the people found and nobody chosen."""
        typed = {name: value for name, value in request.POST.items() if name != "requester"}
        return CalledForm(initial=typed, agent=agent_of(request))

    def _tell(self, request: HttpRequest, form: CalledForm, done: Done) -> None:
        text = _("Заявка № %(number)d создана, клиент узнает о ней.")
        words = text % {"number": done.made["ticket"]}
        self.tickets.message_user(request, words, messages.SUCCESS)
        if not done.made["files_kept"]:
            text = _("Файлы сейчас не сохраняются: заявка создана без них.")
            self.tickets.message_user(request, text, messages.WARNING)
        if done.is_new and form.is_newcomer:
            person = User.objects.get(pk=done.made["requester"])
            send_invitations(request, [person])

    def _page(self, request: HttpRequest, form: CalledForm, **words: Any) -> TemplateResponse:
        context = {
            **self.tickets.admin_site.each_context(request),
            "title": _("Ошибка: ") * bool(form.errors) + _("Новая заявка"),
            "opts": self.tickets.opts,
            "form": form,
            "form_name": _form_name(request),
            "people": form.people(),
            "chosen": str(form["requester"].value() or ""),
            "limit": TITLE_LIMIT,
            **words,
        }
        return TemplateResponse(request, "admin/tickets/ticket/new.html", context)


def _form_name(request: HttpRequest) -> str:
    """One begun for a person is a draft of its own: what another said stays where it is."""
    person = read_number(request.GET.get("requester", ""))
    return f"{FORM}:{person}"[:NAME_LENGTH] if person else FORM


def _sending(request: HttpRequest, form: CalledForm) -> Sending:
    data = form.cleaned_data
    return read_sending(
        request,
        user=agent_of(request),
        purpose=_form_name(request),
        content=form.content(),
        files=[*data["attachments"], *data["canned_files"]],
    )
