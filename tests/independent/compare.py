"""Comparing what is recomputed with what is committed, and the one hash that all parts use."""

import hashlib
import hmac


class Different(Exception):
    """A recomputed value is not the committed one."""


def same(what, made, committed):
    """Compares bytes, text or lists; a difference names the value, never shows it."""
    if isinstance(made, bytes):
        made = made.hex()
    if made != committed:
        raise Different(what)


def refused(what, attempt):
    """The attempt must raise."""
    try:
        attempt()
    except Exception:  # noqa: BLE001 - any refusal will do
        return
    raise Different(f"{what} was accepted")


def unhex(text):
    return bytes.fromhex(text)


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()
