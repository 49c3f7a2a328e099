"""A ticket from the message replied to, and one ticket per message."""

import pytest

from telegram_bot.models import GroupTicket
from tests.telegram_bot.bot import JPEG, LOG, PNG, stored_files
from tests.telegram_bot.groups.group_chat import GROUP, MENTION, GroupBot, Member
from tests.telegram_bot.groups.talk import PROBLEM, only, reactions
from tickets.models import Attachment, Ticket

OGG = b"OggS" + bytes(32)


# A ticket from the message replied to


def test_reply_with_a_mention_takes_anothers_message(
    group, in_group: Member, viktor_in_group: Member, linked
) -> None:
    source = viktor_in_group.write("Пропал доступ к базе. Код <403>")
    confirmation = only(in_group.say(f"{MENTION} посмотрите", reply_to=source))
    ticket = Ticket.objects.get()
    assert ticket.requester == linked
    assert ticket.title == "Пропал доступ к базе."
    assert ticket.description == (
        "Сообщение участника Виктор Гость:\nПропал доступ к базе. Код <403>\n\nпосмотрите"
    )
    assert confirmation["reply_to_message_id"] == source
    assert "Автор: Анна Кузнецова" in confirmation["text"]
    assert "Из альбома" not in confirmation["text"]
    assert reactions(in_group, source) == ["👀"]
    assert GroupTicket.objects.get().message_id == source


def test_reply_to_ones_own_message(group, in_group: Member) -> None:
    source = in_group.write(PROBLEM)
    in_group.say(MENTION, reply_to=source)
    assert Ticket.objects.get().description == f"Сообщение участника Анна Кузнецова:\n{PROBLEM}"


def test_reply_to_a_file_with_a_caption(group, in_group: Member, viktor_in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("log.txt", LOG), chat=GROUP, caption=PROBLEM)
    in_group.say(MENTION, reply_to=source["message_id"])
    ticket = Ticket.objects.get()
    assert PROBLEM in ticket.description
    assert stored_files(ticket) == [("log.txt", LOG)]


def test_reply_to_a_voice_message_takes_it_as_a_file(group, in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("v.ogg", OGG), chat=GROUP, kind="voice")
    in_group.say(MENTION, reply_to=source["message_id"])
    ticket = Ticket.objects.get()
    [(name, content)] = stored_files(ticket)
    assert (name, content) == (f"voice_{source['message_id']}.ogg", OGG)
    assert "Виктор Гость" in ticket.description


def test_reply_brings_its_own_file_too(group, in_group: Member, viktor_in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("log.txt", LOG), chat=GROUP)["message_id"]
    in_group.send(("s.png", PNG), caption=f"{MENTION} и снимок", reply_to=source)
    assert stored_files(Ticket.objects.get()) == [("log.txt", LOG), ("s.png", PNG)]


def test_reply_to_a_short_message_is_too_short(
    group, in_group: Member, viktor_in_group: Member
) -> None:
    source = viktor_in_group.write("упало")
    assert "не менее 10 символов" in in_group.say(MENTION, reply_to=source)
    assert not Ticket.objects.exists()


def test_reply_to_a_sticker_is_about_the_reply(group, in_group: Member) -> None:
    source = in_group.telegram.files("viktor", ("s.webp", b"RIFF"), chat=GROUP, kind="sticker")
    in_group.say(f"{MENTION} {PROBLEM}", reply_to=source["message_id"])
    assert Ticket.objects.get().description == PROBLEM


def test_reply_to_the_bots_own_words_is_about_the_reply(group, in_group: Member) -> None:
    in_group.mention("мало")
    refusal = in_group.seen[-1]["message_id"]
    in_group.say(f"{MENTION} {PROBLEM}", reply_to=refusal)
    assert Ticket.objects.get().description == PROBLEM


def test_reply_in_a_topic(group, in_group: Member, viktor_in_group: Member) -> None:
    in_group.act("create_topic", title="БД")
    topic = in_group.telegram.state()["groups"][0]["topics"][0]["id"]
    in_group.mention(PROBLEM, topic=topic)
    assert Ticket.objects.get().description == PROBLEM  # it only seems to reply to the topic
    source = viktor_in_group.write("Пропал доступ к базе", topic=topic)
    confirmation = only(in_group.say(MENTION, reply_to=source))
    assert "Виктор Гость" in Ticket.objects.latest("pk").description
    assert (confirmation["topic"], confirmation["reply_to_message_id"]) == (topic, source)


