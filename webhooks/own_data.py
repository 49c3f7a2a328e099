"""Personal data of `webhooks`: a person's endpoints, and what was said of the person to others."""

from django.db.models import Q

from accounts.models import Erasure, User
from accounts.personal_data import Batch, Entry, Page, Section
from tickets.models import Delivery
from webhooks.models import Endpoint
from webhooks.services import end

ROWS_A_BATCH = 500
ENDPOINT = ("url", "kinds", "is_on", "switched_off_at", "off_because", "created_at")


class WebhooksSection(Section):
    def export(self, user: User, after: int) -> Page:
        rows = Endpoint.objects.filter(user=user).order_by("pk")
        return Page([Entry("webhooks.json", list(rows.values(*ENDPOINT)))])  # without secrets

    def leave(self, erasure: Erasure) -> None:
        for endpoint in Endpoint.objects.filter(user=erasure.user):
            end(endpoint)

    def erase(self, erasure: Erasure, after: int) -> Batch:
        """What was told of the person's tickets and words, with the names in it."""
        user = erasure.user
        about = (
            Q(ticket__requester=user)
            | Q(ticket__assignee=user)
            | Q(event__actor=user)
            | Q(event__comment__author=user)
            | Q(recipient=user)
        )
        told = Delivery.objects.filter(about, channel="webhook", pk__gt=after).order_by("pk")
        keys = list(told.values_list("pk", flat=True)[:ROWS_A_BATCH])
        Delivery.objects.filter(pk__in=keys).delete()
        return Batch(len(keys), keys[-1] if len(keys) == ROWS_A_BATCH else None)
