"""A run is compared with the runs and the commit before it."""

from dataclasses import replace

from tests.cli.caller import Caller
from tests.cli.stack import FAILS, TinyStack


def test_second_run_says_what_is_as_before_and_that_the_gate_got_weaker(caller: Caller, stack: TinyStack) -> None:
    stack.has("words", "true")
    stack.has("bad", FAILS)
    stack.git("add", ".")
    stack.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "first")
    stack.git("branch", "-M", "main")
    first = caller.run(stack.root, "--json-output").document["run"]["id"]
    (stack.root / "main.py").write_text("import os  # noqa: F401\n")

    red = caller.run(stack.root, "--json-output")

    (check,) = (each for each in red.document["stages"]["quality"]["checks"] if each["name"] == "bad")
    assert (check["diagnostics"][0]["seen"], check["diagnostics"][0]["on_base"]) == (2, True)
    assert red.document["comparison"]["previous"] == first
    assert red.document["comparison"]["red_on_base"] == ["bad"]
    assert "1 error as before" in red.stderr
    assert "Not yours: bad is red at" in red.stderr
    weaker = {"kind": "suppression", "file": "main.py", "line": 1, "text": "new: `# noqa: F401`"}
    assert red.document["weaker_gate"]["found"] == [weaker]

    strict = replace(caller, environ={**caller.environ, "PREDEPLOY_WEAKER_GATE": "fail"})
    caller.run(stack.root, "--only", "words").assert_ended(0, "PASSED")
    ended = strict.run(stack.root, "--only", "words")
    ended.assert_ended(1, "FAILED")
    assert "the gate got weaker in 1 place" in ended.stdout
