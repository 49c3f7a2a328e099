"""Forms of the admin that act once, however often their page is sent."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from tickets.attachments import NewFile
from tickets.forms import Made, Sending, fingerprint, once, read_key
from tickets.refusals import KeyReused

SAVED_BEFORE = gettext_lazy(
    "Эта форма уже сохранена. Новое ещё не сохранено, введённое на месте: чтобы добавить ещё одну "
    "запись, сохраните ещё раз."
)


SAVED_MARK = "desk.saved_before"
UNTYPED = {"csrfmiddlewaretoken", "key"}


class SavedBeforeForm(forms.ModelForm):
    """Comes back with its words and a new key."""

    is_saved_before = True

    def clean(self) -> None:
        super().clean()
        raise ValidationError(SAVED_BEFORE, code="saved")


class NotSaved(Exception):
    """The form came back instead of being carried out."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class OnceAdmin(admin.ModelAdmin):
    """A press that comes twice, or after an answer that was lost, leads to what the first made."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        def save(_files: object = ()) -> Made:
            response = show()
            if response.status_code != 302:
                raise NotSaved(response)
            return {"to": response["Location"]}

        def show() -> Any:
            return super(OnceAdmin, self).changeform_view(
                request, object_id, form_url, extra_context
            )

        if request.method != "POST" or IS_POPUP_VAR in request.POST:
            return show()
        try:
            done = once(_sending(request, object_id), save)
        except NotSaved as form:
            return form.response
        except KeyReused:
            request.META[SAVED_MARK] = object_id is None  # a change is held against what is saved
            return show()
        if not done.is_new:  # the answer to the first press was lost, or it came twice
            text = _("Эта форма уже сохранена, второй раз ничего не записано.")
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(done.made["to"])

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if not request.META.get(SAVED_MARK):
            return form
        return type(form)(form.__name__, (SavedBeforeForm, form), {})


def _sending(request: HttpRequest, object_id: str | None) -> Sending:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    typed = {name: values for name, values in request.POST.lists() if name not in UNTYPED}
    files = [
        NewFile(file.name or "", file.size or 0, "", file)
        for name in sorted(request.FILES)
        for file in request.FILES.getlist(name)
    ]
    return Sending(
        user=request.user,
        purpose="desk",
        key=read_key(request.POST.get("key", "")),
        fingerprint=fingerprint({"at": request.path, "typed": typed}, files),
    )
