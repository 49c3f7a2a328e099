"""The least that python-telegram-bot can do: a text comes, the same text goes back.

python echo_bot.py http://127.0.0.1:8081
"""

import sys

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.message.reply_text(update.message.text)


def main() -> None:
    builder = Application.builder().token("42:benchmark").base_url(f"{sys.argv[1]}/bot")
    application = builder.concurrent_updates(True).build()  # else it waits for each answer
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()


if __name__ == "__main__":
    main()
