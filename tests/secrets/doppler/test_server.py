"""The server that stands for Doppler in tests speaks its API."""

import base64
from collections.abc import Iterator

import pytest
import requests

from tests.secrets.doppler.misbehaviour import page, refuse
from tests.secrets.doppler.server import CONFIG, serving
from tests.secrets.doppler.service import Doppler

PLACE = ("cafe", "dev")


@pytest.fixture
def doppler() -> Iterator[Doppler]:
    with serving(Doppler(configs={PLACE: {"KEY": "value", "HIDDEN": None}, ("cafe", "prd"): {}})) as running:
        yield running


def ask(doppler: Doppler, path: str, token: str, **query: str) -> requests.Response:
    return requests.get(doppler.url + path, params=query, headers={"authorization": f"Bearer {token}"}, timeout=5)


def test_a_service_token_implies_its_config(doppler: Doppler) -> None:
    token = doppler.service_token(*PLACE)

    found = ask(doppler, f"{CONFIG}/secrets", token).json()["secrets"]

    assert {name: entry["computed"] for name, entry in found.items()} == {
        "KEY": "value",
        "HIDDEN": None,
        "DOPPLER_PROJECT": "cafe",
        "DOPPLER_CONFIG": "dev",
        "DOPPLER_ENVIRONMENT": "dev",
    }
    assert found["HIDDEN"]["computedVisibility"] == "restricted"


def test_only_requested_names_are_returned(doppler: Doppler) -> None:
    token = doppler.service_token(*PLACE)

    assert [*ask(doppler, f"{CONFIG}/secrets", token, secrets="KEY,GONE").json()["secrets"]] == ["KEY"]
    assert ask(doppler, f"{CONFIG}/secrets/download", token, secrets="KEY").json() == {"KEY": "value"}
    assert "KEY" in ask(doppler, f"{CONFIG}/secrets/names", token).json()["names"]
    assert ask(doppler, f"{CONFIG}/secret", token, name="KEY").json()["value"]["raw"] == "value"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({}, 400, "Missing required param: project"),
        ({"project": "cafe"}, 400, "Missing required param: config"),
        ({"project": "shop", "config": "dev"}, 404, "Could not find requested project 'shop'"),
        ({"project": "cafe", "config": "qa"}, 404, "Could not find requested config 'qa'"),
        ({"project": "cafe", "config": "prd"}, 403, "does not have access"),
        ({"project": "cafe", "config": "dev"}, 200, ""),
    ],
)
def test_account_must_name_its_project_and_config(
    doppler: Doppler, query: dict[str, str], status: int, says: str
) -> None:
    answer = ask(doppler, f"{CONFIG}/secrets", doppler.account_token(PLACE), **query)

    assert answer.status_code == status
    assert says in "".join(answer.json().get("messages", ()))


def test_request_without_a_known_token_is_refused(doppler: Doppler) -> None:
    token = doppler.service_token(*PLACE)
    basic = {"authorization": f"Basic {base64.b64encode(f'{token}:'.encode()).decode()}"}

    assert requests.get(f"{doppler.url}/v3/me", headers=basic, timeout=5).json()["type"] == "service_token"
    assert ask(doppler, "/v3/me", "dp.st.wrong").status_code == 401
    assert requests.get(f"{doppler.url}/v3/me", timeout=5).json()["messages"] == ["Auth token missing"]
    assert ask(doppler, "/v3/nothing", token).status_code == 404


def test_download_with_a_known_etag_has_no_body(doppler: Doppler) -> None:
    token = doppler.service_token(*PLACE)
    first = ask(doppler, f"{CONFIG}/secrets/download", token)
    headers = {"authorization": f"Bearer {token}", "if-none-match": first.headers["etag"]}
    url = f"{doppler.url}{CONFIG}/secrets/download"

    assert requests.get(url, headers=headers, timeout=5).status_code == 304

    doppler.configs[PLACE] = {"KEY": "rotated"}
    assert requests.get(url, headers=headers, timeout=5).json()["KEY"] == "rotated"


def test_rates_are_limited(doppler: Doppler) -> None:
    doppler.limit = 2
    token = doppler.service_token(*PLACE)

    answers = [ask(doppler, "/v3/me", token) for _ in range(3)]

    assert [(each.status_code, each.headers["x-ratelimit-remaining"]) for each in answers] == [
        (200, "1"),
        (200, "0"),
        (429, "0"),
    ]
    assert answers[2].headers["retry-after"] == "60"


def test_faults_are_shown_in_order_and_every_request_is_recorded(doppler: Doppler) -> None:
    token = doppler.service_token(*PLACE)
    doppler.faults = [refuse(500, "broken"), page(502)]

    statuses = [ask(doppler, "/v3/me", token).status_code for _ in range(3)]

    assert statuses == [500, 502, 200]
    assert len(doppler.asked) == 3
