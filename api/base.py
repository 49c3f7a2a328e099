"""What all views of the API share: who calls, how often, with which parameters."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.client_ip import counted_address
from api.callers import Caller
from api.limits import ANONYMOUS, USER, Count, count_call
from api.problems import NEVER_KEPT, Problem, error_at, unauthenticated


class Negotiation(DefaultContentNegotiation):
    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:
        """A body is of one kind: the framework would let `*/*` stand for any."""
        kind = request.content_type or ""
        return None if "*" in kind else super().select_parser(request, parsers)


class ApiView(APIView):
    content_negotiation_class = Negotiation
    # The names that a query may have, by method; those of a form are its serializer's
    parameters: ClassVar[dict[str, Sequence[str]]] = {}
    parameters_of_agents: ClassVar[Sequence[str]] = ()  # besides
    is_public: ClassVar[bool] = False  # whether anybody may call; who calls too often is refused
    _count: Count | None = None

    @property
    def caller(self) -> Caller:
        found: Caller = self.request.auth
        return found

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Counted before anything is refused: whoever tries tokens is stopped, too."""
        self.format_kwarg = None
        refusal = self._identify(request)
        self._count_call(request)
        if refusal:
            raise refusal
        chosen = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = chosen
        if hasattr(self, (request.method or "").lower()):
            self._require_known_parameters(request)

    def _identify(self, request: Request) -> Exception | None:
        try:
            request.user  # noqa: B018 - reads the token or the session
        except APIException as refusal:
            return refusal
        if request.auth is None and not self.is_public:
            return unauthenticated()
        return None

    def _count_call(self, request: Request) -> None:
        caller: Caller | None = request.auth
        if caller:
            self._count = count_call(USER, caller.counted_as)
        else:
            self._count = count_call(ANONYMOUS, counted_address(request._request) or "unknown")
        if self._count and self._count.is_over:
            seconds = str(self._count.seconds)
            detail = _("Слишком много запросов. Повторите через %(seconds)s с.")
            raise Problem(
                429,
                "too_many_requests",
                detail % {"seconds": seconds},
                headers={"Retry-After": seconds},
            )

    def _require_known_parameters(self, request: Request) -> None:
        method = "GET" if request.method == "HEAD" else request.method or ""
        known = [*self.parameters.get(method, ())]
        if request.auth and self.caller.serves:
            known += self.parameters_of_agents
        errors = []
        for name, values in request.query_params.lists():
            if name not in known:
                errors.append(error_at(name[:100], "unknown", _("Такого параметра нет.")))
            elif len(values) > 1:
                errors.append(error_at(name, "repeated", _("Параметр указан несколько раз.")))
        if errors:
            raise bad_parameters(errors)

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", NEVER_KEPT)
        for name, value in (self._count.headers if self._count else {}).items():
            response[name] = value
        return response

    def read(self, form: type[serializers.Serializer]) -> dict[str, Any]:
        """The body, checked against a form. Raises ValidationError."""
        sent = form(data=self.request.data, context={"caller": self.caller})
        sent.is_valid(raise_exception=True)
        found: dict[str, Any] = sent.validated_data
        return found


def bad_parameters(errors: Sequence[dict[str, str]]) -> Problem:
    return Problem(400, "invalid", _("Проверьте параметры: они названы в errors."), errors=errors)


class Nowhere(ApiView):
    """Every address below /api/ that leads nowhere, also one that lacks its last slash."""

    is_public = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        detail = _("Такого адреса нет. Адреса API заканчиваются на «/».")
        raise Problem(404, detail=detail)
