"""Text: its entities, its length, and what is refused."""

import httpx
import pytest

from sandbox.entities import HtmlParser, detect_entities, utf16_length
from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, BORIS, Api


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<b>а</b> <i>б</i>", "а б", ["bold", "italic"]),
        ("<blockquote expandable>а</blockquote>", "а", ["expandable_blockquote"]),
        ('<span class="tg-spoiler">а</span>', "а", ["spoiler"]),
        ('<a href="https://a.ru/?x=1&amp;y=2">а</a>', "а", ["text_link"]),
        ('<a href="javascript:alert(1)">а</a>', "а", []),
        ('<pre><code class="language-sql">x</code></pre>', "x", ["pre"]),
        ("&lt;b&gt; &#1080; &nbsp;", "<b> и &nbsp;", []),
        ("<B>а</B><b></b>", "а", ["bold"]),
    ],
)
def test_html_becomes_entities(html: str, text: str, kinds: list[str]) -> None:
    parsed, entities = HtmlParser(html).parse()

    assert (parsed, [entity["type"] for entity in entities]) == (text, kinds)


@pytest.mark.parametrize(
    ("html", "error"),
    [
        ("а <br> б", 'Unsupported start tag "br" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b>а", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>а</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
        ("а</b>", "Unexpected end tag at byte offset 2"),
        ("<b", 'Unclosed start tag "b" at byte offset 0'),
        ("<span>а</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_bad_html_is_refused(anna: Sandbox, api: Api, html: str, error: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=html, parse_mode="HTML")

    assert refusal == f"400 Bad Request: can't parse entities: {error}"


def test_offsets_count_utf16_units_of_the_trimmed_text(anna: Sandbox, api: Api) -> None:
    message = api.say(" \n🔥<b>а</b> \n", parse_mode="HTML")

    assert message["text"] == "🔥а"
    assert message["entities"] == [{"type": "bold", "offset": 2, "length": 1}]


def test_commands_mentions_and_addresses_are_found() -> None:
    text = "/new@support_sandbox_bot 🔥 @anna_k https://a.ru/x, a@b.ru #тег 1/2 a@b"

    found = {
        entity["type"]: (entity["offset"], entity["length"]) for entity in detect_entities(text, [])
    }

    assert found == {
        "bot_command": (0, 24),
        "mention": (28, 7),
        "url": (36, 14),
        "email": (52, 6),
        "hashtag": (59, 4),
    }


def test_mention_by_id_names_the_person(anna: Sandbox, api: Api) -> None:
    message = api.say(
        f'<a href="tg://user?id={BORIS}">Борис</a>, <a href="tg://user?id=7">кто-то</a>',
        parse_mode="HTML",
    )

    assert [entity["user"]["first_name"] for entity in message["entities"]] == ["Борис"]


def test_code_holds_no_found_entities(anna: Sandbox, api: Api) -> None:
    message = api.say("<code>/new https://a.ru</code>", parse_mode="HTML")

    assert [entity["type"] for entity in message["entities"]] == ["code"]


@pytest.mark.parametrize("text", ["", "  \n ", "<b> </b>"])
def test_empty_text_is_refused(anna: Sandbox, api: Api, text: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=text, parse_mode="HTML")

    assert refusal == "400 Bad Request: message text is empty"


def test_length_is_counted_after_parsing(anna: Sandbox, api: Api) -> None:
    longest = "🔥" * 2048
    assert utf16_length(longest) == 4096

    api.say(f"<b>{longest}</b>", parse_mode="HTML")
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=longest + "!")

    assert refusal == "400 Bad Request: message is too long"


def test_long_caption_is_refused(anna: Sandbox, api: Api) -> None:
    files = {"document": ("a.txt", b"text")}

    api.call("sendDocument", files, chat_id=ANNA, caption="а" * 1024)
    refusal = api.refusal("sendDocument", files, chat_id=ANNA, caption="а" * 1025)

    assert refusal == "400 Bad Request: message caption is too long"


def test_lone_surrogate_is_refused_from_the_bot(anna: Sandbox) -> None:
    body = b'{"chat_id": 510000001, "text": "\\ud800"}'
    headers = {"Content-Type": "application/json"}

    answer = httpx.post(
        f"{anna.url}/bot{anna.token}/sendMessage", content=body, headers=headers, trust_env=False
    ).json()

    assert answer["description"] == "Bad Request: strings must be encoded in UTF-8"
