"""Forms that put nothing back over what others have saved since they were shown."""

from __future__ import annotations  # ModelForm[Any] is generic for the type checker only

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

CHANGED_MEANWHILE = gettext_lazy(
    "Пока форма была открыта, эти данные изменил кто-то другой. Ничего не сохранено, введённое "
    "вами на месте. Проверьте его и сохраните ещё раз."
)


class UnchangedForm(forms.ModelForm):
    """Refuses to put back what it showed over what others have saved since."""

    def shown_now(self) -> str:
        """A mark of the values in the database, which goes along with the form."""
        names = [name for name, field in self.fields.items() if not field.disabled]
        values = {name: _plain(self.initial.get(name)) for name in sorted(names)}
        about = (self.instance._meta.label, self.instance.pk, values)
        return salted_hmac("desk.lists", repr(about)).hexdigest()

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if not constant_time_compare(self.data.get("shown", ""), self.shown_now()):
            _tell_saved(self)
            raise ValidationError(CHANGED_MEANWHILE, code="changed")
        return data


class UnchangedRowForm(forms.ModelForm):
    """The same in a row of a list, where what was left alone is not written at all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True
            field.widget.attrs.setdefault("aria-label", f"{field.label}: {self.instance}")

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        typed = self.changed_data  # against what was shown, not against the database
        now = {name: value for name, value in self.initial.items() if name in self.fields}
        shown = {name: self.data.get(self[name].html_initial_name) for name in now}
        if typed and any(shown[name] != str(now[name]) for name in now):
            self._show(now, typed)
            raise ValidationError(CHANGED_MEANWHILE, code="changed")
        return data

    def _show(self, now: dict[str, Any], typed: list[str]) -> None:
        """Go on from the values of the database, with what was typed on top of them."""
        bounds = {name: self[name] for name in now}
        data = {name: self.data[name] for name in self.data} | {
            bounds[name].html_initial_name: now[name] for name in now
        }
        fresh = {bounds[name].html_name: now[name] for name in now if name not in typed}
        self.data = QueryDict(mutable=True)
        self.data.update(data | fresh)
        _tell_saved(self)


def _tell_saved(form: forms.ModelForm[Any]) -> None:
    """Say beside each field what the database holds instead of what the form says."""
    for name in form.changed_data:
        value = form.initial.get(name)
        if name in form.fields and name in form.initial and not isinstance(value, list):
            shown = getattr(form.instance, name, value)
            words = _("да") if shown is True else _("нет") if shown is False else shown
            text = _("Сейчас сохранено: %(value)s.") % {
                "value": "—" if words in (None, "") else words
            }
            form.add_error(name, text)


def _plain(value: Any) -> Any:
    """An initial value as the same text each time, whatever its order in the database."""
    return sorted(row.pk for row in value) if isinstance(value, list) else str(value)
