"""Doppler's own file format: its published examples are read, and written."""

import base64
import secrets

import pytest

from tasks.secrets.doppler import sealed as sealed_format
from tasks.secrets.doppler.sealed import UnsealedError, seal, unseal

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


@pytest.mark.parametrize("sealed", PUBLISHED)
def test_published_examples_are_read(sealed: str) -> None:
    assert unseal(sealed, PASSPHRASE) == PLAIN
    assert unseal(f"{sealed}\n", PASSPHRASE) == PLAIN


def test_the_published_example_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same salt and initialization vector, each byte is the same."""
    drawn = [base64.b64decode(part) for part in BASE64.split("-")[:2]]
    monkeypatch.setattr(secrets, "token_bytes", lambda _: drawn.pop(0))
    monkeypatch.setattr(sealed_format, "ROUNDS", 50_000)

    assert seal(PLAIN, PASSPHRASE) == f"4:base64:50000:{BASE64}"


@pytest.mark.parametrize("text", ["", PLAIN, "ключ 🔑\n" * 40])
def test_written_file_is_read_by_both_implementations(text: str) -> None:
    sealed = seal(text, "dp.st.x:cafe:dev")

    assert sealed.startswith("4:base64:500000:")
    assert unseal(sealed, "dp.st.x:cafe:dev") == text
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
