"""The set-up of compose.yaml: closed services, exact versions, and a proxy that takes bodies in."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tickets.attachments import MAX_FILES, MAX_SIZE

ROOT = Path(settings.BASE_DIR)
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NGINX = (ROOT / "nginx.conf").read_text()
ONCE = {"migrate"}  # ends, so that it has no health
EXACT = re.compile(r"[\w./-]+:\d+\.\d+\.?\d*-\S+")  # no tag that moves with the next version

every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@every_service
def test_service_is_nobody_to_the_host(name: str) -> None:
    runs_as = SERVICES[name].get("user") or image_user()

    assert runs_as.partition(":")[0] not in {"", "0", "root"}


def image_user() -> str:
    """The last word of the image about who runs it."""
    return re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_service_tells_of_its_health(name: str) -> None:
    check = SERVICES[name]["healthcheck"]

    assert check["test"]
    assert check["interval"]
    assert SERVICES[name]["restart"] == "always"


@every_service
def test_service_has_a_place_to_write(name: str) -> None:
    service = SERVICES[name]
    places = [each.partition(":")[0] for each in service.get("tmpfs", [])]
    places += [each.split(":")[1] for each in service["volumes"]]

    assert "/tmp" in places  # noqa: S108


def test_every_version_is_exact() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert len(images) == 3
    assert [image for image in images if not EXACT.fullmatch(image)] == []


def test_only_the_proxy_is_published_and_on_loopback_only() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}

    assert published.keys() == {"proxy"}
    assert all(port.startswith("127.0.0.1:") for port in published["proxy"])


def test_portal_trusts_the_address_of_the_proxy_only() -> None:
    address = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]

    assert SERVICES["web"]["environment"]["TRUSTED_PROXIES"] == address
    assert f"set_real_ip_from {network['gateway']};" in NGINX
    assert network["ip_range"] == "172.30.0.128/25"  # which holds no address of the proxy


def test_proxy_takes_no_more_than_the_largest_form() -> None:
    limits = re.findall(r"client_max_body_size (\d+)m;", NGINX)

    assert limits == ["1", "510"]
    assert MAX_FILES * MAX_SIZE < 510 * 1024**2 < MAX_FILES * MAX_SIZE * 1.1
    assert f"location ~ ^/(tickets|{settings.ADMIN_PATH.strip('/')})/" in NGINX


def test_proxy_waits_for_bodies_itself_and_writes_no_addresses_down() -> None:
    assert "proxy_request_buffering on;" in NGINX
    assert "client_body_timeout 20s;" in NGINX
    assert "access_log off;" in NGINX
    assert "error_log stderr crit;" in NGINX
