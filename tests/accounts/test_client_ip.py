import pytest

from accounts.client_ip import client_ip

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
