import pytest
from django.core import mail

from tests.factories import TicketFactory


@pytest.fixture
def ticket(anna):
    return TicketFactory(requester=anna, title="Нет <b>связи</b> & «интернета»")


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
