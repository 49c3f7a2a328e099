"""Django's own messages and titles, in words that fit names of every gender."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission

from accounts.models import Organization
from desk.roles import RightsField, rights_worth_giving
from tests.factories import OrganizationFactory, ProductFactory, UserFactory
from tickets.models import Product

LIST = "/admin/accounts/organization/"
PRODUCTS = "/admin/tickets/product/"


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def fields(client, address, **given):
    form = client.get(address).context["adminform"].form
    shown = {"shown": form.shown_now()} if form.instance.pk else {}
    values = {name: "" if value is None else value for name, value in form.initial.items()}
    return values | shown | given


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
def test_what_was_saved_is_said_in_any_gender(root_desk, button):
    data = fields(root_desk, f"{LIST}add/", name="Ромашка", email="a@b.example")
    added = root_desk.post(f"{LIST}add/", data | {button: "1"}, follow=True)
    row = Organization.objects.get()
    named = f'<a href="{LIST}{row.pk}/change/">Ромашка</a>'
    assert said(added) == [f"Добавлено: организация {named}."]
    data = fields(root_desk, f"{LIST}{row.pk}/change/", email="c@d.example")
    changed = root_desk.post(f"{LIST}{row.pk}/change/", data | {button: "1"}, follow=True)
    assert said(changed) == [f"Сохранено: организация {named}."]


def test_what_was_deleted_is_said_in_any_gender(root_desk):
    row = OrganizationFactory(name="Ромашка <b>")
    page = root_desk.get(f"{LIST}{row.pk}/delete/").content.decode()
    assert "<h1>Организация: удаление</h1>" in page
    assert "Удалить без возможности вернуть: Ромашка &lt;b&gt;?" in page
    gone = root_desk.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}, follow=True)
    assert said(gone) == ["Удалено: организация Ромашка <b>."]
    again = root_desk.get(f"{LIST}{row.pk}/change/", follow=True)
    assert said(again) == ["Такой записи нет: возможно, её удалили."]


@pytest.mark.parametrize(("number", "words"), [(1, "1 запись"), (3, "3 записи"), (5, "5 записей")])
def test_number_of_deleted_rows_is_said(root_desk, number, words):
    rows = [OrganizationFactory().pk for _ in range(number)]
    chosen = {"action": "delete_selected", "_selected_action": rows}
    page = root_desk.post(LIST, chosen).content.decode()
    assert "<h1>Организации: удаление</h1>" in page
    gone = root_desk.post(LIST, chosen | {"post": "yes"}, follow=True)
    assert said(gone) == [f"Удалено: {words}."]


def test_rows_saved_in_a_list_are_said(root_desk):
    row = ProductFactory(position=1)
    form = {
        "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk, "_save": "1",
        "form-0-position": 2, "initial-form-0-position": 1,
        "form-0-is_active": "on", "initial-form-0-is_active": "True",
    }  # fmt: skip
    assert said(root_desk.post(PRODUCTS, form, follow=True)) == ["Сохранено."]
    assert Product.objects.get().position == 2


def test_action_is_named_without_a_name(root_desk):
    UserFactory()
    page = root_desk.get("/admin/accounts/user/").content.decode()
    assert "Удалить отмеченное" in page
    assert "Удалить выбранные" not in page


def test_rights_are_named_in_russian(root_desk):
    page = root_desk.get("/admin/auth/group/add/").content.decode()
    for words in (
        "Заявки: просмотр", "Заявки: Отчёт о работе поддержки", "Готовые ответы: удаление",
        "Пользователи: специалисты и их роли", "Комментарии: добавление",
    ):  # fmt: skip
        assert words in page, words


def test_no_right_is_named_in_english(db):
    for role in Group.objects.all():
        assert role.permissions.exists()
    field = RightsField(queryset=rights_worth_giving())
    names = [field.label_from_instance(right) for right in field.queryset]
    assert len(names) == len(set(names)) > 40
    assert [name for name in names if "Can " in name or name[0].isascii()] == []


def test_right_that_a_role_holds_is_not_lost_by_saving(root_desk):
    role = Group.objects.create(name="Стажёр")
    odd = Permission.objects.get(codename="view_session", content_type__app_label="accounts")
    assert odd not in rights_worth_giving()
    role.permissions.add(odd)
    address = f"/admin/auth/group/{role.pk}/change/"
    form = root_desk.get(address).context["adminform"].form
    data = {"name": "Стажёры", "permissions": [odd.pk], "shown": form.shown_now()}
    root_desk.post(address, data)
    assert list(role.permissions.all()) == [odd]
    assert Group.objects.filter(name="Стажёры").exists()


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label_lower)
def test_what_has_a_page_is_named_in_russian(model):
    for name in (model._meta.verbose_name, model._meta.verbose_name_plural):
        assert not str(name)[0].isascii(), name
