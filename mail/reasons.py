"""What replies of mail servers mean, in words for those who do not read SMTP."""

from django.utils.translation import gettext_lazy as _

# A reply begins with three digits; «5.1.1» after them says more. The first that fits counts
REASONS: tuple[tuple[str, object], ...] = (
    (r"5\.1\.2\b|host unknown|domain (name )?not found|bad destination",
     _("Такого почтового домена нет.")),
    (r"5\.1\.1\b|user unknown|no such user|mailbox unavailable|does not exist|not found",
     _("Такого почтового ящика нет.")),
    (r"5\.2\.2\b|4\.2\.2\b|quota|mailbox (is )?full|over ?quota|insufficient storage",
     _("Почтовый ящик переполнен.")),
    (r"5\.2\.1\b|disabled|inactive|blocked mailbox", _("Почтовый ящик отключён.")),
    (r"5\.3\.4\b|SMTP 552\b|too large|message size|exceeds",
     _("Письмо слишком большое для этого ящика.")),
    (r"5\.1\.[03]\b|SMTP 553\b|bad address|syntax|invalid recipient",
     _("Адрес написан с ошибкой или не принимается.")),
    (r"5\.7\.\d+\b|spam|blacklist|blocked|policy|denied|rejected",
     _("Сервер получателя не принимает наши письма.")),
    (r"SMTP 5\d\d\b", _("Сервер получателя отказался принять письмо.")),
    (r"SMTP 4\d\d\b", _("Сервер получателя временно не принимает письма.")),
    (r"timed? ?out|refused|unreachable|disconnected|closed|reset|Errno|getaddrinfo|SSL",
     _("Почтовый сервер не отвечает.")),
    (r"", _("Письмо не ушло.")),
)  # fmt: skip
