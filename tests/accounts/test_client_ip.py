import pytest

from accounts.client_ip import client_ip, counted_address

PROXY, OTHER_PROXY, STRANGER, PERSON = "10.0.0.1", "10.0.0.2", "198.51.100.7", "203.0.113.5"


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        pytest.param(PERSON, "", PERSON, id="no proxy"),
        pytest.param(STRANGER, PERSON, STRANGER, id="header of a stranger is not believed"),
        pytest.param(PROXY, PERSON, PERSON, id="header of our proxy is"),
        pytest.param(PROXY, f"{STRANGER}, {PERSON}", PERSON, id="forged first hop"),
        pytest.param(PROXY, f"{STRANGER}, {PERSON}, {OTHER_PROXY}", PERSON, id="two proxies"),
        pytest.param(PROXY, "", PROXY, id="proxy itself"),
        pytest.param(PROXY, f" {PERSON} ", PERSON, id="spaces"),
        pytest.param(PROXY, f"{PERSON}, ", PROXY, id="empty last hop"),
        pytest.param(PROXY, "unknown", PROXY, id="no address"),
        pytest.param(PROXY, f"{STRANGER}, <script>, {OTHER_PROXY}", OTHER_PROXY, id="odd hop"),
        pytest.param(PROXY, "2001:DB8:0::1", "2001:db8::1", id="IPv6 in one spelling"),
        pytest.param("fe80::1", PERSON, "fe80::1", id="IPv6 stranger"),
        pytest.param("fe80::1%eth0", PERSON, "fe80::1", id="no scope: no column takes it"),
        pytest.param(f"::ffff:{PERSON}", "", PERSON, id="IPv4 by a socket of both kinds"),
        pytest.param(f"::ffff:{PROXY}", PERSON, PERSON, id="our proxy by such a socket"),
        pytest.param("", PERSON, None, id="unix socket"),
    ],
)
def test_client_ip(rf, settings, remote, forwarded, expected):
    settings.TRUSTED_PROXIES = [PROXY, OTHER_PROXY]
    request = rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_ip(request) == expected


def test_client_ip_without_trusted_proxies_is_the_peer(rf, settings):
    settings.TRUSTED_PROXIES = []
    request = rf.get("/", REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=PERSON)
    assert client_ip(request) == PROXY


@pytest.mark.parametrize(
    ("remote", "scheme", "expected"),
    [
        pytest.param(PROXY, "https", 200, id="our proxy"),
        pytest.param(PROXY, "http", 301, id="our proxy, plain"),
        pytest.param(PROXY, None, 301, id="our proxy says nothing"),
        pytest.param(STRANGER, "https", 301, id="header of a stranger is not believed"),
        pytest.param("", "https", 301, id="unix socket"),
    ],
)
def test_forwarded_scheme_is_believed_of_our_proxies_only(
    client, settings, db, remote, scheme, expected
):
    settings.TRUSTED_PROXIES = [PROXY, OTHER_PROXY]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"X-Forwarded-Proto": scheme} if scheme else {}
    response = client.get("/login/", REMOTE_ADDR=remote, headers=headers)
    assert response.status_code == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (PERSON, PERSON),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        (f"::ffff:{PERSON}", PERSON),
        ("", None),
    ],
)
def test_limits_take_a_network_of_ipv6_for_one_place(rf, address, expected):
    assert counted_address(rf.get("/", REMOTE_ADDR=address)) == expected
