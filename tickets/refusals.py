"""Why a change is refused: a code for programs, and words for people that a face may add to."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.quotas import QuotaReached
from config.numerals import plural
from tickets.status import TicketStatus, TransitionNotAllowed


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


class TitleTooLong(TextTooLong):
    def __str__(self) -> str:
        symbols = plural(self.length, "символ", "символа", "символов")
        return _("В заголовке %(length)s %(symbols)s, нужно не больше %(limit)s.") % {
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


class TooManyBytes(QuotaReached):
    """The files of this day would be more than a person may send."""

    code = "too_many_bytes"
    words = gettext_lazy(
        "За сутки можно приложить файлов не больше чем на 1 ГБ. "
        "Отправьте текст без файлов: приложить их можно будет через %(wait)s."
    )


class TooManyTestLetters(QuotaReached):
    code = "too_many_test_letters"
    words = gettext_lazy("Пробных писем хватит. Следующее можно отправить через %(wait)s.")


class ProductUnavailable(TicketRefused):
    code = "product_unavailable"
    words = gettext_lazy("Этот продукт больше не доступен. Выберите другой.")


class TicketClosed(TicketRefused):
    code = "ticket_closed"
    words = gettext_lazy("Заявка закрыта.")


class TicketMerged(TicketClosed):
    """What belongs to this ticket goes to the one it was merged into; `into` is its number."""

    code = "ticket_merged"

    def __init__(self, number: int, into: int) -> None:
        self.number, self.into = number, into

    def __str__(self) -> str:
        text = _("Заявка № %(number)d объединена с № %(into)d.")
        return text % {"number": self.number, "into": self.into}


class EndsTooEarly(TicketRefused):
    """An announcement would be over before it begins."""

    code = "ends_too_early"
    words = gettext_lazy("Конец должен быть позже начала.")


class NotRateable(TransitionNotAllowed):
    """Only a resolved ticket is rated, and one that its requester has just closed."""

    code = "not_rateable"

    def __init__(self, status: str) -> None:
        super().__init__(status, TicketStatus.CLOSED)

    def __str__(self) -> str:
        return _("Оценить можно выполненную заявку или ту, которую вы только что закрыли сами.")


class TooLate(TicketRefused):
    """The time for this change has passed."""

    code = "too_late"
    words = gettext_lazy("Время для этого изменения прошло.")


class AlreadyDone(TicketRefused):
    """The ticket is already as asked for: a doubled or stale press."""

    code = "already_done"
    words = gettext_lazy("Это уже сделано.")


class NotYours(TicketRefused):
    """Nothing that this person may do to this ticket."""

    code = "not_yours"
    words = gettext_lazy("У вас нет права на это изменение.")


class NotRequester(NotYours):
    """What colleagues who see a ticket may not do."""

    code = "not_requester"
    words = gettext_lazy("Оценить заявку, вернуть её в работу или закрыть может только инициатор.")


class AssigneeCannotServe(TicketRefused):
    """Whoever has a ticket may see tickets; the person may be the agent who does it, too."""

    code = "assignee_cannot_serve"
    words = gettext_lazy(
        "Исполнителем может быть только сотрудник, который видит заявки и чей вход открыт."
    )


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
        "Пока карточка была открыта, в заявке появилось новое. Ничего не отправлено, ваш текст на "
        "месте. Прочитайте новое и отправьте ещё раз."
    )


class FactsChanged(TicketRefused):
    """Another agent has changed the very value since it was shown."""

    code = "facts_changed"
    words = gettext_lazy(
        "Пока карточка была открыта, это изменил другой специалист. Ничего не сохранено: "
        "посмотрите, что стоит сейчас."
    )


class DetailsChanged(TicketRefused):
    """Somebody else has given the ticket another title or product since it was shown."""

    code = "details_changed"
    words = gettext_lazy(
        "Пока форма была открыта, тему или продукт изменил кто-то другой. Ничего не сохранено. "
        "Проверьте введённое и сохраните ещё раз."
    )


class ChangedInTheList(TicketChanged):
    """The same of one of several tickets that were chosen in a list."""

    words = gettext_lazy("Пока вы выбирали, заявка изменилась. Откройте её и решите заново.")


class ViewRefused(TicketRefused):
    """A saved list is not kept as asked for."""

    code = "view_refused"


class TooManyViews(ViewRefused):
    code = "too_many_views"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __str__(self) -> str:
        return _("Сохранить можно не больше %(limit)d видов. Удалите ненужный.") % {
            "limit": self.limit
        }


class ViewNameTaken(ViewRefused):
    code = "view_name_taken"
    words = gettext_lazy("Вид с таким названием у вас уже есть.")


class ViewKnown(ViewRefused):
    """The same filters are saved under another name."""

    code = "view_known"

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return _("Такой вид у вас уже есть: «%(name)s».") % {"name": self.name}


class SnoozeRefused(TicketRefused):
    code = "snooze_refused"
    words = gettext_lazy("Отложить можно до времени в будущем, не дальше чем на год.")


class NoSuchPerson(TicketRefused):
    code = "no_such_person"
    words = gettext_lazy("Человека с таким логином или почтой нет.")


class MayNotFollow(TicketRefused):
    """Whoever may not see a ticket does not follow it, and its requester hears of it anyway."""

    code = "may_not_follow"
    words = gettext_lazy("Следить могут специалисты и коллеги инициатора, которые видят заявку.")


class AnswerMissing(TicketRefused):
    """An agent is to leave the customer without a word, with this status."""

    code = "answer_missing"
    texts: ClassVar[dict[TicketStatus, Any]] = {
        TicketStatus.WAITING: gettext_lazy("Напишите клиенту, чего вы от него ждёте."),
        TicketStatus.RESOLVED: gettext_lazy("Напишите клиенту, что сделано."),
        TicketStatus.CLOSED: gettext_lazy("Напишите клиенту, почему заявка закрывается."),
    }

    def __init__(self, to: TicketStatus) -> None:
        self.to = to

    def __str__(self) -> str:
        return str(self.texts[self.to])


class VariableUnknown(TicketRefused):
    """A ready answer has words in braces that nothing stands for."""

    code = "variable_unknown"

    def __init__(self, unknown: list[str], known: Sequence[str]) -> None:
        self.unknown, self.known = unknown, known

    def __str__(self) -> str:
        known = ", ".join(f"{{{name}}}" for name in self.known)
        if len(self.unknown) > 1:
            text = _("Таких переменных нет: %(unknown)s. Есть %(known)s.")
        else:
            text = _("Такой переменной нет: %(unknown)s. Есть %(known)s.")
        return text % {"unknown": ", ".join(self.unknown[:5]), "known": known}


class ExportTooSoon(TicketRefused):
    """An archive of these data is less than an hour old."""

    code = "export_too_soon"
    words = gettext_lazy("Архив только что собран. Новый можно собрать через час.")


class DataErased(TicketRefused):
    """The data of this person have been taken out, or are being taken out."""

    code = "data_erased"
    words = gettext_lazy("Данные этого пользователя удалены.")


class AgentNotErased(TicketRefused):
    """Whoever serves, or rules, is not erased before those rights are taken away."""

    code = "agent_not_erased"
    words = gettext_lazy(
        "Это учётная запись специалиста или администратора. Сначала другой администратор снимает с "
        "неё права, потом данные можно удалить."
    )


class TicketsStillOpen(TicketRefused):
    """A person with open tickets is not erased; `numbers` are the oldest of them."""

    code = "tickets_still_open"

    def __init__(self, numbers: list[int], *, more: bool) -> None:
        self.numbers, self.more = numbers, more

    def __str__(self) -> str:
        listed = ", ".join(f"№ {number}" for number in self.numbers)
        if self.more:
            text = _("Есть открытые заявки: %(listed)s и другие. Удалить можно, когда все закрыты.")
        elif len(self.numbers) > 1:
            text = _("Есть открытые заявки: %(listed)s. Удалить данные можно, когда все закрыты.")
        else:
            text = _("Есть открытая заявка: %(listed)s. Удалить данные можно, когда она закрыта.")
        return text % {"listed": listed}


REFUSALS = (TicketRefused, TransitionNotAllowed, QuotaReached)
