from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from config.mail import build_letter


def password_letter(name: str, user: User) -> EmailMultiAlternatives:
    """A letter with the link that sets a password: `invitation` or `password_reset`."""
    context = {
        "user": user,
        "uid": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": default_token_generator.make_token(user),
    }
    return build_letter(name, to=user.email, context=context)
