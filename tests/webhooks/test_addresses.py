"""No webhook leads inside, however its address is written."""

from ipaddress import ip_address

import pytest

from webhooks.addresses import (
    LeadsInside,
    NotHttps,
    OddAddress,
    PortRefused,
    UrlRefused,
    UrlTooLong,
    UserInUrl,
    clean_url,
    is_public,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://hooks.example.com/путь?ключ=1", "https://hooks.example.com/%D0%BF%D1%83%D1%82"
         "%D1%8C?%D0%BA%D0%BB%D1%8E%D1%87=1"),
        (" https://hooks.example.com:443 ", "https://hooks.example.com/"),
        ("HTTPS://Хуки.Пример.РФ/a", "https://xn--h1ad0ah.xn--e1afmkfd.xn--p1ai/a"),
        ("https://93.184.216.34/a%20b", "https://93.184.216.34/a%20b"),
        ("https://[2606:2800:220:1::1]/", "https://[2606:2800:220:1::1]/"),
        ("https://hooks.example.com/a#part", "https://hooks.example.com/a"),
    ],
)  # fmt: skip
def test_address_is_kept_in_one_form(typed, kept):
    assert clean_url(typed) == kept


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("http://hooks.example.com/", NotHttps),
        ("ftp://hooks.example.com/", UrlRefused),
        ("file:///etc/passwd", UrlRefused),
        ("hooks.example.com", UrlRefused),
        ("", UrlRefused),
        ("https://", UrlRefused),
        ("https:///path", UrlRefused),
        ("https://hooks.example.com:8443/", PortRefused),
        ("https://hooks.example.com:22/", PortRefused),
        ("https://hooks.example.com:99999/", UrlRefused),
        ("https://anna:password@hooks.example.com/", UserInUrl),
        ("https://hooks.example.com@127.0.0.1/", UserInUrl),
        ("https://hooks.example.com\\@127.0.0.1/", UrlRefused),
        ("https://hooks.example.com/\r\nHost: inside", UrlRefused),
        ("https://hooks.exa mple.com/", UrlRefused),
        ("https://hooks..example.com/", UrlRefused),
        ("https://hooks.example.com/" + "a" * 500, UrlTooLong),
        ("https://127.0.0.1/", LeadsInside),
        ("https://127.0.0.1./", OddAddress),
        ("https://2130706433/", OddAddress),
        ("https://0x7f000001/", OddAddress),
        ("https://0x7f.0.0.1/", OddAddress),
        ("https://0177.0.0.1/", OddAddress),
        ("https://127.1/", OddAddress),
        ("https://１２７.0.0.1/", OddAddress),
        ("https://127。0。0。1/", OddAddress),
        ("https://hooks.example.com./", OddAddress),
        ("https://localhost/", LeadsInside),
        ("https://api.localhost/", LeadsInside),
        ("https://db.internal/", LeadsInside),
        ("https://metadata.google.internal/", LeadsInside),
        ("https://router/", LeadsInside),
        ("https://support.example.org/", LeadsInside),  # the portal itself
        ("https://[::1]/", LeadsInside),
        ("https://[::ffff:127.0.0.1]/", LeadsInside),
        ("https://[::ffff:7f00:1]/", LeadsInside),
        ("https://[fe80::1%25eth0]/", UrlRefused),
        ("https://169.254.169.254/latest/meta-data/", LeadsInside),
    ],
)
def test_address_that_leads_inside_is_refused(settings, typed, refusal):
    settings.PORTAL_URL = "https://support.example.org"
    with pytest.raises(UrlRefused) as refused:
        clean_url(typed)
    assert type(refused.value) is refusal or refusal is UrlRefused
    assert str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "192.88.99.1", "168.63.129.16",
        "::", "::1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "3fff::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "5f00::1",
    ],
)  # fmt: skip
def test_address_inside_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a02:6b8::1"])
def test_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


def test_development_may_stay_inside(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert clean_url("http://127.0.0.1:8081/hooks/anna") == "http://127.0.0.1:8081/hooks/anna"
    assert clean_url("http://localhost:80/") == "http://localhost/"
    with pytest.raises(UserInUrl):
        clean_url("http://anna@127.0.0.1/")
