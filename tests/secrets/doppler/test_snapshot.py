"""Copies of Doppler's answers: their owner and config, when they are used, and when they are removed."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tasks.secrets.doppler.sealed as sealed_format
from tasks.secrets import Found
from tasks.secrets.doppler.access import Access, DopplerLimits
from tasks.secrets.doppler.provider import DopplerProvider
from tasks.secrets.doppler.sealed import seal, unseal
from tasks.secrets.doppler.snapshot import DELETE_AFTER, Snapshots, age_text
from tasks.secrets.doppler.token import Token
from tasks.secrets.doppler.trouble import DopplerError
from tests.secrets.doppler.misbehaviour import answer, hang_up, page, redirect, refuse
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler, Fault

PLACE = ("cafe", "dev")
NAMES = ("KEY", "LINES")
VALUES = {"KEY": "c4n4ry-value", "LINES": "c4n4ry\nlines"}
HASTY = DopplerLimits(total=2, answer=1, pause=0.01, attempts=2)


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real number of rounds takes a quarter of a second. `test_sealed.py` tests it."""
    monkeypatch.setattr(sealed_format, "ROUNDS", 1000)


@pytest.fixture
def doppler() -> Iterator[Doppler]:
    with serving(Doppler(configs={PLACE: {**VALUES, "OTHER": "c4n4ry-not-asked"}})) as running:
        yield running


@pytest.fixture
def provider(doppler: Doppler, tmp_path: Path) -> DopplerProvider:
    access = Access(url=doppler.url, token=Token(doppler.service_token(*PLACE)), limits=HASTY)
    return DopplerProvider(access=access, snapshots=Snapshots(directory=tmp_path / "copies", hours=1))


def copies(provider: DopplerProvider) -> list[Path]:
    assert provider.snapshots is not None
    return sorted(provider.snapshots.directory.iterdir()) if provider.snapshots.directory.exists() else []


def silent(doppler: Doppler, provider: DopplerProvider, names: tuple[str, ...] = NAMES) -> Found:
    """The secrets that are found if Doppler does not answer."""
    doppler.always = page(502)
    return provider.find(names)


def test_copy_is_used_if_doppler_does_not_answer(doppler: Doppler, provider: DopplerProvider) -> None:
    fresh = provider.find(NAMES)

    stale = silent(doppler, provider)

    assert (dict(fresh.values), fresh.stale) == (VALUES, "")
    assert dict(stale.values) == VALUES
    assert stale.source == "Doppler (cafe/dev), an earlier answer"
    assert stale.stale.startswith("STALE SECRETS, less than a minute old: copied from Doppler (cafe/dev). ")
    assert "HTTP 502" in stale.stale


def test_copy_is_encrypted_and_private(provider: DopplerProvider) -> None:
    provider.find(NAMES)

    (copy,) = copies(provider)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert b"c4n4ry" not in copy.read_bytes()
    assert provider.access.token.text not in copy.name
    # as Doppler's own command line reads it
    assert '"KEY": "c4n4ry-value"' in unseal(copy.read_text(), provider.access.token.text)


@pytest.mark.parametrize("fault", [refuse(500, "Oops"), refuse(429), page(503), hang_up])
def test_copy_is_used_for_every_kind_of_outage(doppler: Doppler, provider: DopplerProvider, fault: Fault) -> None:
    provider.find(NAMES)
    doppler.always = fault

    assert dict(provider.find(NAMES).values) == VALUES


@pytest.mark.parametrize(
    "fault", [answer(200, b"[]"), redirect("http://127.0.0.1:9"), refuse(400, "Bad"), answer(200, b'{"secrets": 1}')]
)
def test_wrong_answer_is_no_outage(doppler: Doppler, provider: DopplerProvider, fault: Fault) -> None:
    provider.find(NAMES)
    doppler.always = fault

    with pytest.raises(DopplerError):
        provider.find(NAMES)
    assert len(copies(provider)) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_token_loses_its_copies(doppler: Doppler, provider: DopplerProvider, status: int) -> None:
    provider.find(NAMES)
    provider.find(("KEY",))
    assert len(copies(provider)) == 2
    doppler.always = refuse(status, "No")

    with pytest.raises(DopplerError, match=r"Copies of earlier answers are deleted\.$"):
        provider.find(NAMES)

    assert copies(provider) == []
    with pytest.raises(DopplerError, match="502"):
        silent(doppler, provider)


