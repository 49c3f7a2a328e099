"""The least that Django REST framework can do for the same answers: what `api.py` compares with.

One query for the token, one for the rows, a serializer of the same keys, its own cursor pages. No
limits, ETags, problems, filters or other middleware.
"""

from collections.abc import Callable
from hashlib import sha256

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import (
    CharField,
    IntegerField,
    ModelSerializer,
    Serializer,
    SerializerMethodField,
)

from accounts.models import ApiToken
from tickets.models import Ticket

RELATED = ("requester", "organization", "product", "assignee")


class Token(BaseAuthentication):
    def authenticate(self, request):
        text = request.headers["Authorization"].removeprefix("Bearer ")
        digest = sha256(text.encode()).hexdigest()
        token = ApiToken.objects.select_related("user").get(digest=digest)
        return token.user, token


class Person(Serializer):
    id = IntegerField()
    name = CharField(source="short_name")


class Named(Serializer):
    id = IntegerField()
    name = CharField()


class TicketKeys(ModelSerializer):
    number = IntegerField(source="pk")
    url = SerializerMethodField()
    product = Named()
    requester = Person()
    organization = Named()
    assignee = Person()
    opened_in = CharField(source="face")
    parent = IntegerField(source="parent_id")
    merged_into = IntegerField(source="merged_into_id")

    class Meta:
        model = Ticket
        fields = (
            "number", "url", "title", "description", "status", "priority", "product", "requester",
            "organization", "assignee", "opened_in", "parent", "merged_into", "score",
            "rating_comment", "created_at", "changed_at", "resolved_at", "closed_at",
        )  # fmt: skip

    def get_url(self, ticket):
        return f"{settings.PORTAL_URL}/tickets/{ticket.pk}/"


class Pages(CursorPagination):
    page_size, page_size_query_param, max_page_size = 25, "page_size", 100
    ordering = ("-changed_at", "-id")


class View:
    authentication_classes, permission_classes = (Token,), ()
    renderer_classes, serializer_class = (JSONRenderer,), TicketKeys

    def get_queryset(self):
        return Ticket.objects.filter(requester=self.request.user).select_related(*RELATED)


class Tickets(View, ListAPIView):
    pagination_class = Pages


class OneTicket(View, RetrieveAPIView):
    pass


urlpatterns = [
    path("api/v1/tickets/", Tickets.as_view()),
    path("api/v1/tickets/<int:pk>/", OneTicket.as_view()),
]


def own_addresses(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return middleware


def application() -> WSGIHandler:
    """A second site beside the product, in the same process."""
    products = settings.MIDDLEWARE
    settings.MIDDLEWARE = [f"{__name__}.own_addresses"]
    try:
        return WSGIHandler()
    finally:
        settings.MIDDLEWARE = products
