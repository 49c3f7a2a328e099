"""The time zone that a person chose: in it they read every time."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User

ZONES: dict[str, Any] = {
    "Europe/Kaliningrad": _("Калининград"),
    "Europe/Moscow": _("Москва"),
    "Europe/Samara": _("Самара"),
    "Asia/Yekaterinburg": _("Екатеринбург"),
    "Asia/Omsk": _("Омск"),
    "Asia/Novosibirsk": _("Новосибирск"),
    "Asia/Krasnoyarsk": _("Красноярск"),
    "Asia/Irkutsk": _("Иркутск"),
    "Asia/Yakutsk": _("Якутск"),
    "Asia/Vladivostok": _("Владивосток"),
    "Asia/Magadan": _("Магадан"),
    "Asia/Kamchatka": _("Петропавловск-Камчатский"),
    "Europe/Minsk": _("Минск"),
    "Asia/Yerevan": _("Ереван"),
    "Asia/Baku": _("Баку"),
    "Asia/Tbilisi": _("Тбилиси"),
    "Asia/Almaty": _("Алматы"),
    "Asia/Bishkek": _("Бишкек"),
    "Asia/Tashkent": _("Ташкент"),
    "Asia/Dushanbe": _("Душанбе"),
    "Asia/Ashgabat": _("Ашхабад"),
    "Europe/Chisinau": _("Кишинёв"),
    "Europe/London": _("Лондон"),
    "Europe/Berlin": _("Берлин"),
    "Europe/Istanbul": _("Стамбул"),
    "Asia/Dubai": _("Дубай"),
    "Asia/Kolkata": _("Дели"),
    "Asia/Shanghai": _("Пекин"),
    "UTC": _("Всемирное время"),
}


def zone_choices() -> list[tuple[str, str]]:
    """«Москва (UTC+3)», west to east, as it is today."""
    now = timezone.now()
    ordered = sorted(ZONES, key=lambda zone: (_offset(zone, now), str(ZONES[zone])))
    return [(zone, zone_label(zone)) for zone in ordered]


def zone_label(zone: str) -> str:
    minutes = int(_offset(zone, timezone.now()) // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return f"{ZONES[zone]} (UTC{sign}{hours}{f':{rest:02}' if rest else ''})"


def times_of(user: User | None) -> AbstractContextManager[None]:
    """Within it every time is shown as this person wants it; a zone we no longer know is ours."""
    zone = user.time_zone if user else ""
    return timezone.override(ZoneInfo(zone) if zone in ZONES else None)


def _offset(zone: str, now: datetime) -> float:
    shift = now.astimezone(ZoneInfo(zone)).utcoffset()
    return shift.total_seconds() if shift else 0.0
