"""«Новый клиент» and «Новый специалист»: a person with what they need, who is invited at once."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import EmailTaken, IdentityRefused
from accounts.mailboxes import MailboxField
from accounts.models import Organization, User
from accounts.newcomers import add_agent, add_customer
from accounts.rights import MANAGE_STAFF, roles_to_give
from accounts.security import origin_of
from desk.invitations import send_invitations
from desk.lists import DeskSelect, agent_of, is_number
from tickets.attachments import NewFile
from tickets.form_fields import LineField
from tickets.forms import Made, once, read_sending
from tickets.refusals import KeyReused

FIRST_ROLE = "Специалист поддержки"
ADD_ORGANIZATION = "accounts.add_organization"


class OrganizationExists(IdentityRefused):
    code = "organization_exists"

    def __str__(self) -> str:
        return _("Такая организация уже есть: выберите её в списке.")


class NewPersonForm(forms.Form):
    email = MailboxField(label=gettext_lazy("Почта"), help_text=gettext_lazy("Сюда придёт письмо."))
    first_name = LineField(label=gettext_lazy("Имя"), max_length=150)
    last_name = LineField(label=gettext_lazy("Фамилия"), max_length=150, required=False)

    def names(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("email", "first_name", "last_name")}


class NewClientForm(NewPersonForm):
    organization = forms.ModelChoiceField(
        Organization.objects.all(),
        label=gettext_lazy("Организация"),
        required=False,
        help_text=gettext_lazy("Можно оставить пустой."),
    )
    new_organization = LineField(
        label=gettext_lazy("Новая организация"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Если её ещё нет в списке: название, она будет создана."),
    )

    def __init__(self, actor: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["organization"]
        field.widget = DeskSelect(User._meta.get_field("organization"), admin.site)
        field.widget.choices = field.choices
        if not actor.has_perm(ADD_ORGANIZATION):
            del self.fields["new_organization"]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if data.get("organization") and data.get("new_organization"):
            self.add_error("new_organization", _("Выберите одно: организацию из списка или новую."))
        return data

    def content(self) -> dict[str, Any]:
        chosen = self.cleaned_data["organization"]
        new = self.cleaned_data.get("new_organization", "")
        return {**self.names(), "organization": chosen and chosen.pk, "new_organization": new}

    def save(self, request: HttpRequest) -> User:
        organization = self.cleaned_data["organization"]
        if name := self.cleaned_data.get("new_organization"):
            if Organization.objects.filter(name__iexact=name).exists():
                raise OrganizationExists
            organization = Organization.objects.create(name=name)
        origin = origin_of(request)
        return add_customer(**self.names(), organization=organization, origin=origin)


class NewAgentForm(NewPersonForm):
    role = forms.ModelChoiceField(
        Group.objects.none(),
        label=gettext_lazy("Роль"),
        empty_label=None,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Что человек сможет делать. Позже роль можно сменить."),
    )

    def __init__(self, actor: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = roles_to_give(actor)
        self.fields["role"].queryset = roles  # type: ignore[attr-defined]  # a field of rows
        self.fields["role"].initial = roles.filter(name=FIRST_ROLE).first()

    def content(self) -> dict[str, Any]:
        return {**self.names(), "role": self.cleaned_data["role"].pk}

    def save(self, request: HttpRequest) -> User:
        role = self.cleaned_data["role"]
        return add_agent(**self.names(), role=role, origin=origin_of(request))


NewForm = NewClientForm | NewAgentForm


class NewPeoplePages(admin.ModelAdmin):
    """Two pages that stand beside the list of people."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("new-client/", view(self.new_client_view), name="accounts_user_new_client"),
            path("new-agent/", view(self.new_agent_view), name="accounts_user_new_agent"),
            *super().get_urls(),
        ]

    def new_client_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = request.GET.get("organization", "")
        initial = {"organization": asked} if is_number(asked) else {}
        title = _("Новый клиент")
        return self._new(request, NewClientForm, "new_client", title=title, initial=initial)

    def new_agent_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request) or not request.user.has_perm(MANAGE_STAFF):
            raise PermissionDenied
        title = _("Новый специалист")
        return self._new(request, NewAgentForm, "new_agent", title=title, initial={})

    def _new(
        self,
        request: HttpRequest,
        form_class: "Callable[..., NewForm]",
        purpose: str,
        *,
        title: str,
        initial: dict[str, Any],
    ) -> HttpResponse:
        actor = agent_of(request)
        form = form_class(actor, request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                return self._make(request, form, purpose)
            except KeyReused as refusal:
                _offer_as_new(form, User.objects.filter(pk=refusal.made["user"]).first())
            except IdentityRefused as refusal:
                _say_beside(form, refusal)
        context = {"form": form, "purpose": purpose, "title": title, "opts": self.opts}
        context |= self.admin_site.each_context(request)
        return TemplateResponse(request, "admin/accounts/user/new.html", context)

    def _make(self, request: HttpRequest, form: NewForm, purpose: str) -> HttpResponse:
        """Once, however often the form comes; the invitation follows the first time."""
        actor = agent_of(request)

        def act(_files: Sequence[NewFile]) -> Made:
            person = form.save(request)
            self.log_addition(request, person, [{"added": {}}])
            return {"user": person.pk}

        sending = read_sending(request, user=actor, purpose=purpose, content=form.content())
        done = once(sending, act)
        if done.is_new:
            send_invitations(request, [User.objects.get(pk=done.made["user"])])
        return redirect("admin:accounts_user_change", done.made["user"])


FIELDS = {"organization_exists": "new_organization"}


def _say_beside(form: NewForm, refusal: IdentityRefused) -> None:
    known = User.objects.by_email(form.cleaned_data["email"]).first()
    if refusal.code == EmailTaken.code and known:
        text = _("Такой человек уже есть: {}. Приглашение отправляют ещё раз на его странице.")
        page = reverse("admin:accounts_user_change", args=[known.pk])
        words = format_html(text, format_html('<a href="{}">{}</a>', page, known))
        form.add_error("email", ValidationError(words))
        return
    form.add_error(FIELDS.get(refusal.code), str(refusal))


def _offer_as_new(form: NewForm, made: User | None) -> None:
    """The words stay in the form, under a key of their own."""
    text = _("По этой форме уже добавлен %(person)s. Чтобы добавить ещё и этого, отправьте снова.")
    form.add_error(None, text % {"person": made or "—"})
    form.data = {name: value for name, value in form.data.items() if name != "key"}
