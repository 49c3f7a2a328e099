from contextlib import ExitStack

import pytest
from django.core import mail

from tests.factories import SpecialistFactory, TicketFactory
from tests.mail.mail_server import MailServer, running


@pytest.fixture
def ticket(anna):
    return TicketFactory(requester=anna, title="Нет <b>связи</b> & «интернета»")


@pytest.fixture
def agent(db):
    return SpecialistFactory(
        username="olga", email="olga@support.example", first_name="Ольга", last_name="Орлова"
    )


@pytest.fixture
def smtp(monkeypatch):
    """A mail server to break: `smtp["anna@alpha.example"] = OSError()`."""
    errors = {}
    deliver = mail.EmailMultiAlternatives.send

    def send(letter, fail_silently=False):
        error = errors.get(letter.to[0])
        if error:
            raise error
        return deliver(letter, fail_silently)

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", send)
    return errors


@pytest.fixture
def desk(settings):
    settings.STAFF_EMAIL = "desk@support.example"
    return settings.STAFF_EMAIL


@pytest.fixture
def serve(settings):
    """`serve(announced=10_240_000)` starts a real mail server, which letters then go to."""
    with ExitStack() as stack:

        def start(announced=None):
            server = MailServer()
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST = "127.0.0.1"
            settings.EMAIL_PORT = stack.enter_context(running(server, announced))
            return server

        yield start
