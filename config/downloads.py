"""How a file that somebody has sent leaves again: so that no browser does anything with it."""

from typing import IO, Any

from django.http import FileResponse


def download(content: IO[Any], *, name: str, content_type: str) -> FileResponse:
    response = FileResponse(content, as_attachment=True, filename=name, content_type=content_type)
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
