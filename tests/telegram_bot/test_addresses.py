"""The bot knows a few addresses by itself; they are those of the portal and the desk."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from telegram_bot import addresses


def names(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, list[int]]]:
    """Each name with as many arguments as its address takes."""
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from names(one.url_patterns, f"{one.namespace}:")
        else:
            yield f"{namespace}{one.name}", [7] * len(one.pattern.converters)


@pytest.mark.parametrize(("name", "values"), list(names(addresses.urlpatterns)))
def test_address_is_that_of_the_page(name: str, values: list[int]) -> None:
    assert reverse(name, addresses.__name__, values) == reverse(name, args=values)
