"""Who the caller is, and what there is to write about."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.linking import link_state
from accounts.models import BotRegistration, Organization, User
from api.base import ApiView
from api.serializers import MeOut, ProductsOut
from tickets.models import Product
from tickets.plain import person_data, product_data


class Me(ApiView):
    def get(self, request: Request) -> Response:
        caller, person = self.caller, self.caller.user
        organization = person.organization if person else caller.organization
        token = caller.token
        found = {
            "person": person_data(person) | {"email": person.email} if person else None,
            "organization": _organization(organization),
            "scopes": sorted(caller.scopes),
            "token": token and {name: getattr(token, name) for name in _TOKEN},
            "bots": _bots(person) if person else [],
        }
        return Response(MeOut(found).data)


_TOKEN = ("name", "prefix", "expires_at")


def _organization(organization: Organization | None) -> dict[str, object] | None:
    return {"id": organization.pk, "name": organization.name} if organization else None


def _bots(person: User) -> list[dict[str, str]]:
    """Of each messenger that the person has ever registered for."""
    known = BotRegistration.objects.filter(user=person).order_by("channel")
    channels = known.values_list("channel", flat=True).distinct()
    return [{"channel": name, "state": link_state(person, name).name} for name in channels]


class Products(ApiView):
    def get(self, request: Request) -> Response:
        if not self.caller.serves:
            self.caller.require_reading()
        products = Product.objects.filter(is_active=True)
        return Response(ProductsOut({"results": [product_data(one) for one in products]}).data)
