"""Texts, file names and files, whatever they are: kept safe or refused, never an error."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tickets.attachments import NAME_LIMIT, check_file, check_signature, clean_file_name
from tickets.file_kinds import ACTIVE_TEXT, HEAD, PROGRAM, TAKEN, as_text, ending, extension
from tickets.refusals import FileRefused
from tickets.text import BIDI, clean_line, clean_text

anything = st.text(st.characters(exclude_categories=()))  # also lone surrogates
nasty = st.text(
    "аb1 \0\r\n\t\x0b\x1b\x85\u00a0\u2028\u2029\u200b\u200d\u202e\u2066\u0306и\ufeff\ud800\udfff"
    "\U000e0001\U000e0100\u3164\u2800\ufe0f🙂<&\u0340"
)
texts = anything | nasty
names = texts | st.builds("{}{}{}".format, texts, st.sampled_from(sorted(TAKEN)), texts)
STARTS = [
    b"", b"MZ", b"\x7fELF", b"PK\x03\x04", b"%PDF-", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf",
    b"\xff\xfe\0\0", b"GIF89a", b"RIFF", b"<svg ", b"#!/bin/sh", b"\0\0\0\x20ftyp",
]  # fmt: skip
# Cf, but with a shape of their own
NUMBER_SIGNS = set(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
heads = st.builds(
    lambda start, rest: (start + rest)[:HEAD],
    st.sampled_from(STARTS),
    st.binary(max_size=HEAD) | texts.map(lambda text: text.encode("utf-16", "surrogatepass")),
)


def is_seen(character: str) -> bool:
    if unicodedata.category(character) == "Cf":
        return character in NUMBER_SIGNS
    return not character.isspace()


@given(texts)
@example("\U000e0001\U000e0020")
@example("\u202e\u200b\u2066")
def test_clean_text(text):
    clean = clean_text(text)
    clean.encode()  # no half of a pair
    assert clean == clean_text(clean) == unicodedata.normalize("NFC", clean).rstrip()
    first, _newline, others = clean.partition("\n")
    assert first.strip() or not clean
    assert others or first == first.lstrip()  # only the first of several lines may be indented
    assert not [c for c in clean if unicodedata.category(c) == "Cc" and c not in "\t\n"]
    assert not [c for c in clean if "\u202a" <= c <= "\u202e" or c in BIDI.replace("-", "")]
    assert not clean or any(map(is_seen, clean))


@given(texts)
def test_clean_line(text):
    line = clean_line(text)
    assert line == clean_line(line) == " ".join(line.split())
    assert "\n" not in line
    assert bool(line) == bool(clean_text(text))


@given(names)
@example("Ж" * 200 + ".sql.gz.1")
@example("İ" * 130 + ".log")
@example(". . a")
@example("\u0301.pdf")
def test_clean_file_name(name):
    clean = clean_file_name(name)
    assert clean == clean_file_name(clean) == clean_line(clean)
    assert 0 < len(clean) <= NAME_LIMIT
    assert not clean.startswith(".")
    assert not {"/", "\\", "\0", "\n"} & set(clean)


@given(st.text("абв.-_ 1", min_size=1, max_size=300), st.sampled_from(sorted(TAKEN)),
       st.sampled_from(["", ".1", ".2026-11-20", "-20261120", ".old"]))  # fmt: skip
def test_long_name_stays_of_its_kind(start, kind, rotation):
    name = clean_file_name(f"ж{start}{kind.upper()}{rotation}")
    check_file(name=name, size=0)
    assert extension(name) == kind
    assert ending(name).lower() == kind + rotation


@given(names, heads)
def test_file_is_taken_or_refused(name, head):
    name = clean_file_name(name)
    try:
        check_file(name=name, size=len(head))
        kind = check_signature(name=name, head=head)
    except FileRefused:
        return
    assert extension(name) in TAKEN
    if kind == "text/plain":
        assert as_text(head) is not None
    else:
        assert not PROGRAM.match(head)


@given(heads, st.sampled_from(["a.pdf", "a.jpg", "a.docx", "a.zip", "a.xls"]))
def test_nothing_active_passes_under_another_name(head, name):
    text = as_text(head)
    try:
        kind = check_signature(name=name, head=head)
    except FileRefused:
        return
    if kind == "text/plain":
        assert not ACTIVE_TEXT.match(text)


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@given(text=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_text_in_unicode_is_text(code, text):
    assert check_signature(name="a.log", head=text.encode(code)[:HEAD])
