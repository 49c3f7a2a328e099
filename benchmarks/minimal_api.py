"""The least that Django REST framework can do for the same answers: what `api.py` compares with.

One query for the token, one for the rows, a serializer of the same keys, its own cursor pages. No
limits, ETags, problems, filters or other middleware. What is posted is written as `plain_writes.py`
writes the forms of the portal.
"""

from collections.abc import Callable
from hashlib import sha256

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.serializers import (
    BooleanField,
    CharField,
    DateTimeField,
    IntegerField,
    ListField,
    ModelSerializer,
    PrimaryKeyRelatedField,
    Serializer,
    SerializerMethodField,
)
from rest_framework.views import APIView

from accounts.models import ApiToken
from benchmarks import plain_writes
from tickets.models import Product, Ticket

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


class NewTicket(Serializer):
    product = PrimaryKeyRelatedField(queryset=Product.objects.filter(is_active=True))
    title = CharField(max_length=60)
    description = CharField(max_length=20_000)


class NewComment(Serializer):
    body = CharField(max_length=20_000)


class By(Serializer):
    role = CharField(default="customer")
    person = Person(source="*")


class CommentKeys(Serializer):
    id = IntegerField()
    body = CharField()
    internal = BooleanField(source="is_internal")
    by = By(source="author")
    created_at = DateTimeField()
    edited_at = DateTimeField()
    files = ListField(default=[])


class Pages(CursorPagination):
    page_size, page_size_query_param, max_page_size = 25, "page_size", 100
    ordering = ("-changed_at", "-id")


class View:
    authentication_classes, permission_classes = (Token,), ()
    renderer_classes, parser_classes = (JSONRenderer,), (JSONParser,)
    serializer_class = TicketKeys

    def get_queryset(self):
        return Ticket.objects.filter(requester=self.request.user).select_related(*RELATED)


class Tickets(View, ListAPIView):
    pagination_class = Pages

    def post(self, request):
        sent = NewTicket(data=request.data)
        sent.is_valid(raise_exception=True)
        with transaction.atomic():
            plain_writes._count(request.user)
            made = plain_writes.new_ticket.__wrapped__(request, sent.validated_data)
        return Response(TicketKeys(self.get_queryset().get(pk=made.pk)).data, status=201)


class OneTicket(View, RetrieveAPIView):
    pass


class Comments(View, APIView):
    def post(self, request, number):
        sent = NewComment(data=request.data)
        sent.is_valid(raise_exception=True)
        words = {"words": sent.validated_data["body"]}
        with transaction.atomic():
            plain_writes._count(request.user)
            ticket = plain_writes.comment.__wrapped__(request, words, number)
        said = ticket.comments.select_related("author").latest("pk")
        return Response(CommentKeys(said).data, status=201)


urlpatterns = [
    path("api/v1/tickets/", Tickets.as_view()),
    path("api/v1/tickets/<int:pk>/", OneTicket.as_view()),
    path("api/v1/tickets/<int:number>/comments/", Comments.as_view()),
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
