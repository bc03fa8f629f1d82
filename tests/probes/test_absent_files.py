"""predeploy_files.py and predeploy_absent.py: files of variables that git leaves to production."""

import configparser
from pathlib import Path

import pytest
from dotenv import dotenv_values, load_dotenv
from predeploy_absent import is_kept_out
from predeploy_files import FilesOfSettings, standing_in


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREDEPLOY_WORK", str(tmp_path))
    return tmp_path


def test_absent_dotenv_has_the_values_of_its_example_and_the_filled_ones(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".env.example").write_text("SHOP_KEY=abc\nSHOP_DEBUG=1\n")
    monkeypatch.setenv("SHOP_DEBUG", "0")
    monkeypatch.setenv("SHOP_LIMIT", "5")
    absent = FilesOfSettings()

    with standing_in(absent, {"SHOP_LIMIT"}):
        found = dotenv_values(".env")

    assert found == {"SHOP_KEY": "abc", "SHOP_DEBUG": "0", "SHOP_LIMIT": "5"}
    assert absent.filled == {".env": ".env.example"}
    assert absent.explains(KeyError("OTHER")) == ""
    assert dotenv_values(".env") == {}


def test_dotenv_that_is_there_stays_as_it_is(root: Path) -> None:
    (root / ".env").write_text("SHOP_KEY=own\n")
    (root / ".env.example").write_text("SHOP_KEY=abc\n")
    absent = FilesOfSettings()

    with standing_in(absent, {"PATH"}):
        assert dotenv_values(".env") == {"SHOP_KEY": "own"}

    assert absent.names == {}


def test_load_dotenv_sets_no_variable_of_an_absent_file(root: Path) -> None:
    (root / ".env.example").write_text("SHOP_ONLY_IN_EXAMPLE=abc\n")
    absent = FilesOfSettings()

    with standing_in(absent, set()):
        assert load_dotenv(".env") is False

    assert absent.names == {}


def test_configparser_reads_the_example(root: Path) -> None:
    (root / "shop.ini.example").write_text("[shop]\nkey = 1\n")
    absent, parser = FilesOfSettings(), configparser.ConfigParser()

    with standing_in(absent, set()):
        parser.read(root / "shop.ini")

    assert parser["shop"]["key"] == "1"
    assert absent.filled == {"shop.ini": "shop.ini.example"}


@pytest.mark.parametrize(
    ("error", "file"),
    [
        (KeyError("shop"), "shop.ini"),
        (configparser.NoSectionError("shop"), "shop.ini"),
        (TypeError("int() argument must be a string, not 'NoneType'"), "shop.ini"),
        (TypeError("unsupported operand"), ""),
        (NameError("name 'shop' is not defined"), ""),
    ],
)
@pytest.mark.usefixtures("root")
def test_absent_file_without_an_example_explains_errors_about_missing_values(error: Exception, file: str) -> None:
    absent = FilesOfSettings()

    with standing_in(absent, set()):
        configparser.ConfigParser().read("shop.ini")

    assert absent.explains(error) == file


@pytest.mark.parametrize(
    ("pattern", "name", "kept_out"),
    [
        ("secrets/", "secrets/shop.json", True),
        ("*.json", "config/credentials.json", True),
        ("*.toml", "config/shop.toml", False),
        ("/config/shop.json", "config/shop.json", True),
        ("!secrets/", "secrets/shop.json", False),
        ("other/", "secrets/shop.json", False),
        ("lib/", "lib/module.py", False),
        ("secrets/", "secrets/module.py", False),
    ],
)
def test_configuration_that_git_ignores_is_left_to_production(
    root: Path, pattern: str, name: str, kept_out: bool
) -> None:
    (root / ".gitignore").write_text(f"# secrets/\n{pattern}\n")
    (root / "config").mkdir()

    assert is_kept_out(root / name, root) is kept_out
