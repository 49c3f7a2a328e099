"""What is said in the group, and what stands there afterwards."""

from tests.local_telegram import Json
from tests.telegram_bot.bot import Answer, Bot
from tests.telegram_bot.groups.group_chat import Member
from tickets import recording, services
from tickets.models import Ticket
from tickets.status import TicketStatus

PROBLEM = "Не открывается консоль кластера. Ошибка 502 с утра."
TITLE = "Не открывается консоль кластера."


def change_status(bot: Bot, ticket: Ticket, to: TicketStatus, agent, answer: str = "") -> None:
    services.change_status(ticket=ticket, to=to, actor=recording.agent(agent), answer=answer)
    bot.run_queue()


def reactions(member: Member, message_id: int) -> list[str]:
    found = {message["message_id"]: message["reactions"] for message in member.all_seen}
    return list(found[message_id])


def only(answer: Answer) -> Json:
    [message] = answer.messages
    return message
