"""Fields as strict as JSON: a number is no text, and a text is kept as the services keep it."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from tickets.attachments import MAX_FILES, NewFile
from tickets.recording import clean_body, clean_title
from tickets.refusals import TextRequired, TextTooLong
from tickets.text import clean_text

LARGEST_NUMBER = 10**18 - 1  # as `read_number` has it: a larger one fits no row


class Moment(serializers.DateTimeField):
    """RFC 3339, in UTC whoever asks."""

    def __init__(self, **given: Any) -> None:
        super().__init__(default_timezone=UTC, **given)


class Text(serializers.CharField):
    """A text of JSON; what a subclass takes out of it may be refused by the domain."""

    default_error_messages: ClassVar = {"invalid": _("Нужна строка.")}

    def __init__(self, **given: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **given)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        found = super().run_validation(data)
        try:
            return self.clean(found) if isinstance(found, str) else found
        except (TextRequired, TextTooLong) as refusal:
            raise serializers.ValidationError(str(refusal), code=refusal.code) from None

    def clean(self, text: str) -> str:
        """Raises TextRequired or TextTooLong."""
        return text

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class TitleText(Text):
    def clean(self, text: str) -> str:
        return clean_title(text)


class BodyText(Text):
    def clean(self, text: str) -> str:
        return clean_body(text)


class Words(Text):
    """A text that may be left out or empty."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"required": False, "default": "", **given})

    def clean(self, text: str) -> str:
        return clean_body(text) if clean_text(text) else ""


class Number(serializers.IntegerField):
    default_error_messages: ClassVar = {"invalid": _("Нужно целое число.")}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(data)


class Identifier(Number):
    """The id of a row."""

    def __init__(self, **given: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_NUMBER, **given)


class Truth(serializers.BooleanField):
    """In a form, which has texts only, `true` or `false`."""

    default_error_messages: ClassVar = {"invalid": _("Нужно true или false.")}

    def to_internal_value(self, data: Any) -> bool:
        found = {"true": True, "false": False}.get(data) if isinstance(data, str) else data
        if not isinstance(found, bool):
            self.fail("invalid", input=data)
        return bool(found)


class Choice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Files(serializers.ListField):
    """Parts of a form with files, one or more."""

    default_error_messages: ClassVar = {
        "min_length": _("Нужен хотя бы один файл."),
        "max_length": _("Можно приложить не больше {max_length} файлов."),
    }

    def __init__(self, **given: Any) -> None:
        child = serializers.FileField(allow_empty_file=True)  # the domain says what is wrong
        super().__init__(child=child, min_length=1, max_length=MAX_FILES, **given)

    def to_internal_value(self, data: Any) -> list[NewFile]:
        uploads = super().to_internal_value(data)
        return [
            NewFile(upload.name or "", upload.size or 0, upload.content_type or "", upload)
            for upload in uploads
        ]


class Form(serializers.Serializer):
    """A body; a key it does not know, or that is not this caller's to set, is named."""

    of_organizations = ("on_behalf_of",)  # needed from their programs, unknown to others
    of_agents: tuple[str, ...] = ()

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()
        caller = self.context.get("caller")
        for name in self.of_organizations if caller else ():
            if name in fields and caller.organization:
                fields[name].required = True
            else:
                fields.pop(name, None)
        for name in self.of_agents if caller and not caller.serves else ():
            fields.pop(name, None)
        return fields

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        found: dict[str, Any] = {}
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = dict(error.detail)
        for name in data if isinstance(data, Mapping) else ():
            if name not in self.fields:
                words = _("Такого ключа здесь нет, или его нельзя задать.")
                errors[name] = [serializers.ErrorDetail(words, code="unknown")]
            elif isinstance(data, MultiValueDict) and self._is_repeated(name, data):
                errors[name] = [serializers.ErrorDetail(_("Ключ указан дважды."), code="repeated")]
        if errors:
            raise serializers.ValidationError(errors)
        return found

    def _is_repeated(self, name: str, data: MultiValueDict[str, Any]) -> bool:
        return not isinstance(self.fields[name], Files) and len(data.getlist(name)) > 1
