"""A new ticket: product, title, description, files, «Да» (R3). The draft is in the dialog."""

from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from config.numerals import file_size, plural
from telegram_bot import keyboards as kb
from telegram_bot.content import quotation
from telegram_bot.files import as_new_file, fetch_soon, refusal_of, sent_file
from telegram_bot.flows.menu import leave_step, no_products
from telegram_bot.incoming import Incoming
from telegram_bot.models import Dialog
from telegram_bot.replies import REMOVE_KEYBOARD, Replies, Reply
from telegram_bot.templating import render
from tickets.attachments import MAX_FILES
from tickets.models import TITLE_LIMIT, Face, Product, Ticket
from tickets.notices import LAST_PARTS
from tickets.recording import clean_body, clean_title
from tickets.refusals import ProductUnavailable, TextRequired, TextTooLong, TooManyTickets
from tickets.services import open_ticket
from tickets.text import clean_line, cut

YES_WORDS = {"да", "yes"}
STEPS = ["product", "title", "description", "files"]  # what «Назад» walks along


def start(dialog: Dialog, message: Incoming) -> Replies:
    """`/new`: go on with a parked draft, or begin with the product."""
    return start_ticket(dialog, message)


def start_ticket(dialog: Dialog, message: Incoming, parent: Ticket | None = None) -> Replies:
    parked = leave_step(dialog, message) if dialog.step not in (*STEPS, "confirm") else []
    if dialog.has_draft:
        dialog.set_step("")
        text = render("draft", draft=dialog.draft, product=_product(dialog))
        resume = kb.button(_("▶️ Продолжить"), "resume")
        drop = kb.button(_("🗑 Удалить"), "drop", *([parent.pk] if parent else []))
        return [*parked, message.screen(text, kb.inline([resume, drop]))]
    return [*parked, *begin(dialog, message, parent)]


def begin(dialog: Dialog, message: Incoming, parent: Ticket | None = None) -> Replies:
    dialog.draft = {"id": message.update.update_id, "parent": parent.pk if parent else None}
    dialog.draft_at = timezone.now()
    return ask_product(dialog, message)


def drop(dialog: Dialog, message: Incoming) -> Replies:
    """Forget the draft and begin anew, maybe with the closed ticket the button names."""
    ids = kb.parse_ids(kb.parse(message.data)[1], 1)
    mine = Ticket.objects.visible_to(message.customer)
    return begin(dialog, message, mine.filter(pk=ids[0]).first() if ids else None)


def resume(dialog: Dialog, message: Incoming) -> Replies:
    """Go on at the first question without an answer."""
    draft = dialog.draft
    if not draft:
        return begin(dialog, message)
    if "product" not in draft:
        return ask_product(dialog, message)
    if "title" not in draft:
        return ask_title(dialog, message)
    if "description" not in draft:
        return ask_description(dialog, message)
    return confirm(dialog, message) if draft.get("complete") else ask_files(dialog, message)


def _go_on(dialog: Dialog, message: Incoming) -> Replies:
    dialog.draft_at = timezone.now()
    return resume(dialog, message)


def _product(dialog: Dialog) -> Product | None:
    return Product.objects.filter(pk=dialog.draft.get("product")).first()


def _step_buttons(dialog: Dialog) -> list[kb.Button]:
    return [kb.button(_("‹ Назад"), "back"), _cancel(dialog)]


def _cancel(dialog: Dialog) -> kb.Button:
    return kb.cancel("draft", dialog.draft["id"])


# Step 1: product


def ask_product(dialog: Dialog, message: Incoming, page: int = 1) -> Replies:
    products = list(Product.objects.filter(is_active=True))
    if not products:
        return no_products(dialog, message)
    dialog.set_step("product")
    buttons = [kb.button(f"{row.icon} {row.name}".strip(), "product", row.pk) for row in products]
    keyboard = kb.inline(*kb.paged(buttons, page, "products"), [_cancel(dialog)])
    return [message.screen(render("new_product"), keyboard)]


