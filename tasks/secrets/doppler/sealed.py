"""The file format of Doppler's command line for secrets: AES-256-GCM, with a key derived from a passphrase.

`4:base64:<rounds>:<salt>-<iv>-<ciphertext and tag>`; earlier versions lack the number, the rounds, or the encoding.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "4"
ROUNDS, EARLIER_ROUNDS, MOST_ROUNDS = 500_000, 50_000, 10_000_000
SALT, IV, KEY = 8, 12, 32
DECODERS: dict[str, Callable[[str], bytes]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "hex": bytes.fromhex,
}


class UnsealedError(ValueError):
    """The text has another format, was changed, or needs another passphrase."""


def seal(text: str, passphrase: str) -> str:
    """The encrypted text. It is different at every call."""
    salt, iv = secrets.token_bytes(SALT), secrets.token_bytes(IV)
    data = AESGCM(key_of(passphrase, salt, ROUNDS)).encrypt(iv, text.encode(), None)
    parts = "-".join(base64.b64encode(part).decode() for part in (salt, iv, data))
    return f"{VERSION}:base64:{ROUNDS}:{parts}"


def unseal(sealed: str, passphrase: str) -> str:
    """The decrypted text, from any version of the format. Raises UnsealedError."""
    *head, body = sealed.strip().split(":")
    if len(head) == 3:
        number, *head = head
        if number != VERSION:
            raise UnsealedError(f"version {number} is not known")
    encoding = head[0] if head else "hex"
    try:
        rounds = int(head[1]) if len(head) > 1 else EARLIER_ROUNDS
        salt, iv, data = map(DECODERS[encoding], body.split("-", 2))
        if not 0 < rounds <= MOST_ROUNDS or len(head) > 2:
            raise UnsealedError("it is not of this format")
        return AESGCM(key_of(passphrase, salt, rounds)).decrypt(iv, data, None).decode()
    except (KeyError, ValueError, binascii.Error) as error:
        raise UnsealedError("it is not of this format") from error
    except InvalidTag as error:
        raise UnsealedError("it was changed, or sealed with another passphrase") from error


def key_of(passphrase: str, salt: bytes, rounds: int) -> bytes:
    """The key for a passphrase. The derivation is slow, to make guessing slow."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, rounds, KEY)
