import pytest
from django.core.exceptions import ValidationError

from accounts.phone import contact_phone, mask_email, mask_phone, normalise_phone


@pytest.mark.parametrize(
    "text",
    [
        "+79161234567",
        "89161234567",
        " +7 916 123-45-67 ",
        "8 (916) 123 45 67",
        "+7\u00a0916\u00a0123\u201345\u201367",
        pytest.param("\u202d+79161234567\u202c", id="direction marks of a contact"),
        pytest.param("\u2066+7 916 123-45-67\u2069\u200e", id="isolates of a messenger"),
        pytest.param("+7\u200b9161234567\ufeff", id="zero width inside"),
        pytest.param("+7\u00ad916\u202f123\u200945\u221267", id="thin spaces and a minus"),
    ],
)
def test_normalise_phone_forgives_separators_and_leading_8(text):
    assert normalise_phone(text) == "+79161234567"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+7",
        "+7916123456",  # nine digits
        "+791612345678",  # eleven
        "+89161234567",
        "9161234567",
        "79161234567",
        "7 (916) 123-45-67",
        "+380441234567",
        "+7916123456x",
        "+79161234567\n",
        "+7916123456٥",  # Arabic-Indic
        "+７９１６１２３４５６７",  # full width
        "+7916123456²",
        "++79161234567",
        "+79161234567 доб. 2",
        "+7916_123_4567",
        "+79161234567\0",
        "\u202d\u202c",
        "+7916\n1234567",
    ],
)
def test_normalise_phone_refuses_anything_else(text):
    with pytest.raises(ValidationError, match=r"\+7XXXXXXXXXX") as refusal:
        normalise_phone(text)
    assert refusal.value.code == "phone"


@pytest.mark.parametrize("text", ["79161234567", "+79161234567"])
def test_contact_phone_knows_both_spellings_of_telegram(text):
    assert contact_phone(text) == "+79161234567"


@pytest.mark.parametrize(
    "text",
    ["89161234567", "9161234567", "+7 916 1234567", "7916123456", "791612345678", "",
     "+79161234567\n", "+7916123456٥", "380441234567", "\u202d+79161234567\u202c",
     "+7\u200b9161234567", "+7\u00a09161234567"],
)  # fmt: skip
def test_contact_phone_accepts_no_other(text):
    assert contact_phone(text) is None


def test_mask_phone_shows_the_last_four_digits():
    assert mask_phone("+79161234567") == "+7 ··· ··· 45 67"


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("anna@alpha.example", "an***@alpha.example"),
        ("an@alpha.example", "a***@alpha.example"),
        ("a@alpha.example", "a***@alpha.example"),
    ],
)
def test_mask_email_never_shows_the_whole_name(email, masked):
    assert mask_email(email) == masked
