"""How every letter of the product is built."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

LOOP_SAFE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def build_letter(
    name: str, *, to: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> EmailMultiAlternatives:
    """A letter of templates/mail: `<name>_subject.txt`, `<name>.txt` and `<name>.html`."""
    context = {**context, "portal_url": settings.PORTAL_URL}
    subject = render_to_string(f"mail/{name}_subject.txt", context)
    letter = EmailMultiAlternatives(
        subject=" ".join(subject.split()),  # a line break would end the header
        body=render_to_string(f"mail/{name}.txt", context),
        to=[to],
        headers={**LOOP_SAFE, **(headers or {})},
    )
    letter.attach_alternative(render_to_string(f"mail/{name}.html", context), "text/html")
    return letter
