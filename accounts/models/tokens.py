"""What programs come in with."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User


class Scope(models.TextChoices):
    READ = "tickets:read", _("читать заявки")
    WRITE = "tickets:write", _("создавать заявки и отвечать")
    DESK = "desk", _("работать с заявками как специалист")


class TokenState(models.TextChoices):
    IN_FORCE = "in_force", _("действует")
    EXPIRED = "expired", _("истёк")
    REVOKED = "revoked", _("отозван")


class ApiToken(models.Model):
    """A key of a person's program, or of an organization's: the key itself is kept nowhere."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="api_tokens",
        verbose_name=_("пользователь"),
    )  # fmt: skip
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="api_tokens",
        verbose_name=_("организация"),
    )  # fmt: skip
    made_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("кто создал")
    )
    name = models.CharField(_("название"), max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256, hexadecimal
    prefix = models.CharField(_("начинается с"), max_length=12, editable=False)
    scopes = models.JSONField(_("права"), default=list)  # values of Scope
    created_at = models.DateTimeField(_("создан"), default=timezone.now)
    expires_at = models.DateTimeField(_("действует до"))
    used_at = models.DateTimeField(_("использован"), null=True)
    revoked_at = models.DateTimeField(_("отозван"), null=True)

    class Meta:
        verbose_name = _("токен API")
        verbose_name_plural = _("токены API")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user=None, organization__isnull=False)
                | Q(user__isnull=False, organization=None),
                name="api_token_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> "TokenState":
        if self.revoked_at:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at <= timezone.now() else TokenState.IN_FORCE

    @property
    def scope_labels(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]
