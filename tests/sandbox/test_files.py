"""Files both ways."""

import json

import httpx

from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, MEGABYTE, PNG, Api

KINDS = ("photo", "video", "audio", "voice", "video_note", "sticker")


def test_document_comes_back_byte_for_byte(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("журнал.txt", b"line\n", "text/plain"), caption="Лог /new")
    [update] = api.updates()
    message = update["message"]

    path = api.call("getFile", file_id=message["document"]["file_id"])["file_path"]
    content = httpx.get(f"{anna.url}/file/bot{anna.token}/{path}", trust_env=False).content

    document = message["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == (
        "журнал.txt",
        "text/plain",
        5,
    )
    assert (message["caption"], content) == ("Лог /new", b"line\n")
    assert message["caption_entities"][0]["type"] == "bot_command"


def test_kinds_tell_what_telegram_tells(anna: Sandbox, api: Api) -> None:
    for kind in ("photo", "video", "audio", "voice", "video_note", "sticker"):
        anna.files("anna", ("a.bin", PNG), kind=kind)
    messages = [update["message"] for update in api.updates()]
    media = {kind: message[kind] for message in messages for kind in KINDS if kind in message}

    assert {"file_name", "mime_type"} <= media["video"].keys() & media["audio"].keys()
    assert media["voice"]["mime_type"] == "audio/ogg"
    assert "file_name" not in media["voice"]
    assert [{"file_name", "mime_type"} & size.keys() for size in media["photo"]] == [set(), set()]
    assert media["photo"][0]["width"] < media["photo"][-1]["width"]
    assert not {"file_name", "mime_type"} & media["video_note"].keys()


def test_big_file_cannot_be_downloaded(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("big.zip", b"-"), fake_size=20 * MEGABYTE + 1)
    [update] = api.updates()
    document = update["message"]["document"]

    refusal = api.refusal("getFile", file_id=document["file_id"])

    assert document["file_size"] == 20 * MEGABYTE + 1
    assert refusal == "400 Bad Request: file is too big"


def test_album_is_several_updates_with_one_caption(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("a.png", PNG), ("b.png", PNG), kind="photo", caption="Два")
    messages = [update["message"] for update in api.updates()]

    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["Два", None]


def test_bot_sends_an_album(anna: Sandbox, api: Api) -> None:
    media = json.dumps([{"type": "photo", "media": f"attach://{name}"} for name in ("a", "b")])
    files = {"a": ("a.png", PNG), "b": ("b.png", PNG)}

    sent = api.call("sendMediaGroup", files, chat_id=ANNA, media=media)

    assert [message["media_group_id"] for message in sent] == [sent[0]["media_group_id"]] * 2
    one = json.dumps([{"type": "photo", "media": "attach://a"}])
    assert "2-10" in api.refusal("sendMediaGroup", files, chat_id=ANNA, media=one)
    mixed = json.dumps(
        [{"type": "photo", "media": "attach://a"}, {"type": "document", "media": "attach://b"}]
    )
    assert "can't be mixed" in api.refusal("sendMediaGroup", files, chat_id=ANNA, media=mixed)


def test_uploads_that_are_refused(anna: Sandbox, api: Api) -> None:
    def refusal(kind: str, content: bytes) -> str:
        method = f"send{kind.capitalize()}"
        return api.refusal(method, {kind: ("a.bin", content)}, chat_id=ANNA)

    assert refusal("document", b"") == "400 Bad Request: file must be non-empty"
    assert refusal("photo", b"text") == "400 Bad Request: IMAGE_PROCESS_FAILED"
    assert "is too big for a photo" in refusal("photo", PNG + bytes(10 * MEGABYTE))
    assert refusal("document", bytes(50 * MEGABYTE + 1)) == "413 Request Entity Too Large"
    unknown = api.refusal("sendDocument", chat_id=ANNA, document="nonsense")
    assert unknown == "400 Bad Request: wrong file identifier/HTTP URL specified"


def test_known_file_is_sent_again_and_copied(anna: Sandbox, api: Api) -> None:
    first = api.call("sendDocument", {"document": ("a.txt", b"text")}, chat_id=ANNA, caption="а")
    again = api.call("sendDocument", chat_id=ANNA, document=first["document"]["file_id"])
    copy = api.call("copyMessage", chat_id=ANNA, from_chat_id=ANNA, message_id=first["message_id"])

    assert again["document"]["file_name"] == "a.txt"
    assert anna.last("anna")["message_id"] == copy["message_id"]
    assert (anna.last("anna")["caption"], anna.last("anna")["media"]["name"]) == ("а", "a.txt")
