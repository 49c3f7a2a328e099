"""Attachments on their way to a browser."""

import logging
from pathlib import PurePosixPath

from django.http import FileResponse, Http404, HttpResponseBase
from django.shortcuts import get_object_or_404

from portal.requests import PortalRequest
from tickets.queries import readable_files

logger = logging.getLogger(__name__)

IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def attachment_download(request: PortalRequest, pk: int) -> HttpResponseBase:
    attachment = get_object_or_404(readable_files(request.user), pk=pk)
    kind = IMAGES.get(PurePosixPath(attachment.name).suffix.lower(), "application/octet-stream")
    try:
        content = attachment.file.open("rb")
    except FileNotFoundError:
        logger.error("the content of attachment %s is missing", pk)
        raise Http404 from None
    response = FileResponse(
        content, as_attachment=True, filename=attachment.name, content_type=kind
    )
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
