"""What the bot tells of itself."""

from pathlib import Path

from sandbox.bot_api import METHODS
from sandbox.profile import set_my_commands
from sandbox.state import State
from sandbox.view import show_state
from tests.local_telegram import Sandbox
from tests.sandbox.api import Api


def test_commands_and_descriptions(sandbox: Sandbox, api: Api) -> None:
    new = [{"command": "new", "description": "Создать новую заявку"}]
    api.call("setMyCommands", commands=new, scope={"type": "all_private_chats"})
    api.call("setMyDescription", description="Создавайте заявки")
    api.call("setMyShortDescription", short_description="Заявки")
    api.call("setChatMenuButton", menu_button={"type": "commands"})

    bot = sandbox.state()["bot"]
    assert (bot["commands"], bot["group_commands"]) == (new, [])
    assert (bot["description"], bot["short_description"]) == ("Создавайте заявки", "Заявки")
    assert api.call("getMyCommands", scope={"type": "all_private_chats"}) == new
    api.call("deleteMyCommands", scope={"type": "all_private_chats"})
    assert sandbox.state()["bot"]["commands"] == []
    bad = [{"command": "Новая", "description": "а"}]
    assert api.refusal("setMyCommands", commands=bad) == "400 Bad Request: BOT_COMMAND_INVALID"
    assert "too long" in api.refusal("setMyDescription", description="а" * 513)


def test_what_the_bot_told_of_itself_outlives_the_sandbox(tmp_path: Path) -> None:
    memory = tmp_path / "sandbox.json"
    commands = [{"command": "new", "description": "Создать новую заявку"}]
    before = State(memory=memory)
    set_my_commands(before, {"commands": commands, "scope": {"type": "all_private_chats"}})
    METHODS["setMyDescription"][1](before, {"description": "Создавайте заявки"})

    bot = show_state(State(memory=memory))["bot"]

    assert (bot["commands"], bot["description"]) == (commands, "Создавайте заявки")
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.json"]
    memory.write_text("")
    assert show_state(State(memory=memory))["bot"]["commands"] == []
