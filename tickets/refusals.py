"""Why a change is refused: a code for programs, and words for people that a face may add to."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.status import TransitionNotAllowed
from tickets.wording import plural


class TicketRefused(Exception):
    """A change that the rules do not allow; subclasses name the reason. `str()` is for people."""

    code: ClassVar[str] = "refused"
    words: ClassVar[Any] = gettext_lazy("Так изменить заявку нельзя.")

    def __str__(self) -> str:
        return str(self.words)


class TextRequired(TicketRefused):
    """Nothing readable was given where something is needed."""

    code = "text_required"
    words = gettext_lazy("Текст не может быть пустым.")


class TextTooLong(TicketRefused):
    code = "text_too_long"

    def __init__(self, length: int, limit: int) -> None:
        self.length, self.limit = length, limit

    def __str__(self) -> str:
        symbols = plural(self.length, "символ", "символа", "символов")
        return _("В тексте %(length)s %(symbols)s, нужно не больше %(limit)s.") % {
            "length": self.length,
            "symbols": symbols,
            "limit": self.limit,
        }


class FileRefused(TicketRefused):
    """A file that is not taken; the text says which and why."""

    code = "file_refused"

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class TooManyFiles(TicketRefused):
    code = "too_many_files"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __str__(self) -> str:
        return _("Можно приложить не больше %(limit)d файлов.") % {"limit": self.limit}


class TooManyTickets(TicketRefused):
    """The requester opened as many tickets within the last hour as a person may."""

    code = "too_many_tickets"
    words = gettext_lazy("За последний час создано слишком много заявок. Попробуйте позже.")


class ProductUnavailable(TicketRefused):
    code = "product_unavailable"
    words = gettext_lazy("Этот продукт больше не доступен. Выберите другой.")


class TicketClosed(TicketRefused):
    code = "ticket_closed"
    words = gettext_lazy("Заявка закрыта.")


class TooLate(TicketRefused):
    """The time for this change has passed."""

    code = "too_late"
    words = gettext_lazy("Время для этого изменения прошло.")


class AlreadyDone(TicketRefused):
    """The ticket is already as asked for: a doubled or stale press."""

    code = "already_done"
    words = gettext_lazy("Это уже сделано.")


class NotYours(TicketRefused):
    """Only the requester may do this, or only an agent."""

    code = "not_yours"
    words = gettext_lazy("У вас нет права на это изменение.")


class KeyReused(TicketRefused):
    """A form that was sent before comes again with other content; `made` is what it did then."""

    code = "key_reused"
    words = gettext_lazy("Эта форма уже отправлена с другим содержанием.")

    def __init__(self, made: dict[str, Any]) -> None:
        self.made = made


class TicketChanged(TicketRefused):
    """Something happened to the ticket after it was shown."""

    code = "ticket_changed"
    words = gettext_lazy(
        "Пока карточка была открыта, заявка изменилась: посмотрите историю ниже. "
        "Ничего не сохранено, ваш текст на месте. Проверьте его и сохраните ещё раз."
    )


class AnswerMissing(TicketRefused):
    """A ticket is to be resolved without a word to the customer; doing it again confirms it."""

    code = "answer_missing"
    words = gettext_lazy(
        "Напишите клиенту, что сделано. Чтобы выполнить заявку без ответа, сохраните ещё раз."
    )


REFUSALS = (TicketRefused, TransitionNotAllowed)
