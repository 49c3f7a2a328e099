from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


def send_invitation(user: User) -> None:
    """Mail a person the link to set a password. Raises OSError when the mail server fails."""
    context = {
        "user": user,
        "uid": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": default_token_generator.make_token(user),
        "portal_url": settings.PORTAL_URL,
    }
    letter = EmailMultiAlternatives(
        subject=render_to_string("mail/invitation_subject.txt", context).strip(),
        body=render_to_string("mail/invitation.txt", context),
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    letter.attach_alternative(render_to_string("mail/invitation.html", context), "text/html")
    letter.send()
