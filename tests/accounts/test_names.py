"""Who may be called what: the rule is one for every face."""

import pytest
from django.core.exceptions import ValidationError

from accounts.identity import change_profile
from accounts.models import SignUp, User
from accounts.names import check_name
from accounts.security import Origin
from accounts.sign_up import sign_up
from tests.factories import PASSWORD, UserFactory


@pytest.mark.parametrize("name", ["Анна", "Жан-Пьер", "О’Нил", "Ольга А.", "А.С.", "李", "Ng"])
def test_name_is_one(name):
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", " Анна", "1", "Анна1", "@anna", "Поддержка", "Под-держка", "Ѕuppоrt", "Ｓｕｐｐｏｒｔ",
        "evil.example", "www.приз.рф",
    ],
)  # fmt: skip
def test_name_is_refused(name):
    with pytest.raises(ValidationError):
        check_name(name)


def test_no_service_takes_it_either(db):
    person = UserFactory(first_name="Анна")
    with pytest.raises(ValidationError):
        change_profile(person, first_name="Поддержка", last_name="Облака", time_zone="")
    asked = SignUp.objects.create(email="nina@example.com")
    with pytest.raises(ValidationError):
        sign_up(
            asked=asked, first_name="Нина", last_name="Support", password=PASSWORD,
            origin=Origin(None),
        )  # fmt: skip
    assert User.objects.get(pk=person.pk).first_name == "Анна"
    assert not User.objects.filter(email="nina@example.com").exists()
