"""The questions of a new ticket, and the way to each of them."""

from tests.telegram_bot.bot import Answer, Chat

TITLE, DESCRIPTION = "Не открывается отчёт", "Белый экран после входа."
STEPS = ["product", "title", "description", "files", "confirm"]
QUESTIONS = {
    "product": "шаг 1 из 4",
    "title": "шаг 2 из 4",
    "description": "шаг 3 из 4",
    "files": "шаг 4 из 4",
    "confirm": "Проверьте заявку",
}
DONE, CLEAR, EMPTY = "✅ Дальше", "🗑 Убрать файлы", "Оставить пустым"


def go_to(chat: Chat, step: str) -> Answer:
    """Answer the questions before `step`, all at once; what the bot says on the way."""
    answer = chat.say("/new")
    if step == "product":
        return answer

    def act() -> None:
        chat.telegram.press(chat.key, "Облачный сервер", wait=0)
        for text in [TITLE, DESCRIPTION, "Оставить пустым"][: STEPS.index(step) - 1]:
            chat.telegram.send(chat.key, text)

    return chat.do(act)