def turn_products(dialog: Dialog, message: Incoming) -> Replies:
    page = kb.parse_ids(kb.parse(message.data)[1], 1)
    if dialog.step != "product" or not page:
        return stale(dialog, message)
    return ask_product(dialog, message, page[0])


def take_product(dialog: Dialog, message: Incoming) -> Replies:
    ids = kb.parse_ids(kb.parse(message.data)[1], 1)
    if dialog.step != "product" or not ids:
        return stale(dialog, message)
    product = Product.objects.filter(pk=ids[0], is_active=True).first()
    if product is None:
        return [
            *message.toast(_("Этот продукт больше не доступен. Выберите другой.")),
            *ask_product(dialog, message),
        ]
    dialog.draft["product"] = product.pk
    return _go_on(dialog, message)


def expect_press(dialog: Dialog, message: Incoming) -> Replies:
    """Text where a button is the answer: files wait in the draft, words get the question again."""
    kept = _keep_files(dialog, message)
    text = _("Сначала выберите продукт кнопкой.")
    return [*kept, message.say(text), *ask_product(dialog, message)]


def stale(dialog: Dialog, message: Incoming) -> Replies:
    if dialog.step in (*STEPS, "confirm"):
        return message.toast(_("Кнопка устарела. Ответьте на последний вопрос о заявке."))
    return message.toast(_("Кнопка устарела. Новая заявка: /new"))


# Step 2: title


def ask_title(dialog: Dialog, message: Incoming) -> Replies:
    dialog.set_step("title")
    text = render("new_title", draft=dialog.draft, product=_product(dialog), limit=TITLE_LIMIT)
    return [message.screen(text, kb.inline(_step_buttons(dialog)))]


def take_title(dialog: Dialog, message: Incoming) -> Replies:
    kept = _keep_files(dialog, message)
    if message.message and (quoted := quotation(message.message)):
        dialog.draft["quote"] = quoted  # no title, but it belongs to the description
    try:
        dialog.draft["title"] = clean_title(message.text)
    except TextRequired:
        text = _("Заголовок не может быть пустым. Опишите проблему в нескольких словах.")
        return kept or [message.say(text, kb.inline(_step_buttons(dialog)))]
    except TextTooLong as long:
        dialog.data["suggested"] = cut(clean_line(message.text), TITLE_LIMIT)
        text = render("title_too_long", length=long.length, limit=long.limit,
                      suggested=dialog.data["suggested"])  # fmt: skip
        take = kb.button(_("Взять этот"), "take_title")
        return [*kept, message.say(text, kb.inline([take], _step_buttons(dialog)))]
    return [*kept, *_go_on(dialog, message)]


def take_suggested_title(dialog: Dialog, message: Incoming) -> Replies:
    suggested = dialog.data.get("suggested")
    if dialog.step != "title" or not suggested:
        return stale(dialog, message)
    dialog.draft["title"] = suggested
    return _go_on(dialog, message)


# Step 3: description


def ask_description(dialog: Dialog, message: Incoming) -> Replies:
    dialog.set_step("description")
    text = render("new_description", draft=dialog.draft)
    return [message.screen(text, kb.inline(_step_buttons(dialog)))]


def take_description(dialog: Dialog, message: Incoming) -> Replies:
    kept = _keep_files(dialog, message)
    try:
        words = "\n\n".join(filter(None, [dialog.draft.get("quote"), message.words]))
        dialog.draft["description"] = clean_body(words if message.words else "")
        dialog.draft.pop("quote", None)
        if dialog.draft.get("complete"):  # the files are not asked for again
            dialog.draft["described_at"] = timezone.now().isoformat()
    except TextRequired:
        text = _("Описание не может быть пустым. Расскажите, что случилось.")
        return kept or [message.say(text, kb.inline(_step_buttons(dialog)))]
    except TextTooLong as long:
        return [*kept, message.say(str(long), kb.inline(_step_buttons(dialog)))]
    return [*kept, *_go_on(dialog, message)]


# Step 4: files


