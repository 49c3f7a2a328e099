"""Any text goes out in parts that Telegram takes and that lose nothing."""

from hypothesis import example, given
from hypothesis import strategies as st

from telegram_bot.utf16 import cut_utf16, split_utf16, utf16_length

texts = st.text(st.sampled_from("абв \n🙂👩\u200d💻\uffff"), max_size=200) | st.text()


@given(texts, st.integers(2, 60))
@example("🙂" * 3, 3)
def test_parts_joined_are_the_text(text, limit):
    parts = split_utf16(text, limit)
    assert "".join(parts) == text
    for part in parts:
        units = len(part.encode("utf-16-le")) // 2  # an error for half of a pair
        assert utf16_length(part) == units <= limit
        assert part or not text


@given(texts, st.integers(2, 60))
def test_cut_text_is_its_beginning(text, limit):
    cut = cut_utf16(text, limit)
    assert utf16_length(cut) <= limit
    assert cut == text or text.startswith(cut.removesuffix("…"))
