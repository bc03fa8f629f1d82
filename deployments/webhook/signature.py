"""Is a body from who knows the secret? Nothing of it is read before that is sure."""

import hashlib
import hmac
import re

HEADER = "X-Hub-Signature-256"
_FORM = re.compile(r"sha256=([0-9a-f]{64})")


def claimed(header: str | None) -> bytes | None:
    """The digest that a header claims; None where there is none, or one of another kind, such as SHA-1."""
    found = _FORM.fullmatch(header or "")
    return bytes.fromhex(found[1]) if found else None


def signs(claim: bytes, secret: bytes, body: bytes) -> bool:
    """Whether the claim is the body's, in a time that tells nothing of where it differs."""
    return hmac.compare_digest(claim, hmac.new(secret, body, hashlib.sha256).digest())


def digest_of(body: bytes) -> str:
    """What a delivery is known by: of all that comes with it, the body alone is signed."""
    return hashlib.sha256(body).hexdigest()