def ask_files(dialog: Dialog, message: Incoming) -> Replies:
    dialog.set_step("files")
    files = dialog.draft.get("files", [])
    question = message.say(render("new_files"), _files_keyboard(dialog))
    return [question, _files_so_far(message, files)] if files else [question]


def _files_keyboard(dialog: Dialog) -> kb.Keyboard:
    return kb.reply([kb.DONE if dialog.draft.get("files") else kb.EMPTY], [kb.CANCEL])


def take_files(dialog: Dialog, message: Incoming) -> Replies:
    """A file, one of the words of the keyboard, or a rest of the description."""
    kept = _keep_files(dialog, message)
    word = clean_line(message.order)
    if kept and not clean_line(message.text):
        return kept
    if word == kb.EMPTY and dialog.draft.get("files"):  # the keyboard of before the first file
        text = _("Файлы уже приложены. Оставить их или убрать?")
        return [message.say(text), _files_so_far(message, dialog.draft["files"])]
    if word == kb.EMPTY or word.casefold() in {kb.DONE.casefold(), "готово"}:
        return _complete(dialog, message)
    refusal = _describe_further(dialog, message)
    return [
        *kept,
        refusal
        or message.say(
            _("Добавил к описанию. Отправьте файлы или нажмите кнопку под полем ввода."),
            _files_keyboard(dialog),
        ),
    ]


def _describe_further(dialog: Dialog, message: Incoming) -> Reply | None:
    """Let more words join the description; the refusal when they are too many."""
    try:
        longer = clean_body(dialog.draft["description"] + "\n" + message.words)
    except TextTooLong as long:
        return message.say(str(long))
    dialog.draft["description"] = longer
    return None


def _keep_files(dialog: Dialog, message: Incoming) -> list[Reply]:
    """Put a sent file into the draft and say so; nothing for a message without one."""
    file = sent_file(message.message)
    if file is None:
        return []
    files: list[dict[str, Any]] = dialog.draft.setdefault("files", [])
    if len(files) >= MAX_FILES:
        text = _("К заявке можно приложить до {limit} файлов, «{name}» я не взял.")
        full = message.say(format_html(text, limit=MAX_FILES, name=file["name"]))
        return [full, _files_so_far(message, files)]
    refusal = refusal_of(file, _("Создайте заявку, а файл приложите на портале."))
    if refusal:
        return [message.say(format_html("{}", refusal))]
    files.append(file)
    dialog.draft_at = timezone.now()
    return [_files_so_far(message, files)]


def _files_so_far(message: Incoming, files: list[dict[str, Any]]) -> Reply:
    count = len(files)
    text = _("📎 Принято: %(count)s %(noun)s, %(size)s") % {
        "count": count,
        "noun": plural(count, "файл", "файла", "файлов"),
        "size": file_size(sum(file["size"] for file in files)),
    }
    buttons = [
        kb.button(_("✅ Дальше"), "files_done"),
        kb.button(_("🗑 Убрать файлы"), "files_clear"),
    ]
    return message.say(text, kb.inline(buttons), in_album="last")


def files_done(dialog: Dialog, message: Incoming) -> Replies:
    if dialog.step in ("product", "title", "description"):
        return message.toast(_("Файлы сохранены. Ответьте на вопрос о заявке."))
    if dialog.step != "files":
        return stale(dialog, message)
    return _complete(dialog, message)


def files_clear(dialog: Dialog, message: Incoming) -> Replies:
    if not dialog.draft.get("files") or dialog.step not in STEPS:
        return stale(dialog, message)
    dialog.draft["files"] = []
    return [message.screen(_("Файлы убраны. Можно отправить другие."))]


def _complete(dialog: Dialog, message: Incoming) -> Replies:
    dialog.draft["complete"] = True
    return _go_on(dialog, message)


# The summary