def test_refusal_keeps_the_copies_of_other_tokens(doppler: Doppler, provider: DopplerProvider) -> None:
    other = replace(
        provider, access=replace(provider.access, token=Token(doppler.service_token(*PLACE, token="dp.st.b")))
    )
    provider.find(NAMES)
    other.find(NAMES)
    doppler.faults = [refuse(401)]

    with pytest.raises(DopplerError):
        provider.find(NAMES)

    assert dict(silent(doppler, other).values) == VALUES


Change = Callable[[DopplerProvider], DopplerProvider]


@pytest.mark.parametrize(
    "change",
    [
        lambda given: replace(given, access=replace(given.access, token=Token("dp.st.another"))),
        lambda given: replace(given, access=replace(given.access, project="cafe", config="dev")),
        lambda given: replace(given, snapshots=None),
    ],
    ids=["token", "place", "setting"],
)
def test_copy_is_not_used_for_another_token_or_config(
    doppler: Doppler, provider: DopplerProvider, change: Change
) -> None:
    provider.find(NAMES)

    with pytest.raises(DopplerError, match="502"):
        silent(doppler, change(provider))


def test_copy_is_only_used_for_its_names(doppler: Doppler, provider: DopplerProvider) -> None:
    provider.find(NAMES)

    with pytest.raises(DopplerError):
        silent(doppler, provider, ("KEY", "OTHER"))


def rewritten(provider: DopplerProvider, change: Callable[[str], str]) -> None:
    """The copy with another content, sealed as it was."""
    (copy,) = copies(provider)
    passphrase = provider.access.token.text
    copy.write_text(seal(change(unseal(copy.read_text(), passphrase)), passphrase))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"PREDEPLOY_TAKEN": "1', '"PREDEPLOY_TAKEN": "0'),
        lambda text: text.replace('"PREDEPLOY_TAKEN": "1', '"PREDEPLOY_TAKEN": "9'),
        lambda text: text.replace("PREDEPLOY_TAKEN", "TAKEN"),
        lambda text: text.replace('"KEY"', '"OTHER"'),
        lambda text: "[]",
        lambda text: text[:-1],
    ],
    ids=["old", "of the future", "of no time", "of another name", "a list", "no JSON"],
)
def test_invalid_copy_is_not_used(doppler: Doppler, provider: DopplerProvider, change: Callable[[str], str]) -> None:
    provider.find(NAMES)
    rewritten(provider, change)

    with pytest.raises(DopplerError):
        silent(doppler, provider)


def test_copy_of_another_config_is_not_used(doppler: Doppler, provider: DopplerProvider) -> None:
    named = replace(provider, access=replace(provider.access, project="cafe", config="dev"))
    named.find(NAMES)
    (copy,) = copies(provider)
    passphrase = f"{provider.access.token.text}:cafe:dev"
    copy.write_text(seal(unseal(copy.read_text(), passphrase).replace('"dev"', '"prd"'), passphrase))

    with pytest.raises(DopplerError):
        silent(doppler, named)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_copy_that_other_users_can_access_is_not_used(doppler: Doppler, provider: DopplerProvider, mode: int) -> None:
    provider.find(NAMES)
    copies(provider)[0].chmod(mode)

    with pytest.raises(DopplerError):
        silent(doppler, provider)


def test_a_link_is_no_copy(doppler: Doppler, provider: DopplerProvider, tmp_path: Path) -> None:
    provider.find(NAMES)
    (copy,) = copies(provider)
    copy.rename(tmp_path / "elsewhere")
    copy.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DopplerError):
        silent(doppler, provider)


def test_copy_that_cannot_be_written_is_reported(provider: DopplerProvider) -> None:
    assert provider.snapshots is not None
    provider.snapshots.directory.write_text("no directory")

    found = provider.find(NAMES)

    assert dict(found.values) == VALUES
    assert found.notes == ("doppler_snapshot: no copy of the secrets could be kept: File exists",)


def test_no_incomplete_copy_remains(provider: DopplerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    provider.find(NAMES)
    before = [path.read_bytes() for path in copies(provider)]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        found = provider.find(NAMES)

    assert found.notes
    assert [path.read_bytes() for path in copies(provider)] == before


def test_old_copies_are_removed(provider: DopplerProvider) -> None:
    provider.find(("KEY",))
    (old,) = copies(provider)
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - DELETE_AFTER - 60))

    provider.find(NAMES)

    assert old not in copies(provider)
    assert len(copies(provider)) == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (60, "1 minute"), (3599, "59 minutes"), (7300, "2 hours"), (200_000, "2 days")],
)
def test_age_is_rendered_for_people(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
