"""What people typed is shown as they typed it, with links, and never as markup."""

import re
from time import process_time

import pytest
from django.utils.html import strip_tags

from tickets.templatetags.words import as_typed, as_typed_letter
from tickets.text import clean_text

CODE = "\n".join(["server:", "  listen: 80", "\tif x < 1 && y:", "", "      deep"])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("см. https://a.example/x.", "https://a.example/x"),
        ("(https://a.example/x)", "https://a.example/x"),
        ("https://a.example/wiki_(x)", "https://a.example/wiki_(x)"),
        ("«https://a.example/x»", "https://a.example/x"),
        ("http://10.0.0.5:8080/a?b=1&c=2, и ещё", "http://10.0.0.5:8080/a?b=1&amp;c=2"),
        ("HTTPS://A.example", "HTTPS://A.example"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("https://пример.рф/путь!", "https://пример.рф/путь"),
        ("https://a.example/…", "https://a.example/"),
    ],
)
@pytest.mark.parametrize("show", [as_typed, as_typed_letter])
def test_addresses_are_links_without_the_punctuation_around(show, text, address):
    [link] = re.findall(r"<a [^>]*>[^<]*</a>", show(text))
    assert link.startswith(f'<a href="{address}" rel="noopener nofollow"')
    assert link.endswith(f">{address}</a>")


@pytest.mark.parametrize(
    ("text", "target"),
    [("пишите an@a.example.", "mailto:an@a.example"), ("www.a.example", "http://www.a.example")],
)
def test_short_addresses_lead_somewhere_too(text, target):
    assert f'href="{target}"' in as_typed(text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://", "www.", "a@b",
        "vm.example.com", "xhttp://a", f"https://a.example/{'x' * 3000}",
    ],
)  # fmt: skip
def test_what_is_no_address_is_no_link(text):
    assert "<a " not in as_typed(text)


@pytest.mark.parametrize("show", [as_typed, as_typed_letter])
@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(2)">',
        'https://a.example/"onmouseover="alert(1)',
        "```\n</pre><script>alert(1)</script>\n```",
        "http://a.example/<b>",
        "an@a.example'onclick='x",
    ],
)
def test_markup_stays_text(show, evil):
    shown = show(evil)
    assert not re.search(r"<(?!/?(a|pre|br)\b)", shown)
    assert not re.search(r"<a [^>]*(onmouseover|onclick)[^>]*=[^>]*>", shown)


@pytest.mark.parametrize("text", [CODE, f"Вот:\n{CODE}\nконец", "  один\n    два", "а  б\tв"])
def test_page_keeps_every_space(text):
    assert strip_tags(as_typed(text)).replace("&lt;", "<").replace("&amp;", "&") == text


def test_letter_keeps_every_space_where_no_style_does():
    assert as_typed_letter("a:\n  b: 1\n\tc  d") == (
        "a:<br>&nbsp; b: 1<br>&nbsp;&nbsp;&nbsp; c&nbsp; d"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("до\n```\n  x\n```\nпосле", "до<pre>\n  x</pre>после"),
        ("```yaml\n\nx\n```", "<pre>\n\nx</pre>"),
        ("```\nhttps://a.example\n```", "<pre>\nhttps://a.example</pre>"),
        ("```\nне закрыто", "```\nне закрыто"),
        ("```a```", "```a```"),
        ("```\na\n```\n```\nb\n```", "<pre>\na</pre><pre>\nb</pre>"),
    ],
)
def test_code_between_fences_is_shown_as_code(text, shown):
    assert as_typed(text) == shown


@pytest.mark.parametrize(
    "text",
    ["```x\n" * 4000, "a" * 20_000, "http://a" + ")" * 19_000, "a@" * 10_000, "a.a-" * 5000 + "@"],
)
def test_no_text_takes_long(text):
    begin = process_time()
    as_typed(text), as_typed_letter(text)
    assert process_time() - begin < 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\n  \n  server:\n    listen: 80\n\n", "  server:\n    listen: 80"),
        ("\tif x:\n\t\ty", "\tif x:\n\t\ty"),
        ("   привет  ", "привет"),
        ("  \n  привет", "привет"),
    ],
)
def test_first_line_of_pasted_code_keeps_its_indentation(typed, kept):
    assert clean_text(typed) == kept == clean_text(kept)
