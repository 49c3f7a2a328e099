import pytest
from django.contrib.auth.models import Group

from tests.factories import AgentFactory


@pytest.fixture
def specialist(agent):
    agent.groups.add(Group.objects.get(name="Специалист поддержки"))
    return agent


@pytest.fixture
def administrator(db):
    return in_role("Администратор", "administrator")


def in_role(name, username):
    person = AgentFactory(username=username)
    person.groups.add(Group.objects.get(name=name))
    return person


@pytest.fixture
def superuser(db):
    return AgentFactory(username="root", is_superuser=True)


@pytest.fixture
def desk(client, specialist):
    """The client of an agent of the group."""
    client.force_login(specialist)
    return client


@pytest.fixture
def office(client, administrator):
    """The client of an administrator, who is no superuser."""
    client.force_login(administrator)
    return client


@pytest.fixture
def root_desk(client, superuser):
    client.force_login(superuser)
    return client
