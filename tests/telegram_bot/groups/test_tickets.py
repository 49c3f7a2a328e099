"""What becomes of a ticket from a group: its status and its comments."""

from tests.telegram_bot.bot import JPEG, LOG, PNG, Chat
from tests.telegram_bot.groups.group_chat import MENTION, Member
from tests.telegram_bot.groups.talk import PROBLEM, change_status, only
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Face, Priority, Ticket
from tickets.status import TicketStatus

# What becomes of the ticket


def test_status_goes_to_the_group_and_to_the_requester(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    notice = in_group.seen[-1]
    assert notice["text"] == f"№ {ticket.pk}: 🆕 Новая → 🔧 В работе"
    assert notice["reply_to_message_id"] == in_group.last_id
    assert notice["silent"]
    assert "В работе" in chat.last["text"]


def test_rating_is_offered_in_private_only(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.RESOLVED, agent, "Секретный ответ специалиста")
    assert in_group.seen[-1]["text"] == f"№ {ticket.pk}: 🆕 Новая → ✅ Выполнена"
    assert list(in_group.telegram.buttons(in_group.seen[-1])) == ["👁 Открыть"]
    assert "⭐ Оценить выполнение" in chat.telegram.buttons(chat.last)
    chat.press("⭐ Оценить выполнение")
    chat.press("5 😀")
    assert in_group.seen[-1]["text"] == f"№ {ticket.pk}: ✅ Выполнена → 📁 Закрыта"


def test_status_of_another_ticket_stays_out_of_the_group(
    ticket, linked, in_group: Member, agent, bot, product
) -> None:
    private = services.open_ticket(
        requester=linked, product=product, title="Личное", description="Личное", face=Face.BOT
    )
    shown = len(in_group.seen)
    change_status(bot, private, TicketStatus.IN_PROGRESS, agent)
    assert len(in_group.seen) == shown


def test_group_never_reads_what_is_private(
    ticket, linked, in_group: Member, boris_in_group: Member, linked_boris, agent, bot
) -> None:
    by_agent = recording.agent(agent)
    services.set_priority(ticket=ticket, priority=Priority.CRITICAL, actor=by_agent)
    services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    add_comment(ticket=ticket, actor=by_agent, body="Секретный ответ")
    add_comment(ticket=ticket, actor=by_agent, body="Тайная заметка", internal=True)
    change_status(bot, ticket, TicketStatus.WAITING, agent, "Пришлите пароль")
    in_group.say("Секретный комментарий", reply_to=in_group.seen[-1]["message_id"])
    boris_in_group.say("А что там?", reply_to=in_group.seen[-1]["message_id"])
    bot.run_queue()
    shown = "\n".join(message["text"] for message in in_group.seen)
    private = [linked.email, linked.organization.email, "7916", "Секрет", "Тайн", "парол"]
    for word in [*private, "ритическ", "Орлова", agent.email]:
        assert word not in shown


def test_portal_name_is_not_shown_to_the_group(group, linked, in_group: Member) -> None:
    linked.username, linked.first_name, linked.last_name = linked.email, "", ""
    linked.save()
    assert linked.email not in in_group.mention(PROBLEM).text


def test_foreign_press_of_private_buttons_is_an_alert(
    ticket, in_group: Member, boris_in_group: Member, linked_boris, agent, bot
) -> None:
    change_status(bot, ticket, TicketStatus.RESOLVED, agent, "Готово.")
    for data in (f"score:{ticket.pk}:1", f"card:{ticket.pk}", f"return_yes:{ticket.pk}", "menu"):
        for member in (boris_in_group, in_group):
            answer = member.press(data, in_group.seen[-1])
            assert answer.toast == "Эта кнопка работает в личном чате с ботом."
            assert answer.named("answerCallbackQuery")[0]["params"]["show_alert"]
            assert answer.messages == []
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.RESOLVED, None)


# Comments from the group


