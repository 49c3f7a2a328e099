"""Which e-mails a person may have: one rule for each face, and for the services below them."""

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.identity import request_email_change
from accounts.mailboxes import INVALID_EMAIL, MailboxField, check_mailbox
from accounts.models import EmailChange, SignUp
from accounts.security import Origin
from accounts.sign_up import ask_to_sign_up
from tests.portal.pages import text

pytestmark = pytest.mark.django_db
UNFIT = [
    "anna", "anna@", "a@b", "анна@alpha.example", "a b@c.example", "a@localhost", "a@LOCALHOST",
    "a@b.localhost", "a@[127.0.0.1]", "a@[IPv6:::1]", "İ@c.example", "anna.\u212a@c.example",
    "a@c..example", "a@c.example,b@c.example", "a@c.example\r\nBcc: b@c.example",
    "a@" + "b." * 124 + "example",
]  # fmt: skip


@pytest.mark.parametrize("email", ["", *UNFIT])
def test_service_takes_no_unfit_email(anna, email):
    with pytest.raises(ValidationError):
        check_mailbox(email)
    with pytest.raises(ValidationError):
        ask_to_sign_up(email, origin=Origin(None))
    with pytest.raises(ValidationError):
        request_email_change(user=anna, email=email, origin=Origin(anna))
    assert not SignUp.objects.exists()
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("page", ["sign_up", "password_reset"])
@pytest.mark.parametrize("email", UNFIT)
def test_page_says_so_beside_the_field(client, settings, page, email):
    settings.SIGN_UP = True
    answer = client.post(reverse(page), {"email": email})
    assert answer.status_code == 200
    assert str(INVALID_EMAIL) in text(answer)
    assert 'aria-invalid="true"' in text(answer)
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u200bz@c.example\u202c", "z@c.example"),
        (" Anna@ALPHA.example ", "Anna@alpha.example"),
        ("a+b@почта.рф", "a+b@почта.рф"),
    ],
)
def test_what_nobody_sees_is_taken_away(client, settings, typed, kept):
    settings.SIGN_UP = True
    assert MailboxField().clean(typed) == kept
    assert client.post(reverse("sign_up"), {"email": typed}).status_code == 302
    assert SignUp.objects.get().email == kept
