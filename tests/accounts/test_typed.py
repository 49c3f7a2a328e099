import pytest

from accounts.typed import pin_in, without_invisible


@pytest.mark.parametrize(
    "text",
    ["123456", " 123456\n", "123 456", "123\u00a0456", "123\u202f456", "12-34-56", "123 – 456",
     "1 2 3 4 5 6", "Ваш код: 123 456.", "Ваш код:\u00a0123\u00a0456\u00a0.", "\u202d123456\u202c",
     "123\u200b456", "\ufeff123\u00ad456", "код-123456", "№123456", "(123456)", "123456 😀"],
)  # fmt: skip
def test_pin_is_found(text):
    assert pin_in(text) == "123456"


@pytest.mark.parametrize(
    "text",
    ["", "12345", "1234567", "123 45", "123_456", "123,456", "123.456", "123\n456", "1e23456",
     "123456 123456", "123456 и ещё 10 минут", "12345６", "１２３４５６", "١٢٣٤٥٦", "123456²",
     "Ⅵ", "²²²²²²", "\0", "\ud800", "123456" * 700],
)  # fmt: skip
def test_nothing_else_is_a_pin(text):
    assert pin_in(text) == ""


def test_without_invisible_keeps_what_is_seen():
    assert without_invisible("\u202dа\u200b б\u2066\u00ad\ufeff") == "а б"
    assert without_invisible("и\u0306 🙂\n") == "и\u0306 🙂\n"
