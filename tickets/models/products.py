"""What tickets are about, and how soon they are answered and solved."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Priority(models.TextChoices):
    CRITICAL = "critical", _("Критический")
    HIGH = "high", _("Высокий")
    MEDIUM = "medium", _("Средний")
    LOW = "low", _("Низкий")


class Product(models.Model):
    name = models.CharField(_("название"), max_length=60, unique=True)
    icon = models.CharField(_("значок"), max_length=8, blank=True)
    position = models.PositiveSmallIntegerField(_("порядок"), default=0)
    is_active = models.BooleanField(_("доступен для новых заявок"), default=True)

    class Meta:
        verbose_name = _("продукт")
        verbose_name_plural = _("продукты")
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Target(models.Model):
    """How soon tickets of a priority are answered and solved; of one product, or of all."""

    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, blank=True, related_name="targets",
        verbose_name=_("продукт"), help_text=_("Пусто — для всех продуктов без своих сроков."),
    )  # fmt: skip
    priority = models.CharField(_("приоритет"), max_length=10, choices=Priority)
    answer_minutes = models.PositiveIntegerField(
        _("первый ответ, минут"), validators=[MinValueValidator(1)]
    )
    solution_minutes = models.PositiveIntegerField(
        _("решение, минут"), validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("срок")
        verbose_name_plural = _("сроки")
        ordering: ClassVar = ["product", "priority"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "priority"],
                name="one_target_of_product",
                violation_error_message=_("Срок для этого продукта и приоритета уже есть."),
            ),
            models.UniqueConstraint(
                fields=["priority"],
                condition=Q(product=None),
                name="one_target_of_all",
                violation_error_message=_("Общий срок для этого приоритета уже есть."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product or _('все продукты')}: {self.get_priority_display()}"
