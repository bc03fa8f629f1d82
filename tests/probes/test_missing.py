"""Which variable or file an error of the settings is about, without Django."""

from pathlib import Path

import pytest
from predeploy_absent import is_kept_out
from predeploy_missing import Filling


def filling(monkeypatch: pytest.MonkeyPatch, **filled: str) -> Filling:
    for name, value in filled.items():
        monkeypatch.setenv(name, value)
    return Filling("", [*filled])


def test_a_value_in_the_error_shows_its_variable_although_a_shorter_value_is_part_of_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = filling(monkeypatch, EMAIL_PORT="1", TIMES="predeploy-times", RATE="10")

    assert found.take(ValueError("invalid literal for int() with base 10: 'predeploy-times'"))
    assert (found.tried["EMAIL_PORT"], found.tried["RATE"]) == (["1"], ["10"])
    assert len(found.tried["TIMES"]) == 2


def test_module_that_a_filled_variable_names_is_a_matter_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    found = filling(monkeypatch, BACKEND_CLASS="predeploy-backend-class")

    assert not found.take(ImportError("predeploy-backend-class doesn't look like a module path"))
    assert found.blocked == "BACKEND_CLASS"


def test_settings_that_exit_miss_the_variable_that_they_read_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_API", raising=False)
    found = filling(monkeypatch)
    found.missed = ["SHOP_OTHER", "SHOP_API"]

    assert found.take(SystemExit(1))
    assert found.added == {"SHOP_API"}
    monkeypatch.delenv("SHOP_API")


@pytest.mark.parametrize(
    ("files", "absent", "kept_out"),
    [
        ({".gitignore": "*.pyc\nlocal_settings.py\n"}, "config/local_settings.py", True),
        ({".gitignore": "/config/local_settings.py\n"}, "config/local_settings.py", True),
        ({"config/local_settings.py.example": ""}, "config/local_settings.py", True),
        ({"config/local_settings.example.py": ""}, "config/local_settings.py", True),
        ({"config/local_settings-sample": ""}, "config/local_settings.py", True),
        ({"env.example": ""}, ".env", True),
        ({".gitignore": "config/\ndata/\n*.json\n"}, "config/prices.json", False),
        ({"config/prices_example_test.py": "", "config/example.py": ""}, "config/prices.py", False),
        ({"config/base.py": ""}, "config/local_settings.py", False),
        ({".gitignore": "local_settings.py\n"}, "gone/local_settings.py", False),
    ],
)
def test_file_that_the_stack_leaves_to_production(
    tmp_path: Path, files: dict[str, str], absent: str, kept_out: bool
) -> None:
    (tmp_path / "config").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert is_kept_out(tmp_path / absent, tmp_path) is kept_out
