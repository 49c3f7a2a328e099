"""Letters show code and indentation as they were typed, in both of their forms."""

from django.core import mail

from tests.factories import open_ticket
from tests.mail.outbox import answer, send_due

CODE = "  server:\n\tlisten: 80  # <b>\n```\nif x:\n    y\n```\nсм. https://a.example/x."


def html(letter) -> str:
    [(content, _type)] = letter.alternatives
    return content


def test_answer_in_a_letter(ticket, by_agent):
    answer(ticket, by_agent, CODE)
    letter = mail.outbox[0]
    assert f"\n{CODE}\n" in letter.body
    shown = html(letter)
    assert "&nbsp; server:<br>&nbsp;&nbsp;&nbsp; listen: 80&nbsp; # &lt;b&gt;<pre " in shown
    assert ">\nif x:\n    y</pre>см. " in shown
    assert '<a href="https://a.example/x" rel="noopener nofollow"' in shown


def test_description_in_a_letter_to_the_desk(anna, desk):
    open_ticket(anna, description=CODE)
    send_due()
    [letter] = [letter for letter in mail.outbox if letter.to == [desk]]
    assert CODE in letter.body
    assert "&nbsp; server:<br>" in html(letter)
