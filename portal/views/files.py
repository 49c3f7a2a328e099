"""Attachments on their way to a browser."""

import logging

from django.http import FileResponse, Http404, HttpResponseBase
from django.shortcuts import get_object_or_404

from portal.requests import PortalRequest
from tickets.file_kinds import HEAD, PICTURES, media_type
from tickets.queries import readable_files

logger = logging.getLogger(__name__)


def attachment_download(request: PortalRequest, pk: int) -> HttpResponseBase:
    attachment = get_object_or_404(readable_files(request.user), pk=pk)
    try:
        content = attachment.file.open("rb")
    except FileNotFoundError:
        logger.error("the content of attachment %s is missing", pk)
        raise Http404 from None
    kind = media_type(attachment.name, content.read(HEAD))  # not the type its sender named
    content.seek(0)
    response = FileResponse(
        content,
        as_attachment=True,
        filename=attachment.name,
        content_type=kind if kind in PICTURES else "application/octet-stream",
    )
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
