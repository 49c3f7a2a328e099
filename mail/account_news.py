"""What the templates of letters about a person's own account are given."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiToken, EmailChange, JoinRequest, Organization, SignUp
from accounts.news import AccountNews, email_change_token, sign_up_token
from tickets.channels import Cancelled
from tickets.models import Delivery


def account_context(delivery: Delivery) -> dict[str, Any]:
    """What a letter needs that no row may hold: a link, a name of another. Raises Cancelled."""
    kind = delivery.kind
    if kind == AccountNews.EMAIL_CONFIRM:
        return _email_change(delivery)
    if kind == AccountNews.SIGN_UP:
        return _sign_up(delivery)
    if kind == AccountNews.JOIN_ASKED:
        return {"request": _join_request(delivery)}
    if kind in (AccountNews.JOINED, AccountNews.JOIN_REFUSED):
        number = delivery.data["organization"]
        return {"organization": Organization.objects.filter(pk=number).first()}
    if kind == AccountNews.TOKEN_MADE:
        return _token(delivery)
    return {}


def _email_change(delivery: Delivery) -> dict[str, Any]:
    change = EmailChange.objects.filter(pk=delivery.data["change"], email=delivery.address).first()
    if change is None:
        raise Cancelled(_("смена почты подтверждена, отменена или заменена другой"))
    page = reverse("email_confirm", args=[email_change_token(change)])
    return {"change": change, "confirm_url": f"{settings.PORTAL_URL}{page}"}


def _sign_up(delivery: Delivery) -> dict[str, Any]:
    asked = SignUp.objects.filter(pk=delivery.data["sign_up"], email=delivery.address).first()
    if asked is None or asked.has_expired(timezone.now()) or not settings.SIGN_UP:
        raise Cancelled(_("регистрация закончена, или её срок истёк"))
    page = reverse("sign_up_confirm", args=[sign_up_token(asked)])
    return {"confirm_url": f"{settings.PORTAL_URL}{page}"}


def _join_request(delivery: Delivery) -> JoinRequest:
    """For who still decides: administrators may have changed since."""
    asked = JoinRequest.objects.select_related("user", "organization")
    found = asked.filter(pk=delivery.data["request"]).first()
    reader = delivery.recipient
    if found is None or reader is None or not reader.is_organization_administrator:
        raise Cancelled(_("решать больше нечего"))
    if reader.organization_id != found.organization_id:
        raise Cancelled(_("решать больше нечего"))
    return found


def _token(delivery: Delivery) -> dict[str, Any]:
    """With the page where it can be revoked: agents have theirs at the desk."""
    tokens = ApiToken.objects.select_related("user", "organization")
    token = tokens.filter(pk=delivery.data["token"]).first()
    if token is None:
        raise Cancelled(_("токена больше нет"))
    is_agents = token.user is not None and token.user.is_staff
    page = reverse("admin:own_tokens" if is_agents else "integrations")
    return {"token": token, "tokens_url": f"{settings.PORTAL_URL}{page}"}
