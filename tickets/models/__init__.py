"""The tables of the help desk, a file for each story."""

from tickets.models.deliveries import (
    Delivery,
    Lease,
)
from tickets.models.desk import (
    Announcement,
    CannedAnswer,
    CannedAnswerQuerySet,
    CannedFile,
    Presence,
    SavedView,
    TicketLink,
)
from tickets.models.incidents import IncidentAnswer, IncidentAnswerPart, IncidentFile
from tickets.models.products import (
    Priority,
    Product,
    Target,
)
from tickets.models.readers import (
    RIGHT,
    Follower,
    FollowerQuerySet,
    NoticePreference,
    TicketRead,
    serving,
)
from tickets.models.sent_forms import (
    Draft,
    FormKey,
)
from tickets.models.tickets import (
    AWAITING,
    CUSTOMER_ANSWERED,
    NEWEST_CHANGE,
    TEXT_LIMIT,
    TITLE_LIMIT,
    Face,
    Ticket,
    TicketQuerySet,
)
from tickets.models.words import (
    ATTACHMENTS,
    Attachment,
    Comment,
    CommentQuerySet,
    TicketEvent,
    attachment_path,
)

__all__ = [
    "RIGHT",
    "serving",
    "TicketLink",
    "SavedView",
    "Presence",
    "CannedFile",
    "CannedAnswerQuerySet",
    "CannedAnswer",
    "Announcement",
    "ATTACHMENTS",
    "AWAITING",
    "CUSTOMER_ANSWERED",
    "Attachment",
    "Comment",
    "CommentQuerySet",
    "Delivery",
    "Draft",
    "Face",
    "Follower",
    "IncidentAnswer",
    "IncidentAnswerPart",
    "IncidentFile",
    "FollowerQuerySet",
    "FormKey",
    "Lease",
    "NEWEST_CHANGE",
    "NoticePreference",
    "Priority",
    "Product",
    "TEXT_LIMIT",
    "TITLE_LIMIT",
    "Target",
    "Ticket",
    "TicketEvent",
    "TicketQuerySet",
    "TicketRead",
    "attachment_path",
]
