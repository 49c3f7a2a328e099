"""What people type or paste, whatever it is: understood or refused, never an error."""

import re

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.phone import contact_phone, normalise_phone
from accounts.typed import pin_in, without_invisible

anything = st.text(st.characters(exclude_categories=()))  # also lone surrogates
invisible = st.text("\u200b\u200e\u202d\u202c\u2066\u2069\u00ad\ufeff\u061c", max_size=2)
gap = st.text(" \u00a0\u202f\u2009-\u2013\u2212", max_size=2)
digits = st.text("0123456789", min_size=6, max_size=6)
words = st.text(st.characters(exclude_categories=("Nd", "No", "Cs", "Cf")), max_size=20)


def dressed(text: str, between: list[str]) -> str:
    return "".join(part + add for part, add in zip(text, between, strict=False))


@given(anything | st.from_regex(r"[+78 ()0-9\u00a0-]{9,20}"))
@example("\u202d+79161230003\u202c")
def test_phone_is_normal_or_refused(text):
    try:
        phone = normalise_phone(text)
    except ValidationError:
        return
    assert re.fullmatch(r"\+7[0-9]{10}", phone)
    assert normalise_phone(phone) == phone
    assert contact_phone(phone) == phone


@given(st.text("0123456789", min_size=10, max_size=10), st.lists(gap, min_size=12, max_size=12),
       st.lists(invisible, min_size=40, max_size=40), st.sampled_from(["+7", "8"]))  # fmt: skip
def test_phone_is_known_in_any_dress(number, gaps, marks, start):
    text = dressed(dressed(start, [""] * 2) + dressed(number, gaps), marks)
    assert normalise_phone(text) == "+7" + number


@given(anything)
def test_contact_is_an_ascii_phone_or_none(text):
    phone = contact_phone(text)
    assert phone is None or re.fullmatch(r"\+7[0-9]{10}", phone)


@given(anything | st.text("0123456789٣３² -_.\u00a0", max_size=12))
def test_pin_is_six_ascii_digits_or_nothing(text):
    pin = pin_in(text)
    assert re.fullmatch(r"(?:[0-9]{6})?", pin)
    if pin:
        assert "".join(filter(str.isdigit, text)) == pin
        assert pin_in(pin) == pin


@given(digits, st.lists(gap, min_size=5, max_size=5), words, words, invisible)
def test_pin_is_found_in_any_sentence(pin, gaps, before, after, mark):
    text = before + mark + dressed(pin, [*gaps, ""]) + mark + after
    assert pin_in(text) == pin


@given(anything)
def test_what_is_invisible_is_dropped_once_and_for_all(text):
    seen = without_invisible(text)
    assert without_invisible(seen) == seen


@pytest.mark.parametrize("text", ["\u202d+79161230003\u202c", "8\u200b9161230003"])
def test_contact_stays_strict(text):
    assert contact_phone(text) is None
