"""Lines of a wrangler file for findings that only name a key."""

import pytest

from tasks.catalogue.worker.bundling import key_lines
from tasks.diagnostics.reading import Parsed
from tasks.execution.key_lines import with_key_lines
from tasks.models import Diagnostic
from tests.support.factories import make_scene, make_stack, make_worker

JSONC = """{
  "name": "In take", // wrong
  "kv_namespaces": [
    { "binding": "MENU",
      "id": 7 }
  ],
  "assets": {
    "directory": "public",
    "run_worker_first": []
  },
  "env": {
    "live": {
      "name": "live shop",
      "vars": { "MODE": "live" }
    }
  }
}
"""
TOML = 'name = "In take"\n[[kv_namespaces]]\nbinding = "MENU"\n\n[assets]\ndirectory = "public"\n'


def line_of(message: str, text: str = JSONC, *, environment: str = "", file: str | None = None) -> int | None:
    path = f"workers/intake/wrangler.{'toml' if text == TOML else 'jsonc'}"
    worker = make_worker(config=path, environment=environment)
    assert worker.worker
    keys = key_lines(worker.worker, make_scene(make_stack(worker), {path: text}))
    assert keys
    finding = Diagnostic(tool="wrangler", message=message, file=file)
    (placed,) = with_key_lines(Parsed(diagnostics=(finding,)), keys).diagnostics
    assert placed.file == (path if placed.line else file)
    return placed.line


@pytest.mark.parametrize(
    ("message", "jsonc", "toml"),
    [
        ('Expected "name" to be of type string, alphanumeric and lowercase but got "In take".', 2, 1),
        ('"kv_namespaces[0]" bindings should have a string "id" field but got {"binding":"MENU"}.', 5, 2),
        ('Unexpected fields found in assets field: "directory"', 8, 6),
        ('The directory specified by the "assets.directory" field in your configuration file does not exist', 8, 6),
        ("No `run_worker_first` rules were provided; must provide at least 1 rule.", 9, None),
        ('Could not resolve "left-pad"', None, None),
    ],
)
def test_line_of_the_key_that_a_message_names(message: str, jsonc: int | None, toml: int | None) -> None:
    assert (line_of(message), line_of(message, TOML)) == (jsonc, toml)


def test_key_of_the_environment_that_is_deployed() -> None:
    message = 'Expected "name" to be of type string but got "live shop".'

    assert (line_of(message), line_of(message, environment="live")) == (2, 13)


def test_a_place_in_another_file_stays() -> None:
    assert line_of('Could not resolve "name"', file="workers/intake/src/index.ts") is None


def test_a_broken_file_has_no_lines() -> None:
    worker = make_worker(config="workers/intake/wrangler.jsonc")
    assert worker.worker
    context = make_scene(make_stack(worker), {"workers/intake/wrangler.jsonc": '{ "name": ]]} '})

    assert key_lines(worker.worker, context) is None
