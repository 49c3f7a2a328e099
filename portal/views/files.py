"""Attachments on their way to a browser."""

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404

from config.downloads import download
from portal.requests import PortalRequest
from tickets.attachments import open_content
from tickets.queries import readable_files


def attachment_download(request: PortalRequest, pk: int) -> HttpResponseBase:
    attachment = get_object_or_404(readable_files(request.user), pk=pk)
    try:
        content, kind = open_content(attachment)
    except FileNotFoundError:
        raise Http404 from None
    return download(content, name=attachment.name, content_type=kind)
