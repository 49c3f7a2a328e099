"""Why tickets are not joined or taken apart: merged, put under an incident, split, linked."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.refusals import AlreadyDone, TicketRefused


class MergeRefused(TicketRefused):
    """Two tickets that cannot be merged; subclasses name the reason."""

    code = "merge_refused"


class MergedWithItself(MergeRefused):
    code = "merged_with_itself"
    words = gettext_lazy("Заявку нельзя объединить с самой собой.")


class MergeTargetClosed(MergeRefused):
    code = "merge_target_closed"

    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        text = _("Заявка № %(number)d закрыта. Объединить можно только с открытой.")
        return text % {"number": self.number}


class StrangersNotMerged(MergeRefused):
    """Words of one person would come before the eyes of another who may not see them."""

    code = "strangers_not_merged"
    words = gettext_lazy(
        "Объединить можно заявки одного инициатора или сотрудников одной организации, если она "
        "открыла заявки всем своим сотрудникам."
    )


class ColleaguesWouldRead(MergeRefused):
    """Words of a ticket that an organization does not share would come before its people."""

    code = "colleagues_would_read"
    words = gettext_lazy(
        "Заявка создана не в этой организации, и её прочли бы все сотрудники: объединить нельзя."
    )


class IncidentNotMerged(MergeRefused):
    code = "incident_not_merged"
    words = gettext_lazy(
        "Эта заявка — инцидент с другими заявками. Объедините с ней, а не её саму."
    )


class AlreadyInIncident(TicketRefused):
    """The ticket is under another incident; `incident` is its number."""

    code = "already_in_incident"

    def __init__(self, incident: int) -> None:
        self.incident = incident

    def __str__(self) -> str:
        return _("Заявка уже в инциденте № %(number)d.") % {"number": self.incident}


class IncidentNested(TicketRefused):
    code = "incident_nested"
    words = gettext_lazy("Инцидент нельзя поместить в инцидент.")


class IncidentEmpty(TicketRefused):
    """There is no open ticket under the incident."""

    code = "incident_empty"
    words = gettext_lazy("В инциденте нет открытых заявок: отвечать некому.")


class NotSplittable(TicketRefused):
    code = "not_splittable"
    words = gettext_lazy("Выделить можно только сообщение клиента.")


class AlreadySplit(TicketRefused):
    """The comment has become a ticket before; `into` is its number."""

    code = "already_split"

    def __init__(self, into: int) -> None:
        self.into = into

    def __str__(self) -> str:
        return _("Это сообщение уже выделено в заявку № %(number)d.") % {"number": self.into}


class NoSuchTicket(TicketRefused):
    code = "no_such_ticket"

    def __init__(self, number: object) -> None:
        self.number = number

    def __str__(self) -> str:
        if not self.number:
            return _("Впишите номер заявки.")
        return _("Заявки № %(number)s нет.") % {"number": self.number}


class LinkedToItself(TicketRefused):
    code = "linked_to_itself"
    words = gettext_lazy("Связать заявку с ней самой нельзя.")


class AlreadyLinked(AlreadyDone):
    code = "already_linked"
    words = gettext_lazy("Эти заявки уже связаны.")
