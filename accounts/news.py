"""Letters about one's own account: which there are, and how they are handed over."""

from collections.abc import Callable
from typing import Any

from django.core import signing
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import EmailChange, SignUp, User

_SALT = "accounts.email_change"
_SIGN_UP_SALT = "accounts.letter_to_sign_up"


class AccountNews(models.TextChoices):
    """Each value is a kind of delivery."""

    EMAIL_CONFIRM = "email_confirm", _("подтверждение новой почты")
    EMAIL_ASKED = "email_asked", _("запрошена смена почты")
    EMAIL_CHANGED = "email_changed", _("почта изменена")
    PASSWORD_CHANGED = "password_changed", _("пароль изменён")
    SECOND_FACTOR_ON = "second_factor_on", _("второй шаг входа включён")
    SECOND_FACTOR_OFF = "second_factor_off", _("второй шаг входа отключён")
    SECOND_FACTOR_RESET = "second_factor_reset", _("второй шаг входа сброшен")
    CODES_RENEWED = "codes_renewed", _("одноразовые коды созданы заново")
    RECOVERY_CODE_USED = "recovery_code_used", _("вход по одноразовому коду")
    PHONE_CHANGED = "phone_changed", _("телефон изменён")
    CONSENT_WITHDRAWN = "consent_withdrawn", _("согласие отозвано")
    UNLINKED = "unlinked", _("мессенджер отвязан")
    EXPORT_READY = "export_ready", _("архив данных готов")
    EXPORT_FAILED = "export_failed", _("архив данных не собран")
    ERASED = "erased", _("данные удалены")
    JOIN_ASKED = "join_asked", _("просят принять в организацию")
    JOINED = "joined", _("принят в организацию")
    JOIN_REFUSED = "join_refused", _("не принят в организацию")
    TOKEN_MADE = "token_made", _("токен API создан")
    SIGN_UP = "sign_up", _("регистрация: подтверждение почты")
    SIGN_UP_KNOWN = "sign_up_known", _("регистрация: аккаунт уже есть")
    WEBHOOK_OFF = "webhook_off", _("вебхук отключён")


NewsTeller = Callable[[AccountNews, User | None, str, dict[str, Any]], object]
_tellers: list[NewsTeller] = []


def tell_account_news_by(teller: NewsTeller) -> None:
    """Called once at start by the app that sends letters: accounts do not know which one it is."""
    _tellers[:] = [teller]


def tell(news: AccountNews, user: User | None, address: str, **data: Any) -> None:
    """Hand over a letter to an address, of a person if known, in the caller's transaction."""
    for teller in _tellers:
        teller(news, user, address, data)


def email_change_token(change: EmailChange) -> str:
    return signing.Signer(salt=_SALT).sign(str(change.pk))


def email_change_of(token: str) -> EmailChange | None:
    """The change a link is about; None when it is forged, or done, withdrawn or replaced."""
    try:
        pk = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return None
    changes = EmailChange.objects.select_related("user").filter(user__is_active=True)
    return changes.filter(pk=pk).first()


def sign_up_token(sign_up: SignUp) -> str:
    return signing.Signer(salt=_SIGN_UP_SALT).sign(str(sign_up.pk))


def sign_up_of(token: str) -> SignUp | None:
    """What a link is about; None when it is forged, or used already."""
    try:
        pk = signing.Signer(salt=_SIGN_UP_SALT).unsign(token)
    except signing.BadSignature:
        return None
    return SignUp.objects.filter(pk=pk).first()
