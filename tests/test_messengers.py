"""The domain knows no messenger by name, not even in a string."""

import ast

import pytest

from tests.test_imports import ROOT, sources

# Where accounts and tickets may name a messenger: a face has to be called something
FACES = {("tickets/models/tickets.py", name) for name in ("Telegram", "группа Telegram")}


@pytest.mark.parametrize("package", ["accounts", "tickets"])
def test_the_domain_names_no_messenger(package):
    found = {
        (path, node.value)
        for path in sources()
        if path.startswith(f"{package}/")
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "telegram" in node.value.lower()
    }
    assert found <= FACES
