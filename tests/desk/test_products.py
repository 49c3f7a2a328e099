"""Products and their targets at the desk."""

import pytest

from tickets.models import Target

ADD = "/admin/tickets/target/add/"
LIST = "/admin/tickets/target/"
YEAR = 366 * 24 * 60


def target(minutes: int) -> dict[str, object]:
    return {"priority": "high", "answer_minutes": minutes, "solution_minutes": minutes}


@pytest.mark.parametrize(
    ("minutes", "kept"), [(1, 1), (YEAR, 1), (0, 0), (YEAR + 1, 0), (10**17, 0)]
)
def test_target_is_at_most_a_year(root_desk, minutes, kept):
    """Behind the last year there is, no ticket could be created."""
    root_desk.post(ADD, target(minutes))
    assert Target.objects.count() == kept


def test_target_in_the_list_is_at_most_a_year(root_desk):
    row = Target.objects.create(**target(30))
    form = {
        "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk,
        "form-0-answer_minutes": 10**17, "form-0-solution_minutes": 600, "_save": "",
    }  # fmt: skip
    shown = root_desk.get(LIST).context["cl"].formset.forms[0]
    assert shown.fields["answer_minutes"].max_value == YEAR
    root_desk.post(LIST, form)
    row.refresh_from_db()
    assert row.answer_minutes == 30
