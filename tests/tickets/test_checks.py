from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from tickets.checks import check_channels


def test_channels_of_this_release_are_found():
    assert check_channels(app_configs=None) == []


@pytest.mark.django_db  # `check` looks at what is set up, too
@pytest.mark.parametrize("name", ["tickets.channels.EmailChannel", "gone.Channel", "nothing"])
def test_name_of_no_channel_is_said_before_a_ticket_is_lost(settings, name):
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, name]
    with pytest.raises(SystemCheckError, match=name):
        call_command("check", stderr=StringIO())
