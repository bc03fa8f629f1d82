"""Verifies the signature of a body. No body is parsed before that."""

import hashlib
import hmac
import re

HEADER = "X-Hub-Signature-256"
_FORM = re.compile(r"sha256=([0-9a-f]{64})")


def claimed(header: str | None) -> bytes | None:
    """Returns the SHA-256 digest in a header, or None if the header is missing or of another kind, such as SHA-1."""
    found = _FORM.fullmatch(header or "")
    return bytes.fromhex(found[1]) if found else None


def signs(claim: bytes, secret: bytes, body: bytes) -> bool:
    """Whether the claim is the body's digest. The comparison takes constant time."""
    return hmac.compare_digest(claim, hmac.new(secret, body, hashlib.sha256).digest())


def digest_of(body: bytes) -> str:
    """Returns the id of a delivery: the digest of its body, because only the body is signed."""
    return hashlib.sha256(body).hexdigest()
