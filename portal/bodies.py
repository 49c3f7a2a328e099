"""How large a request may be, judged by its address before anything of it is read."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from portal.views.errors import too_large
from tickets.attachments import MAX_FILES, MAX_SIZE

WITH_FILES = {  # names of URLs, of any face
    "new_ticket", "ticket_comment", "admin:tickets_ticket_change", "api:ticket_attachments",
}  # fmt: skip
OF_PROGRAMS = "api"  # asks for their token by itself, before it reads anything
LARGEST_UPLOAD = MAX_FILES * MAX_SIZE + settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class BodyLimits:
    """Stands before the check of the CSRF token, which reads a form whole."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if "HTTP_TRANSFER_ENCODING" in request.META:  # Django would take it for an empty one
            return render(request, "411.html", status=411)
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return None
        match = request.resolver_match
        if match is None or match.view_name not in WITH_FILES:
            return too_large(request)
        is_stranger = not request.user.is_authenticated and match.namespace != OF_PROGRAMS
        if is_stranger:  # the page's script keeps what was typed
            return redirect_to_login(request.get_full_path())
        return too_large(request, has_files=True) if length > LARGEST_UPLOAD else None
