"""Forms of people, organizations and products put nothing back that others have saved since."""

from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import Organization, User
from tests.factories import OrganizationFactory, ProductFactory
from tests.threads import in_parallel
from tickets.models import Product

PRODUCTS = "/admin/tickets/product/"
REFUSAL = "эти данные изменил кто-то другой"


def path_of(row) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def filled(client, row) -> dict:
    """What the browser would post of the form as it is shown."""
    form = client.get(path_of(row)).context["adminform"].form
    values = {name: form[name].value() for name, field in form.fields.items() if not field.disabled}
    lists = {name: [item.pk for item in value] for name, value in values.items()
             if isinstance(value, list)}  # fmt: skip
    plain = {name: value for name, value in values.items() if value not in (None, False)}
    return plain | lists | {"shown": form.shown_now()}


def errors(response) -> str:
    assert response.status_code == 200
    return " ".join(response.context["adminform"].form.non_field_errors())


def test_organization_changed_meanwhile_is_refused_and_what_was_typed_stays(desk, superuser):
    organization = OrganizationFactory(name="Альфа", email="old@alpha.example")
    desk.force_login(superuser)
    typed = filled(desk, organization) | {"name": "Альфа плюс"}
    Organization.objects.update(email="new@alpha.example")
    response = desk.post(path_of(organization), typed)
    assert REFUSAL in errors(response)
    page = unescape(response.content.decode())
    assert 'value="Альфа плюс"' in page
    assert "Сейчас сохранено: new@alpha.example." in page
    organization.refresh_from_db()
    assert (organization.name, organization.email) == ("Альфа", "new@alpha.example")
    again = typed | {"shown": response.context["adminform"].form.shown_now()}
    assert f'name="shown" value="{again["shown"]}"' in page
    assert desk.post(path_of(organization), again).status_code == 302
    organization.refresh_from_db()
    assert organization.name == "Альфа плюс"


def test_form_of_what_stayed_as_it_was_is_saved(root_desk, boris):
    typed = filled(root_desk, boris) | {"first_name": "Бо"}
    boris.set_password("an entirely new one")
    boris.save()
    assert root_desk.post(path_of(boris), typed).status_code == 302
    boris.refresh_from_db()
    assert boris.first_name == "Бо"


def test_person_changed_meanwhile_is_refused(desk, boris):
    typed = filled(desk, boris) | {"first_name": "Бо"}
    User.objects.filter(pk=boris.pk).update(last_name="Новый")
    assert REFUSAL in errors(desk.post(path_of(boris), typed))
    boris.refresh_from_db()
    assert (boris.first_name, boris.last_name) == ("Борис", "Новый")


def test_rights_changed_meanwhile_are_no_less(root_desk, boris):
    typed = filled(root_desk, boris)
    boris.groups.add(Group.objects.get(name="Специалист поддержки"))
    assert REFUSAL in errors(root_desk.post(path_of(boris), typed))
    assert boris.groups.count() == 1


@pytest.mark.parametrize("shown", ["", "0" * 64, "щ"])
def test_missing_or_forged_mark_counts_as_changed(desk, boris, shown):
    typed = filled(desk, boris) | {"shown": shown}
    assert REFUSAL in errors(desk.post(path_of(boris), typed))


def test_mark_of_another_row_is_none(desk, anna, boris):
    typed = filled(desk, boris) | {"shown": filled(desk, anna)["shown"]}
    assert REFUSAL in errors(desk.post(path_of(boris), typed))


# The list of products, whose rows can be edited


def rows(client) -> dict:
    """What the browser would post of the whole list."""
    formset = client.get(PRODUCTS).context["cl"].formset
    data = {"_save": "1"} | {
        f"form-{name}": value for name, value in formset.management_form.initial.items()
    }
    for form in formset:
        data[form.add_prefix("id")] = form.instance.pk
        for name in ("position", "is_active"):
            data[form.add_prefix(name)] = form[name].value()
            assert f'name="{form[name].html_initial_name}"' in str(form[name])
            data[form[name].html_initial_name] = str(form[name].value())
    return {name: value for name, value in data.items() if value is not False}


@pytest.fixture
def products(db):
    return [ProductFactory(name=name, position=1) for name in ("А", "Б")]


def test_row_left_alone_is_not_put_back(root_desk, products):
    data = rows(root_desk) | {"form-0-position": 7}
    Product.objects.filter(pk=products[1].pk).update(is_active=False)
    assert root_desk.post(PRODUCTS, data).status_code == 302
    assert list(Product.objects.order_by("pk").values_list("position", "is_active")) == [
        (7, True),
        (1, False),
    ]


def test_row_changed_by_two_is_refused_once(root_desk, products):
    data = rows(root_desk) | {"form-0-position": 7}
    Product.objects.filter(pk=products[0].pk).update(is_active=False)
    response = root_desk.post(PRODUCTS, data)
    assert REFUSAL in unescape(response.content.decode())
    form = response.context["cl"].formset.forms[0]
    assert form["position"].value() == "7"
    assert Product.objects.get(pk=products[0].pk).position == 1
    assert "Сейчас сохранено: 1." in form.errors["position"]
    assert 'name="initial-form-0-is_active" value="False"' in str(form["is_active"])
    assert "checked" not in str(form["is_active"])
    again = data | {form["is_active"].html_initial_name: "False"}
    del again["form-0-is_active"]
    assert root_desk.post(PRODUCTS, again).status_code == 302
    product = Product.objects.get(pk=products[0].pk)
    assert (product.position, product.is_active) == (7, False)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_refused(superuser):
    organization = OrganizationFactory(name="Альфа")
    agents = [Client() for _one in range(4)]
    for one in agents:
        one.force_login(superuser)
    typed = filled(agents[0], organization)
    calls = [
        lambda one=one, n=n: one.post(path_of(organization), typed | {"name": f"Имя {n}"})
        for n, one in enumerate(agents)
    ]
    codes = [response.status_code for response in in_parallel(*calls)]
    assert sorted(codes) == [200, 200, 200, 302]
    organization.refresh_from_db()
    assert organization.name == f"Имя {codes.index(302)}"
