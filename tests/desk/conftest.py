import pytest
from django.contrib.auth.models import Group


@pytest.fixture
def specialist(agent):
    agent.groups.add(Group.objects.get(name="Специалист поддержки"))
    return agent


@pytest.fixture
def desk(client, specialist):
    client.force_login(specialist)
    return client
