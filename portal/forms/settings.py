"""What a person sets for themselves: name, time zone, and what is told where."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.names import check_name
from accounts.time_zones import zone_choices
from tickets.form_fields import LineField
from tickets.models import NoticePreference
from tickets.preferences import STAFF_TOPICS, Choice

Topic = NoticePreference.Topic

ABOUT = {
    Topic.ANSWERS: _("Что пишет специалист, с файлами"),
    Topic.STATUS: _("О выполнении сообщим в любом случае: если не сюда, то письмом"),
    Topic.DETAILS: _("Важность изменили, назначили специалиста"),
    Topic.COLLEAGUES: _("В ваших заявках и в тех, за которыми вы следите"),
    Topic.REMINDERS: _("Выполненная заявка без оценки скоро закроется сама"),
    Topic.STAFF_FREE: _("И всё, что в них происходит, пока их никто не взял"),
    Topic.STAFF_OWN: _("Назначили или передали, клиент ответил, вернул или закрыл"),
    Topic.STAFF_DUE: _("Осталась пятая часть времени, или срок прошёл"),
}


class NameField(LineField):
    def __init__(self, *, label: Any, missing: Any, autocomplete: str) -> None:
        super().__init__(
            label=label,
            max_length=150,
            validators=[check_name],
            error_messages={"required": missing},
            widget=forms.TextInput(attrs={"autocomplete": autocomplete}),
        )


def first_name() -> NameField:
    return NameField(label=_("Имя"), missing=_("Введите имя."), autocomplete="given-name")


def last_name() -> NameField:
    return NameField(label=_("Фамилия"), missing=_("Введите фамилию."), autocomplete="family-name")


class ProfileForm(forms.Form):
    first_name = first_name()
    last_name = last_name()
    time_zone = forms.ChoiceField(
        label=_("Часовой пояс"),
        help_text=_("В нём показываем время на портале, в боте и в письмах."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        default = [("", _("Как на портале"))]
        self.fields["time_zone"].choices = default + zone_choices()  # type: ignore[attr-defined]


class NotificationsForm(forms.Form):
    """Two marks for each topic: into the chat, by mail."""

    def __init__(
        self, *args: Any, choices: dict[Topic, Choice], is_agent: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.choices = choices
        self.topics = [topic for topic in Topic if is_agent or topic not in STAFF_TOPICS]
        for topic in self.topics:
            for way, is_on in (("chat", choices[topic].by_chat), ("mail", choices[topic].by_mail)):
                if way == "chat" or not _has_shared_mail(topic):
                    field = forms.BooleanField(required=False, initial=is_on)
                    self.fields[f"{topic}_{way}"] = field

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "topic": topic,
                "about": ABOUT[topic],
                "is_of_agents": topic in STAFF_TOPICS,
                "chat": self[f"{topic}_chat"],
                "mail": None if _has_shared_mail(topic) else self[f"{topic}_mail"],
                "shared_mail": settings.STAFF_EMAIL if _has_shared_mail(topic) else "",
            }
            for topic in self.topics
        ]

    def chosen(self) -> dict[Topic, Choice]:
        data = self.cleaned_data
        return {
            topic: Choice(
                data[f"{topic}_chat"], data.get(f"{topic}_mail", self.choices[topic].by_mail)
            )
            for topic in self.topics
        }


def _has_shared_mail(topic: Topic) -> bool:
    """Where the desk has an address of its own, letters about what nobody has go there."""
    return topic == Topic.STAFF_FREE and bool(settings.STAFF_EMAIL)
