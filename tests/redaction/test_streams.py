"""Streams, log records and raised errors show no value of a secret."""

import io
import logging
import sys
import traceback
from collections.abc import Callable

import pytest

from tasks.redaction.redactor import NOTHING, Redactor
from tasks.redaction.streams import MaskedStream, mask_process, masked_errors

REDACTOR = Redactor({"KEY": "c4n4ry-value"})


def test_stream_is_masked_and_otherwise_unchanged() -> None:
    inner = io.StringIO()
    stream = MaskedStream(inner, REDACTOR)

    print("a c4n4ry-value", file=stream)
    stream.writelines(["one c4n4ry-value\n", "two\n"])

    assert inner.getvalue() == "a ***\none ***\ntwo\n"
    assert not stream.isatty()
    assert stream.write("c4n4ry-value") == len("c4n4ry-value")


def test_streams_are_masked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = io.StringIO()
    monkeypatch.setattr(sys, "stdout", inner)
    monkeypatch.setattr(sys, "stderr", None)

    mask_process(NOTHING)
    assert sys.stdout is inner
    mask_process(REDACTOR)
    mask_process(Redactor({"KEY": "c4n4ry-value", "MORE": "an0ther-value"}))
    sys.stdout.write("c4n4ry-value an0ther-value\n")

    assert inner.getvalue() == "*** ***\n"
    assert sys.stderr is None


def test_a_log_record_shows_no_value_in_message_and_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    written, logger = io.StringIO(), logging.Logger("a library")
    logger.addHandler(logging.StreamHandler(written))
    mask_process(REDACTOR)

    logger.error("plain %s", "c4n4ry-value")
    try:
        raise caused()
    except ValueError:
        logger.exception("it broke")

    assert "plain ***" in written.getvalue()
    assert "KeyError: '***'" in written.getvalue()
    assert "c4n4ry" not in written.getvalue()


def test_log_record_without_a_value_is_unchanged() -> None:
    mask_process(REDACTOR)

    record = logging.getLogger("a library").makeRecord("a library", 40, "f", 1, "plain %s", ("text",), None)

    assert (record.msg, record.args, record.getMessage()) == ("plain %s", ("text",), "plain text")


def test_an_error_is_raised_without_a_value() -> None:
    with pytest.raises(RuntimeError, match=r"^ValueError: no \*\*\*$") as caught, masked_errors(REDACTOR):
        raise ValueError("no c4n4ry-value")

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def caused() -> Exception:
    error = ValueError("plain")
    error.__cause__ = KeyError("c4n4ry-value")
    return error


def met() -> Exception:
    error = ValueError("plain")
    error.__context__ = KeyError("c4n4ry-value")
    return error


def noted() -> Exception:
    error = ValueError("plain")
    error.add_note("c4n4ry-value")
    return error


def grouped() -> Exception:
    return ExceptionGroup("plain", [caused()])


@pytest.mark.parametrize("make", [caused, met, noted, grouped])
def test_cause_and_notes_of_an_error_are_masked(make: Callable[[], Exception]) -> None:
    with pytest.raises(RuntimeError, match=r"^(ValueError|ExceptionGroup): plain") as caught, masked_errors(REDACTOR):
        raise make()

    assert "c4n4ry" not in "".join(traceback.format_exception(caught.value))


def test_errors_without_a_value_are_unchanged() -> None:
    with pytest.raises(KeyError), masked_errors(REDACTOR):
        raise KeyError("plain")
