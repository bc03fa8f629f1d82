"""Doppler's own file format: published examples can be read, and another implementation reads our files."""

import base64
import hashlib

import pytest

from tasks.secrets.doppler.sealed import UnsealedError, seal, unseal
from tests.secrets.doppler import aes_gcm

# pkg/crypto/aes_test.go of DopplerHQ/cli
PASSPHRASE, PLAIN = "secret", '{"TEST_SECRET":"value"}'
HEX = (
    "9bc0a6db97dadea4-0d16d53716f505651f894aba-"
    "11b04a80eafd8ea700c7755de860aeb0347cff4ae93b626e858681e7e123034b4c11691a412843"
)
BASE64 = "qwbkFMWB7FE=-Ew968YdkAXRb6l46-eA4o9Pf9mSIaOofa8YIEP+FqJ6DwScHsYIObAw3dvKvHbe5SDTzB"
PUBLISHED = (
    HEX,
    f"hex:{HEX}",
    f"hex:50000:{HEX}",
    f"4:hex:50000:{HEX}",
    f"base64:{BASE64}",
    f"base64:50000:{BASE64}",
    f"4:base64:50000:{BASE64}",
)


def opened_by_another(sealed: str, passphrase: str) -> str:
    """The fourth version of the format, implemented from its description with the ciphers of `aes_gcm`."""
    version, encoding, rounds, body = sealed.split(":")
    decode = {"hex": bytes.fromhex, "base64": base64.b64decode}[encoding]
    salt, iv, data = (decode(part) for part in body.split("-"))
    assert version == "4"
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, int(rounds), 32)
    return aes_gcm.decrypt(key, iv, data).decode()


@pytest.mark.parametrize("sealed", PUBLISHED)
def test_published_examples_are_read(sealed: str) -> None:
    assert unseal(sealed, PASSPHRASE) == PLAIN
    assert unseal(f"{sealed}\n", PASSPHRASE) == PLAIN


@pytest.mark.parametrize("sealed", [each for each in PUBLISHED if each.startswith("4:")])
def test_published_examples_are_read_by_the_other_implementation(sealed: str) -> None:
    assert opened_by_another(sealed, PASSPHRASE) == PLAIN


def test_other_implementation_follows_the_standard() -> None:
    """Checks test case 14 of the paper on GCM, and an example of FIPS 197."""
    sealed = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    keys = aes_gcm.round_keys(bytes(range(32)))

    assert aes_gcm.decrypt(bytes(32), bytes(12), sealed) == bytes(16)
    assert aes_gcm.encrypt_block(keys, bytes.fromhex("00112233445566778899aabbccddeeff")).hex() == (
        "8ea2b7ca516745bfeafc49904b496089"
    )
    with pytest.raises(ValueError, match="does not fit"):
        aes_gcm.decrypt(bytes(32), bytes(12), bytes(32))


@pytest.mark.parametrize("text", ["", PLAIN, "ключ 🔑\n" * 40])
def test_written_file_is_read_by_both_implementations(text: str) -> None:
    sealed = seal(text, "dp.st.x:cafe:dev")

    assert sealed.startswith("4:base64:500000:")
    assert unseal(sealed, "dp.st.x:cafe:dev") == text
    assert opened_by_another(sealed, "dp.st.x:cafe:dev") == text
    assert sealed != seal(text, "dp.st.x:cafe:dev")


@pytest.mark.parametrize(
    ("sealed", "says"),
    [
        (BASE64, "not of this format"),
        ("", "not of this format"),
        ("4:base64:50000:", "not of this format"),
        ("4:rot13:50000:a-b-c", "not of this format"),
        ("4:hex:many:00-00-00", "not of this format"),
        ("4:hex:99999999999:00-00-00", "not of this format"),
        ("4:hex:0:00-00-00", "not of this format"),
        ("5:hex:50000:00-00-00", "version 5 is not known"),
        ("9:4:hex:50000:00-00-00", "not of this format"),
        (HEX[:-2] + "44", "changed, or sealed with another passphrase"),
    ],
)
def test_text_in_another_format_is_rejected(sealed: str, says: str) -> None:
    with pytest.raises(UnsealedError, match=says):
        unseal(sealed, PASSPHRASE)


def test_another_passphrase_is_rejected() -> None:
    with pytest.raises(UnsealedError, match="another passphrase"):
        unseal(f"hex:{HEX}", "secrets")
