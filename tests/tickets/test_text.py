import pytest

from config.numerals import file_size, plural
from telegram_bot.utf16 import cut_utf16, split_utf16, utf16_length
from tickets.text import clean_line, clean_text, cut


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("  Нет связи \n", "Нет связи", id="outer space"),
        pytest.param("а\r\nб\rв\u2028г\u2029д", "а\nб\nв\nг\nд", id="every kind of newline"),
        pytest.param("а\0б\x07\x1b[31m\x7f\x9f", "аб[31m", id="controls"),
        pytest.param("таб\tостаётся", "таб\tостаётся", id="tab"),
        pytest.param("и\u0306", "й", id="NFC"),
        pytest.param("счёт\u202egpj.exe\u202c", "счётgpj.exe", id="bidi override"),
        pytest.param("\u2066а\u2069\u200e\u200f\u061c", "а", id="bidi isolates and marks"),
        pytest.param("а\ud800б\udfff", "аб", id="lone surrogates"),
        pytest.param("\ufeffа\ufffe\uffff", "а", id="byte order mark and noncharacters"),
        pytest.param("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f", id="joined emoji stays whole"),
        pytest.param("🏴\U000e0067\U000e007f", "🏴\U000e0067\U000e007f", id="tags of a flag"),
        pytest.param("<b>&amp;{{ x }}", "<b>&amp;{{ x }}", id="markup is text"),
    ],
)
def test_clean_text(text, clean):
    assert clean_text(text) == clean
    assert clean_text(clean) == clean


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\u200b\u200c\u200d", "\u2060", "\u00ad", "\u3164", "\u2800 \u2800", "\ufe0f",
     "\u202e\u200b", "\0\x01", "\u00a0\u2003", "\u180e",
     "\U000e0001\U000e0020", "\U000e0100", "\ufff9\ufffb", "\ud800"],
)  # fmt: skip
def test_text_in_which_nothing_is_seen_is_empty(text):
    assert clean_text(text) == ""
    assert clean_line(text) == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Тема\r\nBcc: all@example.com", "Тема Bcc: all@example.com"),
        ("а\u2028б\u2029в\rг\x85\x0bд", "а б в гд"),
        ("а \0 б", "а б"),
        ("  много   пробелов\t\tтут ", "много пробелов тут"),
    ],
)
def test_clean_line_is_one_line(text, line):
    assert clean_line(text) == line


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("абв", 3, "абв"), ("абвг", 3, "аб…"), ("аб вг", 4, "аб…"), ("", 3, "")],
)
def test_cut(text, limit, expected):
    assert cut(text, limit) == expected


@pytest.mark.parametrize(
    ("text", "units"),
    [("", 0), ("абв", 3), ("🙂", 2), ("а🙂б", 4), ("👩\u200d💻", 5), ("\uffff", 1)],
)
def test_utf16_length(text, units):
    assert utf16_length(text) == units == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("абв", 3, "абв"),
        ("абвг", 3, "аб…"),
        ("🙂🙂", 4, "🙂🙂"),
        ("🙂🙂🙂", 4, "🙂…"),
        ("🙂🙂🙂", 5, "🙂🙂…"),
        ("аб вг", 4, "аб…"),
    ],
)
def test_cut_utf16(text, limit, expected):
    assert cut_utf16(text, limit) == expected
    assert utf16_length(cut_utf16(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        pytest.param("", 5, [""], id="nothing"),
        pytest.param("абвгд", 5, ["абвгд"], id="just fits"),
        pytest.param("абвгде", 5, ["абвгд", "е"], id="no white space"),
        pytest.param("аб вгд еж", 7, ["аб вгд ", "еж"], id="after a space"),
        pytest.param("абв\nгд еж", 6, ["абв\n", "гд еж"], id="after a newline"),
        pytest.param("а бвгдежз", 6, ["а бвгд", "ежз"], id="space too far back"),
        pytest.param("абвгд ежз", 5, ["абвгд", " ежз"], id="space just behind"),
        pytest.param("🙂🙂🙂", 4, ["🙂🙂", "🙂"], id="emoji just fits"),
        pytest.param("🙂🙂🙂", 5, ["🙂🙂", "🙂"], id="emoji is not halved"),
        pytest.param("а🙂🙂", 4, ["а🙂", "🙂"], id="emoji over the limit"),
        pytest.param("     ", 2, ["  ", "  ", " "], id="only spaces"),
    ],
)
def test_split_utf16(text, limit, parts):
    assert split_utf16(text, limit) == parts


@pytest.mark.parametrize("limit", [2, 3, 7, 300])
@pytest.mark.parametrize(
    "text",
    [
        "слово " * 100,
        "строка\n" * 90,
        "🙂" * 400,
        "а" + "🙂" * 400,
        "👩\u200d💻 и текст\n\n" * 30,
        "безпробелов" * 70,
        "\n" * 500,
        "x" * 300,
        "x" * 301,
    ],
)
def test_split_parts_are_within_the_limit_and_joined_give_the_text(text, limit):
    parts = split_utf16(text, limit)
    assert "".join(parts) == text
    assert all(0 < utf16_length(part) <= limit for part in parts)


def test_split_makes_no_more_parts_than_half_full_ones():
    text = "слово и ещё слово\n" * 1000
    assert len(split_utf16(text, 3000)) <= 2 * len(text) / 3000 + 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "заявок"), (1, "заявка"), (2, "заявки"), (4, "заявки"), (5, "заявок"), (11, "заявок"),
     (14, "заявок"), (21, "заявка"), (22, "заявки"), (111, "заявок"), (112, "заявок"),
     (101, "заявка")],
)  # fmt: skip
def test_plural(number, expected):
    assert plural(number, "заявка", "заявки", "заявок") == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 Б"), (1023, "1023 Б"), (1024, "1 КБ"), (10 * 1024, "10 КБ"),
     (20 * 1024**2, "20 МБ"), (1024**2 * 3 // 2, "1,5 МБ"), (1536, "1,5 КБ"),
     (1024**2 - 1, "1 МБ"), (1024**2 - 100, "1023,9 КБ"), (1024**2, "1 МБ"),
     (10 * 1024 + 512, "10,5 КБ"), (50 * 1024**2 + 1, "50 МБ")],
)  # fmt: skip
def test_file_size(size, expected):
    assert file_size(size) == expected
