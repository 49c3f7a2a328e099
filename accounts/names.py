"""Names of people, as others see them."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# A word right after a dot is a web address, which letters would show as a link of ours
NAME = re.compile(r"[^\W\d_]([^\W\d_]|[ '’‐-]|\.(?![^\W\d_]{2}))*")
OURS = ("поддержк", "support", "специалист", "администратор")  # a customer is none of these
LOOK_ALIKE = str.maketrans("aceopxykmthbisjαορκτυ", "асеорхукмтнвіѕјаоркту")  # into Cyrillic


def check_name(name: str) -> None:
    """Raise ValidationError unless a customer may be called so."""
    if not NAME.fullmatch(name):
        raise ValidationError(_("Имя состоит из букв, между ними бывают пробел и дефис."))
    if any(_as_it_looks(word) in _as_it_looks(name) for word in OURS):
        raise ValidationError(_("Так назваться нельзя: коллеги примут вас за поддержку."))


def _as_it_looks(text: str) -> str:
    """Without what stands between letters, and alike for letters of other alphabets."""
    letters = filter(str.isalpha, unicodedata.normalize("NFKC", text).casefold())
    return "".join(letters).translate(LOOK_ALIKE)
