"""A token of a form, which is made once and whose text is shown once, whatever the face."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from accounts.models import ApiToken
from accounts.tokens import make_token
from tickets.attachments import NewFile
from tickets.forms import Made, Sending, once
from tickets.refusals import KeyReused


class TokenMadeBefore(KeyReused):
    words = gettext_lazy("Токен уже создан. Чтобы создать ещё один, отправьте форму ещё раз.")


@sensitive_variables("text", "texts")
def make_token_once(sending: Sending, **wanted: Any) -> tuple[ApiToken | None, str]:
    """The form's token, if it still is, and its text: for the press that made it only, else empty.

    Raises TokenMadeBefore when the form comes again with other words, and what `make_token` does.
    """
    texts: list[str] = []

    def make(_files: Sequence[NewFile]) -> Made:
        token, text = make_token(by=sending.user, **wanted)
        texts.append(text)
        return {"token": token.pk}

    try:
        done = once(sending, make)
    except KeyReused as refusal:
        raise TokenMadeBefore(refusal.made) from None
    token = ApiToken.objects.select_related("organization").filter(pk=done.made["token"]).first()
    return token, texts[-1] if done.is_new else ""