# One ticket per message


def test_second_mention_of_a_message_names_its_ticket(
    group, linked_boris, in_group: Member, boris_in_group: Member, viktor_in_group: Member
) -> None:
    source = viktor_in_group.write(PROBLEM)
    in_group.say(MENTION, reply_to=source)
    number = Ticket.objects.get().pk
    for member in (in_group, boris_in_group):
        answer = member.say(f"{MENTION} и у меня тоже беда", reply_to=source)
        assert only(answer)["text"] == f"По этому сообщению уже есть заявка № {number}."
    assert Ticket.objects.count() == 1


def test_reply_with_a_mention_to_a_mention_names_its_ticket(
    group, ticket, linked_boris, in_group: Member, boris_in_group: Member
) -> None:
    answer = boris_in_group.say(f"{MENTION} вот это", reply_to=in_group.last_id)
    assert f"уже есть заявка № {ticket.pk}" in answer


@pytest.mark.parametrize("caption", [f"{MENTION} {PROBLEM}", PROBLEM])
def test_second_mention_of_an_album_names_its_ticket(
    group, linked_boris, in_group: Member, boris_in_group: Member, caption
) -> None:
    """Whichever of its parts is meant, and whether it had the mention itself or got it by reply."""
    in_group.send(("a.png", PNG), ("b.png", PNG), caption=caption)
    first, last = (part["message_id"] for part in in_group.sent["messages"])
    in_group.say(f"{MENTION} вот этот альбом", reply_to=first)
    answer = boris_in_group.say(f"{MENTION} вот этот альбом", reply_to=last)
    assert f"уже есть заявка № {Ticket.objects.get().pk}" in answer


def test_edited_mention_opens_nothing(group, ticket, in_group: Member) -> None:
    answer = in_group.edit(in_group.last_id, f"{MENTION} {PROBLEM} И ещё кое-что")
    assert answer.calls == []
    assert Ticket.objects.get().description == PROBLEM


def test_edit_that_adds_the_mention_opens_the_first(group, in_group: Member) -> None:
    message = in_group.write(PROBLEM)
    in_group.edit(message, f"{MENTION} {PROBLEM}")
    in_group.edit(message, f"{MENTION} {PROBLEM}!")
    assert Ticket.objects.get().description == PROBLEM
    assert GroupTicket.objects.get().message_id == message


def test_edit_that_makes_it_long_enough_opens_the_first(group, in_group: Member) -> None:
    in_group.mention("мало")
    in_group.edit(in_group.last_id, f"{MENTION} {PROBLEM}")
    assert Ticket.objects.count() == 1


def test_reply_to_an_album_says_that_one_file_came(
    group, in_group: Member, viktor_in_group: Member
) -> None:
    album = [(f"{number}.jpg", JPEG) for number in range(3)]
    viktor_in_group.telegram.files("viktor", *album, kind="photo", chat=GROUP, caption=PROBLEM)
    source = viktor_in_group.all_seen[-3]["message_id"]
    answer = in_group.say(MENTION, reply_to=source)
    assert Ticket.objects.get().attachments.count() == 1
    assert "Из альбома Telegram передал мне один файл." in answer
    added = in_group.telegram.files(
        "anna", *album[1:], kind="photo", chat=GROUP, reply_to=only(answer)["message_id"]
    )
    assert added
    in_group.bot.catch_up()
    assert Attachment.objects.count() == 3


def test_mention_added_to_a_second_part_of_an_album_opens_nothing(group, in_group: Member) -> None:
    sent = in_group.telegram.files(
        "anna", ("a.png", PNG), ("b.png", PNG), chat=GROUP, caption=f"{MENTION} {PROBLEM}"
    )
    last = sent["messages"][-1]["message_id"]
    in_group.edit(last, f"{MENTION} второй снимок с ошибкой")
    assert Ticket.objects.count() == 1
    assert len(stored_files(Ticket.objects.get())) == 2


def test_update_that_comes_twice_opens_one_ticket(group, in_group: Member, bot: GroupBot) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    in_group.telegram.fault("lost_answer", method="sendMessage")
    bot.catch_up()
    bot.clock.advance(minutes=1)
    bot.run_queue()
    assert Ticket.objects.count() == 1
