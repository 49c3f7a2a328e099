"""A browser in words: «Firefox, Windows» instead of the header it sends."""

# Each names itself after those it descends from: the first that fits is the right one
BROWSERS = {
    "YaBrowser": "Яндекс Браузер", "Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung",
    "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome", "CriOS": "Chrome",
    "Safari": "Safari",
}  # fmt: skip
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "Mac OS X": "macOS", "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def browser_name(user_agent: str) -> str:
    """Empty when neither is known."""
    found = (_first_named(known, user_agent) for known in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, found))


def _first_named(known: dict[str, str], user_agent: str) -> str:
    return next((name for mark, name in known.items() if mark in user_agent), "")
