"""Files that people and the bot have sent, and the media objects made of them."""

import mimetypes
import re
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sandbox.errors import TelegramError, bad_request

MEGABYTE = 1024 * 1024
MAX_DOWNLOAD = 20 * MEGABYTE
MAX_UPLOAD = 50 * MEGABYTE
MAX_PHOTO = 10 * MEGABYTE
IMAGES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    b"GIF8": ".gif",
    b"RIFF": ".webp",
    b"BM": ".bmp",
}
SHAPE = {"width": 1280, "height": 960}
# What Telegram tells of each kind besides the ids and the size.
KINDS: dict[str, dict[str, Any]] = {
    "document": {},
    "photo": {},
    "video": {**SHAPE, "duration": 3},
    "audio": {"duration": 3},
    "voice": {"duration": 3},
    "video_note": {"length": 240, "duration": 3},
    "sticker": {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
        "emoji": "👍",
    },
}
SMALL = "s"  # ends the id of a photo's smaller size; other ids end in a digit
NAMED = {"document", "video", "audio"}


@dataclass(frozen=True)
class Upload:
    name: str
    mime_type: str
    content: bytes
    claimed: int = 0  # a size without bytes behind it

    @property
    def size(self) -> int:
        return self.claimed or len(self.content)


@dataclass(frozen=True)
class StoredFile:
    id: str
    unique_id: str
    path: str
    upload: Upload

    def describe(self) -> dict[str, Any]:
        return {
            "file_id": self.id,
            "file_unique_id": self.unique_id,
            "file_size": self.upload.size,
        }


class FileStore:
    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def add(self, upload: Upload, kind: str) -> StoredFile:
        number = len(self._by_id) + 1
        secret = secrets.token_urlsafe(12)
        stored = StoredFile(
            id=f"SBX{secret}{number}",
            unique_id=f"U{secret}",
            path=f"{kind}s/file_{number}{_suffix(upload, kind)}",
            upload=upload,
        )
        self._by_id[stored.id] = self._by_path[stored.path] = stored
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id.removesuffix(SMALL))

    def by_path(self, path: str) -> StoredFile | None:
        return self._by_path.get(path)


def _suffix(upload: Upload, kind: str) -> str:
    """A photo's true type, as nothing makes a JPEG of it here; else that of the file's name."""
    if kind == "photo":
        known = (suffix for start, suffix in IMAGES.items() if upload.content.startswith(start))
        return next(known, ".jpg")
    suffix = PurePosixPath(upload.name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def guess_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def check_upload(upload: Upload, kind: str) -> None:
    if not upload.size:
        raise bad_request("file must be non-empty")
    if upload.size > MAX_UPLOAD:
        raise TelegramError(413, "Request Entity Too Large")
    if kind != "photo":
        return
    if upload.size > MAX_PHOTO:
        raise bad_request(
            f"file of size {upload.size} bytes is too big for a photo; "
            f"the maximum size is {MAX_PHOTO} bytes"
        )
    if not upload.content.startswith(tuple(IMAGES)):
        raise bad_request("IMAGE_PROCESS_FAILED")


def describe_media(stored: StoredFile, kind: str) -> Any:
    """The value of message[kind]; a photo is a list of sizes, the largest last."""
    if kind == "photo":
        full = stored.describe() | SHAPE
        small = {
            "file_id": stored.id + SMALL,
            "file_unique_id": stored.unique_id + SMALL,
            "width": 90,
            "height": 67,
        }
        return [full | small, full]
    media = KINDS[kind] | stored.describe()
    if kind in NAMED:
        media |= {"file_name": stored.upload.name, "mime_type": stored.upload.mime_type}
    if kind == "voice":
        media["mime_type"] = "audio/ogg"
    return media
