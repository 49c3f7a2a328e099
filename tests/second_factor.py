"""The app on an agent's phone."""

import time

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User


def add_second_factor(person: User) -> TOTPDevice:
    """An app, without letters and codes on paper."""
    return TOTPDevice.objects.create(user=person, name="app")


def code_of(device: User | TOTPDevice, at: float | None = None) -> str:
    """What the app shows at a time, a Unix one; else the first code that was not used yet."""
    if isinstance(device, User):
        device = TOTPDevice.objects.get(user=device)
    totp = TOTP(device.bin_key)
    totp.time = time.time() if at is None else at
    if at is None and totp.t() <= device.last_t:
        totp.time = (device.last_t + 1) * 30
    return f"{totp.token():06}"