def test_reply_to_the_confirmation_is_a_comment(ticket, in_group: Member) -> None:
    answer = in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    comment = ticket.comments.get()
    assert (comment.body, comment.face) == ("Стало хуже", Face.GROUP)
    assert only(answer)["text"] == f"✅ Комментарий добавлен к № {ticket.pk}"
    assert Ticket.objects.count() == 1


def test_reply_with_a_mention_to_the_confirmation_is_a_comment(ticket, in_group: Member) -> None:
    in_group.mention("Стало ещё хуже, чем было", reply_to=in_group.seen[-1]["message_id"])
    assert ticket.comments.get().body == "Стало ещё хуже, чем было"
    assert Ticket.objects.count() == 1


def test_album_reply_is_one_comment(ticket, in_group: Member) -> None:
    files = [("a.png", PNG), ("b.jpg", JPEG), ("c.txt", LOG)]
    answer = in_group.send(*files, caption="Снимки", reply_to=in_group.seen[-1]["message_id"])
    comment = ticket.comments.get()
    assert comment.body == "Снимки"
    assert [file.name for file in comment.attachments.all()] == [name for name, _data in files]
    assert len(answer.messages) == 1


def test_reply_of_another_member_is_no_comment(
    ticket, linked_boris, in_group: Member, boris_in_group: Member, viktor_in_group: Member
) -> None:
    confirmation = in_group.seen[-1]["message_id"]
    assert "Заявка не найдена или недоступна" in boris_in_group.say("И я", reply_to=confirmation)
    assert "зарегистрируйтесь" in viktor_in_group.say("И я", reply_to=confirmation)
    assert not ticket.comments.exists()


def test_edited_comment_is_corrected(ticket, in_group: Member) -> None:
    in_group.say(f"{MENTION} Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    edited = in_group.edit(in_group.last_id, f"Стало лучше, {MENTION}")
    assert f"Комментарий к № {ticket.pk} исправлен." in edited
    assert only(edited)["reply_to_message_id"] == in_group.sent["message_id"]
    assert ticket.comments.get().body == "Стало лучше"


def test_comment_edited_later_than_15_minutes_stays_and_says_so(
    ticket, in_group: Member, bot
) -> None:
    in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    bot.clock.advance(minutes=16)
    assert "больше 15 минут назад" in in_group.edit(in_group.last_id, "Стало лучше")
    assert ticket.comments.get().body == "Стало хуже"


def test_edited_reply_of_a_stranger_is_nothing(ticket, in_group: Member, viktor_in_group) -> None:
    viktor_in_group.say("У меня тоже", reply_to=in_group.seen[-1]["message_id"])
    assert viktor_in_group.edit(viktor_in_group.last_id, "И у меня").calls == []


def test_reply_to_a_persons_comment_is_no_comment(ticket, in_group: Member) -> None:
    """Only the bot's messages stand for the ticket in a group."""
    in_group.say("Стало хуже", reply_to=in_group.seen[-1]["message_id"])
    in_group.mention("А это совсем другая беда", reply_to=in_group.last_id)
    assert ticket.comments.count() == 1
    assert Ticket.objects.count() == 2


def test_comment_on_a_closed_ticket_is_refused(ticket, in_group: Member, agent, bot) -> None:
    change_status(bot, ticket, TicketStatus.CLOSED, agent, "Готово.")
    answer = in_group.say("Ещё раз", reply_to=in_group.seen[-1]["message_id"])
    assert f"Заявка № {ticket.pk} закрыта" in answer
    assert ticket.comments.get().body == "Готово."


def test_group_hears_that_the_requester_closed_it(
    ticket, in_group: Member, chat: Chat, bot
) -> None:
    chat.press_card(ticket, "✅ Вопрос решён")
    chat.press("✅ Да, закрыть")
    bot.run_queue()
    assert in_group.seen[-1]["text"] == f"№ {ticket.pk}: 🆕 Новая → 📁 Закрыта"
