"""Requests that no browser makes: answered, never with an error of ours."""

import pytest
from django.test import Client

pytestmark = pytest.mark.each_case

PAGES = ["/", "/login/", "/password/reset/", "/admin/login/", "/drafts/"]
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("code", ["utf-7", "utf-16", "latin-1", "rot13", "base64", "idna", "x"])
def test_form_in_another_code(anna, path, code):
    """Its parameter is ignored, as the standard of forms says."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "a" * 32  # else the form is not read at all
    if path == "/":
        client.force_login(anna)
    body = "username=\u0430nna&password=+AAA-&email=a@b.example".encode()
    response = client.generic("POST", path, body, f"{FORM}; charset={code}")
    assert response.status_code < 500


@pytest.mark.parametrize("path", ["/", "/admin/tickets/ticket/", "/admin/accounts/user/"])
@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "status__exact=+AAA-",
        "status__exact=%00",
        "before=%00",
        "tab=%00",
        "%00=1",
        "q=%c0%80",
    ],
)
def test_nul_in_an_address(admin_client, path, query):
    """Also one that only another code would make of it."""
    for code in ("utf-8", "utf-7", "utf-16"):
        response = admin_client.get(
            f"{path}?{query}", headers={"Content-Type": f"text/plain; charset={code}"}
        )
        assert response.status_code < 500


@pytest.mark.parametrize("path", ["/tickets/%00/", "/%00", "/admin/tickets/ticket/%00/change/"])
def test_nul_in_a_path(admin_client, path):
    assert admin_client.get(path).status_code in (400, 404)
