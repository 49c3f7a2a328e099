"""Who a person is: the tables, a file for each story."""

from accounts.models.messengers import (
    PIN_LIFETIME,
    BotRegistration,
    LinkPin,
    MessengerAccount,
    MessengerAccountQuerySet,
)
from accounts.models.people import (
    INVITATION_LIFETIME,
    SIGN_UP_LIFETIME,
    Invitation,
    JoinRequest,
    Organization,
    OrganizationRole,
    SignUp,
    User,
    UserManager,
)
from accounts.models.personal_data import (
    DataExport,
    Erasure,
)
from accounts.models.security import (
    EMAIL_CHANGE_LIFETIME,
    EmailChange,
    RecoveryCode,
    SecurityEvent,
    Session,
    Usage,
)
from accounts.models.tokens import ApiToken, Scope, TokenState

__all__ = [
    "ApiToken",
    "BotRegistration",
    "DataExport",
    "EMAIL_CHANGE_LIFETIME",
    "EmailChange",
    "Erasure",
    "INVITATION_LIFETIME",
    "Invitation",
    "JoinRequest",
    "LinkPin",
    "MessengerAccount",
    "MessengerAccountQuerySet",
    "Organization",
    "OrganizationRole",
    "PIN_LIFETIME",
    "RecoveryCode",
    "SIGN_UP_LIFETIME",
    "Scope",
    "SecurityEvent",
    "Session",
    "SignUp",
    "TokenState",
    "Usage",
    "TokenState",
    "User",
    "UserManager",
]
