"""Each behaviour of Doppler is reported in one line, without the token."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import PredeployError
from tasks.secrets import ProviderContext, Secrets, choose_provider, take_secrets
from tasks.secrets.doppler.access import DopplerLimits
from tasks.secrets.doppler.token import read_token
from tasks.settings import Settings
from tests.secrets.doppler.behaviours import BEHAVIOURS, Behaviour
from tests.secrets.doppler.table import arranged, show
from tests.support.factories import make_check, make_command

# A row with a fixed number of requests has time for them on any machine; the other rows wait until their time is over.
PATIENT = DopplerLimits(total=50, answer=3, pause=0.01)
HASTY = DopplerLimits(total=1, answer=0.5, pause=0.01)


def take(behaviour: Behaviour, environ: dict[str, str], root: Path) -> Secrets:
    settings = Settings.model_validate(behaviour.settings)
    token = read_token(behaviour.token)
    around = ProviderContext(environ=environ, root=root, tree=(), token=token)
    check = make_check("check", commands=(make_command("check", secrets=behaviour.asks),))
    return take_secrets([check], choose_provider(settings, around), token=token)


def outcome(work: Callable[[], Secrets]) -> tuple[int, str, dict[str, str]]:
    try:
        return 0, "", dict(work())
    except PredeployError as error:
        return error.exit_code, str(error), {}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_behaviour_is_reported_in_one_line(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with arranged(behaviour, tmp_path) as (doppler, environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(DopplerLimits, "of", lambda _: HASTY if behaviour.requests is None else PATIENT)

        exit_code, message, values = outcome(lambda: take(behaviour, environ, tmp_path))

    assert (exit_code, message[: len(behaviour.says)]) == (behaviour.exit, behaviour.says), message
    assert exit_code or values == behaviour.values
    assert len(message.partition("\n")[0]) < 400
    assert behaviour.token not in message
    if behaviour.requests is not None:
        assert len(doppler.asked) == behaviour.requests, [each.status for each in doppler.asked]
    for each in doppler.asked:
        assert each.headers["authorization"] == f"Bearer {behaviour.token}"
        wanted = {*each.query.get("secrets", "").split(",")}
        assert wanted <= {*behaviour.asks, "DOPPLER_PROJECT", "DOPPLER_CONFIG"}


def test_table_has_many_behaviours() -> None:
    names = [each.name for each in BEHAVIOURS]

    assert len(names) == len(set(names)) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_behaviour_is_reported_by_the_command_line(behaviour: Behaviour, shared_home: Path, tmp_path: Path) -> None:
    shown = show(behaviour, tmp_path, shared_home)

    assert shown.code == behaviour.exit, shown.everything
    assert not behaviour.says or shown.line.startswith(behaviour.says), shown.line
    assert behaviour.token not in shown.everything
    assert behaviour.requests in {None, shown.requests}
