"""One request to a stranger's server: where it goes, how long it takes, what is read."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from tests.webhooks.receiver import (
    announce,
    code,
    crumble,
    drip,
    drip_body,
    flood,
    garbage,
    hang,
    reset,
    running,
)
from webhooks import addresses, courier
from webhooks.courier import ANSWER_LIMIT, PARTS_LIMIT, Answer, Parcel

PUBLIC, INSIDE = "93.184.216.34", "127.0.0.1"


def deliver(url: str) -> Answer:
    return asyncio.run(courier.deliver(Parcel(url, {"webhook-id": "msg_1"}, b"{}")))


@pytest.fixture
def names(monkeypatch) -> dict[str, list[list[str]]]:
    """What names lead to, look-up after look-up; the last answer stays."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, **options):
        if host not in known:
            return real(host, port, **options)
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(courier, "getaddrinfo", look_up)
    return known


@pytest.fixture
def connected(monkeypatch) -> list[str]:
    """Addresses that a connection was begun to; none is made."""
    seen: list[str] = []

    async def connect(_self, host, port, *_args, **_options):
        seen.append(host)
        raise courier.httpcore.ConnectError

    monkeypatch.setattr(courier.httpcore.AnyIOBackend, "connect_tcp", connect)
    return seen


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(courier, "TIME_LIMIT", 0.6)


# Where it goes


# As 7f000001.nip.io does (dergigi/ants#182)
@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["10.0.0.5"], ["169.254.169.254"], ["100.64.0.1"], ["::1"],
        ["::ffff:127.0.0.1"], ["64:ff9b::a00:1"], ["fe80::1%lo"], [PUBLIC, "10.0.0.5"],
        ["10.0.0.5", PUBLIC],
    ],
)  # fmt: skip
def test_name_that_leads_inside_is_not_connected_to(names, connected, found):
    names["hooks.example.com"] = [found]
    answer = deliver("https://hooks.example.com/")
    assert answer.status is None
    assert "внутреннюю сеть" in answer.error
    assert connected == []


def test_address_that_was_checked_is_the_one_connected_to(names, connected):
    names["hooks.example.com"] = [[PUBLIC], [INSIDE]]  # it changes after the first look
    deliver("https://hooks.example.com/")
    assert connected == [PUBLIC]
    assert "внутреннюю сеть" in deliver("https://hooks.example.com/").error  # looked at anew
    assert connected == [PUBLIC]


def test_address_kept_under_looser_rules_is_judged_again(connected):
    for url in ("http://hooks.example.com/", "https://127.0.0.1/", "https://a.example.com:22/"):
        assert deliver(url).error
    assert connected == []


def test_proxy_of_the_environment_is_not_used(monkeypatch, names, connected):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.9:3128")
    names["hooks.example.com"] = [[PUBLIC]]
    deliver("https://hooks.example.com/")
    assert connected == [PUBLIC]


def test_name_that_is_unknown_or_slow_to_find(names, monkeypatch, brief):
    def fail(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(courier, "getaddrinfo", fail)
    assert "не найдено" in deliver("https://hooks.example.com/").error
    monkeypatch.setattr(courier, "getaddrinfo", lambda *_args, **_options: time.sleep(1) or [])
    begun = time.monotonic()
    assert "10 секунд" in deliver("https://hooks.example.com/").error
    assert time.monotonic() - begun < 2


def test_redirect_is_not_followed(receiver):
    with running() as other:
        receiver.plan = [code(status, Location=other.url) for status in (301, 302, 303, 307, 308)]
        for status in (301, 302, 303, 307, 308):
            assert deliver(receiver.url).status == status
        assert other.received == []


# TLS asks for the name, though an address is connected to


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=hooks.example.com",
         "-addext", "subjectAltName=DNS:hooks.example.com"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def over_tls(certificate, names, monkeypatch):
    """A server whose certificate is for hooks.example.com; 127.0.0.1 passes for public."""
    served: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.sni_callback = lambda _socket, name, _context: served.append(name)
    trusted = ssl.create_default_context(cafile=certificate / "cert.pem")
    monkeypatch.setattr(courier, "tls", lambda: trusted)
    monkeypatch.setattr(addresses, "is_public", lambda address: str(address) == INSIDE)
    names["hooks.example.com"] = names["other.example.com"] = [[INSIDE]]
    connect = courier.httpcore.AnyIOBackend.connect_tcp
    with running(tls=context) as receiver:

        async def connect_there(self, host, _port, *given, **options):
            return await connect(self, host, receiver.port, *given, **options)

        monkeypatch.setattr(courier.httpcore.AnyIOBackend, "connect_tcp", connect_there)
        yield receiver, served


def test_certificate_is_held_against_the_name(over_tls):
    receiver, served = over_tls
    answer = deliver("https://hooks.example.com/hook")
    assert (answer.status, served) == (204, ["hooks.example.com"])
    assert receiver.received[0].headers["host"] == "hooks.example.com"
    refused = deliver("https://other.example.com/hook")
    assert refused.status is None
    assert "Сертификат" in refused.error
    assert len(receiver.received) == 1


# How long it takes, what is read


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_whole_request_has_one_limit(receiver, brief, behaviour):
    receiver.plan = [behaviour]
    begun = time.monotonic()
    answer = deliver(receiver.url)
    assert time.monotonic() - begun < 2
    assert "10 секунд" in answer.error


def test_answer_counts_though_its_body_never_ends(receiver, brief):
    receiver.plan = [drip_body]
    answer = deliver(receiver.url)
    assert (answer.status, answer.is_taken, answer.error) == (200, True, "")


def test_no_more_is_read_than_is_kept_and_nothing_is_unpacked(receiver):
    receiver.plan = [flood]
    answer = deliver(receiver.url)
    assert len(answer.body) == ANSWER_LIMIT
    assert answer.body.startswith(b"\x1f\x8b")


def test_answer_in_crumbs_is_not_read_to_its_end(receiver):
    """It is cheap to send and dear to read: others would wait for it."""
    receiver.plan = [crumble]
    answer = deliver(receiver.url)
    assert (answer.status, answer.error) == (200, "")
    assert len(answer.body) <= PARTS_LIMIT


@pytest.mark.parametrize("behaviour", [garbage, reset, announce])
def test_broken_answer_is_told_in_words(receiver, behaviour):
    receiver.plan = [behaviour]
    answer = deliver(receiver.url)
    assert answer.status is None
    assert answer.error.endswith(".")
    assert receiver.received[0].headers["content-length"] == "2"


def test_server_that_is_not_there(receiver):
    receiver.close()
    assert deliver(receiver.url).error == "Сервер не принимает соединений."
