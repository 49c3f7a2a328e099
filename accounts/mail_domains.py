"""Mail domains of organizations: a domain that anybody may have a mailbox in belongs to none."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z")
PUBLIC = frozenset({
    "mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru", "xmail.ru", "yandex.ru", "ya.ru",
    "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.uz", "narod.ru", "rambler.ru",
    "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru", "vk.com", "gmail.com",
    "googlemail.com", "outlook.com", "hotmail.com", "live.com", "live.ru", "msn.com", "yahoo.com",
    "ymail.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "pm.me",
    "gmx.com", "gmx.de", "gmx.net", "mail.com", "aol.com", "zoho.com", "tutanota.com", "tuta.com",
    "fastmail.com", "hey.com", "qq.com", "163.com", "126.com", "sina.com", "naver.com", "web.de",
    "t-online.de", "orange.fr", "laposte.net", "seznam.cz", "wp.pl", "o2.pl", "onet.pl",
    "interia.pl", "ukr.net", "i.ua", "meta.ua", "tut.by", "mail.kz", "inbox.lv", "bigmir.net",
    "nm.ru", "pochta.ru", "hotbox.ru", "mailinator.com", "guerrillamail.com", "10minutemail.com",
    "temp-mail.org", "yopmail.com", "sharklasers.com", "dispostable.com", "trashmail.com",
    "getnada.com", "maildrop.cc",
})  # fmt: skip


def domain_of(email: str) -> str:
    return as_servers_know(email.rpartition("@")[2])


def as_servers_know(domain: str) -> str:
    """«Пример.рф» in the ASCII letters that mail is sent by; what is no domain, in lower case."""
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain.lower()


def check_mail_domain(domain: str) -> None:
    """Raise ValidationError unless all who have an e-mail there belong to one organization."""
    if not DOMAIN.match(domain.lower()):
        raise ValidationError(_("Укажите домен без @, например example.ru."), code="invalid")
    if domain.lower() in PUBLIC:
        raise ValidationError(
            _("Почту в этом домене может завести любой: организации он не принадлежит."),
            code="public",
        )
