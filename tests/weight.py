"""What a page weighs with all it loads, uncached and uncompressed."""

import re
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders

KILOBYTE = 1024


def files_of(response: Any) -> set[str]:
    page = response.content.decode()
    return set(re.findall(r'(?:href|src)="/static/([^"#]+)[^"]*"', page))


def weight_of(response: Any) -> int:
    return len(response.content) + sum(map(_size, files_of(response)))


def _size(name: str) -> int:
    return Path(finders.find(re.sub(r"\.[0-9a-f]{12}\.", ".", name))).stat().st_size
