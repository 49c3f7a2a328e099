"""The library a bot is written with, and the command that starts the sandbox."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument

from sandbox import BOT_ID, new_token
from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA

ROOT = Path(__file__).parents[2]


def test_real_library_drives_it(anna: Sandbox) -> None:
    async def walk() -> None:
        bot = Bot(anna.token, base_url=f"{anna.url}/bot", base_file_url=f"{anna.url}/file/bot")
        async with bot:
            keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("А", callback_data="a")]])
            message = await bot.send_message(
                ANNA, "<b>Привет</b>", parse_mode="HTML", reply_markup=keyboard
            )
            edited = await message.edit_text("Пока")
            assert not isinstance(edited, bool)
            assert (edited.text, edited.reply_markup) == ("Пока", None)
            document = await bot.send_document(ANNA, b"text", filename="a.txt")
            assert document.document
            file = await bot.get_file(document.document.file_id)
            assert bytes(await file.download_as_bytearray()) == b"text"
            album = await bot.send_media_group(
                ANNA, [InputMediaDocument(b"a", filename="a"), InputMediaDocument(b"b")]
            )
            assert len(album) == 2
            loop = asyncio.get_running_loop()
            pressing = loop.run_in_executor(None, anna.press, "anna", "a", {**anna.last("anna")})
            [update] = await bot.get_updates(timeout=5)
            assert update.callback_query
            await update.callback_query.answer("Готово")
            assert (await pressing)["text"] == "Готово"
            chat = await bot.get_chat(ANNA)
            assert chat.first_name == "Анна"

    asyncio.run(walk())
    assert anna.refused() == []


def test_library_reads_every_membership_change(group: Sandbox) -> None:
    async def walk() -> None:
        async with Bot(group.token, base_url=f"{group.url}/bot") as bot:
            updates = await bot.get_updates()
            assert all(update.my_chat_member or update.message for update in updates)
            admins = await bot.get_chat_administrators(supergroup["id"])
            assert [admin.status for admin in admins] == ["creator", "administrator"]

    group.group("promote")
    supergroup = group.group("create_topic", title="Сеть")
    asyncio.run(walk())


def run_command(*arguments: str, token: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, "TELEGRAM_BOT_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "token", "words"),
    [
        (["--host", "0.0.0.0"], "", "только этот компьютер"),  # noqa: S104
        ([], "123:real", "настоящий TELEGRAM_BOT_TOKEN"),
        ([], f"{BOT_ID}1:real", "настоящий TELEGRAM_BOT_TOKEN"),
        (["--port", "{taken}"], new_token(), "Порт {taken} занят"),
    ],
)
def test_command_refuses(sandbox: Sandbox, arguments: list[str], token: str, words: str) -> None:
    taken = sandbox.url.rsplit(":", 1)[1]
    command = run_command(*(each.format(taken=taken) for each in arguments), token=token)
    _, errors = command.communicate(timeout=60)

    assert command.returncode == 1
    assert words.format(taken=taken) in errors


def test_command_ends_with_open_polls_and_streams() -> None:
    with run_command("--port", "0", "--smtp-port", "0") as command:
        assert command.stdout
        url = command.stdout.readline().split()[2].rstrip("/")
        token = command.stdout.readline().strip().removeprefix("export TELEGRAM_BOT_TOKEN=")
        with (
            httpx.Client(trust_env=False, timeout=60) as client,
            client.stream("GET", f"{url}/sandbox/events"),
            ThreadPoolExecutor() as pool,
        ):
            polling = pool.submit(client.get, f"{url}/bot{token}/getUpdates?timeout=50")
            client.get(f"{url}/sandbox/state")
            command.send_signal(signal.SIGTERM)
            assert command.wait(timeout=30) == 0  # far sooner than the poll would end
            assert polling.exception(timeout=30)
        command.communicate()


def first_lines(command: subprocess.Popen[str], count: int) -> list[str]:
    assert command.stdout
    lines = [command.stdout.readline() for _ in range(count)]
    command.send_signal(signal.SIGTERM)
    rest, _errors = command.communicate(timeout=60)
    return [*lines, *rest.splitlines()]


def test_command_tells_what_a_bot_beside_it_needs() -> None:
    starts = [
        "".join(first_lines(run_command("--port", "0", "--smtp-port", "0"), 5)) for _ in range(2)
    ]

    tokens = {
        re.findall(rf"export TELEGRAM_BOT_TOKEN=({BOT_ID}:[\w-]{{35}})$", told, re.M)[0]
        for told in starts
    }
    assert len(tokens) == 2  # a new one each start
    for told in starts:
        url = told.split()[2].rstrip("/")
        assert f"export TELEGRAM_API_URL={url}" in told
        assert "export EMAIL_URL=smtp://127.0.0.1:" in told


def test_token_that_was_handed_over_is_taken_and_not_printed() -> None:
    token = new_token()

    with run_command("--port", "0", "--smtp-port", "0", token=token) as command:
        assert command.stdout
        url = command.stdout.readline().split()[2].rstrip("/")
        answer = httpx.get(f"{url}/bot{token}/getMe", trust_env=False)
        command.send_signal(signal.SIGTERM)
        rest, errors = command.communicate(timeout=60)

    assert answer.json()["result"]["id"] == BOT_ID
    assert token.partition(":")[2] not in rest + errors