def confirm(dialog: Dialog, message: Incoming) -> Replies:
    dialog.set_step("confirm")
    text = render("confirm", draft=dialog.draft, product=_product(dialog))
    fix = [
        kb.button(_("✏️ Тема"), "fix", "title"),
        kb.button(_("✏️ Описание"), "fix", "description"),
        kb.button(_("📎 Файлы"), "fix", "files"),
    ]
    return [
        message.say(text, kb.inline(fix), in_album="last"),
        message.say(_("Чтобы создать заявку, отправьте <b>Да</b>."), kb.reply([kb.YES, kb.CANCEL])),
    ]


def fix(dialog: Dialog, message: Incoming) -> Replies:
    """Ask one question again; the summary comes back after its answer."""
    asks = {"title": ask_title, "description": ask_description, "files": ask_files}
    ask = asks.get("".join(kb.parse(message.data)[1]))
    if dialog.step != "confirm" or ask is None:
        return stale(dialog, message)
    if ask is ask_files:
        dialog.draft.pop("complete", None)
    replies = ask(dialog, message)
    # a new message: the summary stays readable while it is corrected
    return [
        *([] if ask is ask_files else [message.say(_("Исправим."), REMOVE_KEYBOARD)]),
        *(message.say(reply.params["text"], reply.params.get("reply_markup"))
          if reply.method == "edit_message_text" else reply for reply in replies),
    ]  # fmt: skip


def back(dialog: Dialog, message: Incoming) -> Replies:
    if dialog.step not in ("title", "description"):
        return stale(dialog, message)
    if dialog.draft.get("complete"):
        return confirm(dialog, message)
    asks = {"title": ask_product, "description": ask_title}
    return asks[dialog.step](dialog, message)


def take_confirmation(dialog: Dialog, message: Incoming) -> Replies:
    kept = _keep_files(dialog, message)
    if kept:
        return [*kept, *confirm(dialog, message)]
    if clean_line(message.order).rstrip(".! ").casefold() not in YES_WORDS:
        if _is_still_described(dialog, message):
            refusal = _describe_further(dialog, message)
            return [refusal] if refusal else confirm(dialog, message)
        text = _("Отправьте «Да», чтобы создать заявку, или «Отмена».")
        return [message.say(text, kb.reply([kb.YES, kb.CANCEL]))]
    return _create(dialog, message)


def _is_still_described(dialog: Dialog, message: Incoming) -> bool:
    """Whether more comes of a description that was corrected in several messages."""
    since = (timezone.now() - LAST_PARTS).isoformat()
    return dialog.draft.get("described_at", "") > since and bool(clean_line(message.text))


def _create(dialog: Dialog, message: Incoming) -> Replies:
    draft, user = dialog.draft, message.customer
    product, parent = _product(dialog), draft.get("parent")
    try:
        if product is None:
            raise ProductUnavailable
        ticket = open_ticket(
            requester=user,
            product=product,
            title=draft["title"],
            description=draft["description"],
            face=Face.BOT,
            files=[as_new_file(file, message.link) for file in draft.get("files", [])],
            parent=parent and Ticket.objects.visible_to(user).filter(pk=parent).first(),
        )
    except ProductUnavailable:
        draft.pop("product", None)
        text = _("Этот продукт больше не доступен. Выберите другой: остальное я сохранил.")
        return [message.say(text, REMOVE_KEYBOARD), *ask_product(dialog, message)]
    except TooManyTickets:
        text = _(
            "За последний час вы создали много заявок. Черновик сохранён: отправьте «Да» позже."
        )
        return [message.say(text, kb.reply([kb.YES, kb.CANCEL]))]
    if draft.get("files"):
        fetch_soon()
    dialog.draft, dialog.draft_at = {}, None
    dialog.set_step("")
    return [
        message.say(_("Заявка зарегистрирована."), REMOVE_KEYBOARD),
        message.say(
            render("created", ticket=ticket, files=draft.get("files", [])),
            kb.inline(
                [
                    kb.button(_("👁 Открыть"), "card", ticket.pk, kb.KEPT),
                    kb.button(_("💬 Добавить комментарий"), "comment", ticket.pk),
                ],
                [kb.portal(_("🌐 На портале"), ticket.get_absolute_url())],
            ),
            ticket_id=ticket.pk,
        ),
    ]
