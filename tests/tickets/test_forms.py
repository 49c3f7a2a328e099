"""One act for one form, whichever face it comes from."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction

from tests.files import pdf
from tests.threads import in_parallel
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.drafts import Mark, save_draft
from tickets.forms import Done, Sending, fingerprint, once, read_key, recall
from tickets.models import Draft, FormKey
from tickets.refusals import KeyReused, TicketClosed


@pytest.fixture
def sending(anna, ticket):
    print_ = fingerprint({"body": "Слова"})
    return Sending(user=anna, purpose="comment", key=uuid4(), fingerprint=print_, ticket=ticket)


def test_act_happens_once_and_is_told_twice(sending):
    acts = []

    def act(_files):
        acts.append(1)
        return {"comment": len(acts)}

    assert once(sending, act) == Done({"comment": 1}, is_new=True)
    assert once(sending, act) == Done({"comment": 1})
    assert recall(sending) == Done({"comment": 1})


@pytest.mark.parametrize("other", [{"purpose": "return"}, {"fingerprint": "x" * 64}])
def test_key_with_another_content_tells_what_it_made(sending, other):
    once(sending, lambda _files: {"comment": 5})
    with pytest.raises(KeyReused) as caught:
        once(replace(sending, **other), lambda _files: pytest.fail("a second act"))
    assert caught.value.made == {"comment": 5}
    assert caught.value.code == "key_reused"


def test_without_a_key_each_press_acts(sending):
    keyless = replace(sending, key=None)
    assert once(keyless, lambda _files: {}).is_new
    assert once(keyless, lambda _files: {}).is_new
    assert not FormKey.objects.exists()


def test_key_of_another_person_is_another_form(sending, boris):
    once(sending, lambda _files: {})
    assert once(replace(sending, user=boris), lambda _files: {}).is_new


def test_refused_act_leaves_nothing_and_keeps_the_draft(sending, anna, ticket):
    save_draft(mark=Mark(anna.pk, "comment", ticket.pk), key=None, post={"body": "Слова"})

    def refuse(_files):
        raise TicketClosed

    with pytest.raises(TicketClosed):
        once(sending, refuse)
    assert not FormKey.objects.exists()
    assert Draft.objects.exists()
    assert once(sending, lambda _files: {}).is_new
    assert not Draft.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_key_and_effect_are_one_transaction(sending, by_anna, ticket):
    def act(_files):
        assert connection.in_atomic_block
        add_comment(ticket=ticket, actor=by_anna, body="Слова")
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        once(sending, act)
    assert not ticket.comments.exists()
    assert not FormKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_second_press_waits_for_the_first(sending, by_anna, ticket):
    def act(_files):
        return {"comment": add_comment(ticket=ticket, actor=by_anna, body="Слова").pk}

    done = in_parallel(*[lambda: once(sending, act)] * 12)
    assert ticket.comments.count() == 1
    assert {one.made["comment"] for one in done} == {ticket.comments.get().pk}
    assert [one.is_new for one in done].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_press_after_a_refused_one_acts(sending):
    with pytest.raises(TicketClosed), transaction.atomic():
        once(sending, lambda _files: (_ for _ in ()).throw(TicketClosed))
    assert once(sending, lambda _files: {}).is_new


def test_fingerprint_knows_names_sizes_and_contents():
    files = [pdf("a.pdf", b"%PDF-1"), pdf("a.pdf", b"%PDF-2"), pdf("b.pdf", b"%PDF-1")]
    announced = NewFile("a.pdf", 6)
    prints = {fingerprint({"body": "x"}, given) for given in [(), *([one] for one in files)]}
    prints |= {fingerprint({"body": "y"}), fingerprint({"body": "x"}, [announced])}
    assert len(prints) == 6
    again = NewFile("a.pdf", 6, content=ContentFile(b"%PDF-1"))
    assert fingerprint({"body": "x"}, [again]) == fingerprint({"body": "x"}, [files[0]])
    assert again.content.read() == b"%PDF-1"  # not used up


@pytest.mark.parametrize("text", ["", "x", "٥" * 32, "1" * 4000])
def test_what_is_no_key_is_none(text):
    assert read_key(text) is None
