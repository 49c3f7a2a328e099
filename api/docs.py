"""What the API is, for programs and for people; for everybody, since it holds nothing private."""

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.reasons import reasons

SCHEMA = Path(__file__).parent / "openapi.yaml"  # written by `manage.py spectacular`


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(SCHEMA.read_bytes(), content_type="application/yaml; charset=utf-8")


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Operations that can be tried here, and what every code of a problem means."""
    token = get_token(request) if request.user.is_authenticated else ""
    return render(request, "api/docs.html", {"token": token, "reasons": reasons().values()})
