"""What Telegram's refusals mean, in words for agents."""

from django.utils.translation import gettext_lazy as _

REASONS: tuple[tuple[str, object], ...] = (
    (r"bot was blocked by the user", _("Человек заблокировал бота.")),
    (r"user is deactivated", _("Учётная запись в Telegram удалена.")),
    (r"bot was kicked|bot is not a member", _("Бота удалили из группы.")),
    (r"bot can'?t initiate conversation", _("Человек ещё не начал чат с ботом.")),
    (r"chat not found|peer_id_invalid", _("Такого чата нет: возможно, человек удалил его.")),
    (r"chat was deleted|group chat was (deleted|deactivated)", _("Группа удалена.")),
    (r"not enough rights|have no rights|CHAT_WRITE_FORBIDDEN",
     _("Боту не разрешено писать в этот чат.")),
    (r"message thread not found|TOPIC_CLOSED|TOPIC_DELETED", _("Тема группы закрыта или удалена.")),
    (r"file is too big|too large|wrong file", _("Telegram не принял файл.")),
    (r"message is too long|can't parse", _("Telegram не принял текст сообщения.")),
    (r"timed? ?out|network|connect|Bad Gateway|Conflict", _("Telegram не отвечает.")),
    (r"forbidden", _("Telegram не разрешает боту писать в этот чат.")),
    (r"", _("Telegram не принял сообщение.")),
)  # fmt: skip
