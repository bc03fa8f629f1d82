"""Which variables Django's settings need, read in their code."""

import ast

import pytest

from tasks.discovery.django.variables import read_variables
from tasks.variable import Variable

OS = "import os\n"
ENVIRON = "import environ\nenv = environ.Env()\n"
ENVIRONS = "from environs import Env\nenv = Env()\n"
DECOUPLE = "from decouple import Csv, config\n"
PYDANTIC = "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
HELPER = (
    OS
    + "def get_env_variable(name):\n    try:\n        return os.environ[name]\n    except KeyError:\n        raise E\n"
)
DATABASES = 'DATABASES = {"default": {"ENGINE": "postgresql", "HOST": %s}}\n'


def reads(text: str) -> dict[str, Variable]:
    return {each.name: each for each in read_variables([("config/settings.py", ast.parse(text))])}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (OS + 'X = os.environ["X"]', "text"),
        ('from os import environ\nX = environ["X"]', "text"),
        (OS + 'X = int(os.environ["X"])', "number"),
        (OS + 'X = os.environ["X"].lower() == "true"', "boolean"),
        (OS + 'X = os.environ["X"].split(",")', "list"),
        (OS + 'X = os.environ.get("X")\nif not X:\n    raise ValueError("X")', "text"),
        (OS + 'X = os.getenv("X")\nassert X', "text"),
        (OS + 'X = int(os.getenv("X"))', "number"),
        (OS + 'SECRET_KEY = os.getenv("X")', "text"),
        (OS + "X = f'a{os.environ[\"X\"]}'", "text"),
        (ENVIRON + 'X = env("X")', "text"),
        (ENVIRON + 'X = env("X", cast=int)', "number"),
        (ENVIRON + 'X = env("X", bool)', "boolean"),
        (ENVIRON + 'X = env.int("X")', "number"),
        (ENVIRON + 'X = env.list("X", int)', "numbers"),
        (ENVIRON + 'X = env.db("X")', "database"),
        (ENVIRON + 'X = env.cache("X")', "cache"),
        (ENVIRON + 'X = env.json("X")', "json"),
        ("import environ\nenv = environ.Env(X=bool)\nX = env('X')", "boolean"),
        (ENVIRONS + 'X = env.str("X")', "text"),
        (ENVIRONS + 'X = env.dj_db_url("X")', "database"),
        (ENVIRONS + 'X = env.list("X", subcast=int)', "numbers"),
        (DECOUPLE + 'X = config("X")', "text"),
        (DECOUPLE + 'X = config("X", cast=Csv())', "list"),
        (DECOUPLE + 'X = config("X", cast=lambda text: text.split())', "list"),
        (DECOUPLE + 'X = config("X", cast=lambda text: [int(each) for each in text.split()])', "numbers"),
        (PYDANTIC + "class S(BaseSettings):\n    x: int", "number"),
        (PYDANTIC + "class S(BaseSettings):\n    x: list[str]", "json_list"),
        (HELPER + 'X = get_env_variable("X")', "text"),
        (
            OS + 'def need(name):\n    if value := os.getenv(name):\n        return value\n    raise E\nX = need("X")',
            "text",
        ),
        (HELPER + 'X = int(get_env_variable("X"))', "number"),
        (
            OS + 'def words(name, default=None):\n    return os.environ.get(name, default)\nX = words("X").split()',
            "list",
        ),
    ],
)
def test_variable_without_a_default_is_required_and_has_a_shape(text: str, shape: str) -> None:
    found = reads(text)["X"]

    assert (found.required, found.shape, found.file) == (True, shape, "config/settings.py")


@pytest.mark.parametrize(
    "text",
    [
        OS + 'def words(name):\n    return os.environ.get(name, "").split(",")\nX = words("X")',
        OS + 'D = "1"\ndef number(name):\n    return int(os.environ.get(name, D))\nX = number("X")',
        OS + 'os.environ.setdefault("X", "dev")\nX = os.environ["X"]',
        OS + 'X = os.environ.get("X")',
        OS + 'X = int(os.environ.get("X", 3))',
        OS + 'X = int(os.environ.get("X") or 3)',
        OS + 'if "X" in os.environ:\n    X = os.environ["X"]',
        OS + 'try:\n    X = os.environ["X"]\nexcept KeyError:\n    X = ""',
        OS + 'if "X" in os.environ:\n    X = os.environ.get("X").split(",")',
        OS + 'if "USE_X" in os.environ:\n    X = os.environ["X"]',
        OS + 'def secret(name, default=None):\n    if path := os.getenv(name + "_FILE"):\n        raise E\n'
        '    return os.getenv(name, default)\nX = secret("X")',
        ENVIRON + 'X = env("X", default=None)',
        ENVIRON + 'X = env.int("X", 3)',
        "import environ\nenv = environ.Env(X=(bool, False))\nX = env('X')",
        ENVIRONS + 'X = env.str("X", "a")',
        DECOUPLE + 'X = config("X", default=3, cast=int)',
        DECOUPLE + 'X = config("X", "a")',
        PYDANTIC + "class S(BaseSettings):\n    x: int = 3",
        OS + 'def get(name, default="a"):\n    return os.environ.get(name, default)\nX = get("X")',
    ],
)
def test_variable_with_a_default_is_not_required(text: str) -> None:
    assert not reads(text)["X"].required


def test_prefixes_and_nested_models_make_the_names() -> None:
    inner = "class Mail(BaseModel):\n    host: str\n    port: int = 25\n"
    config = "    model_config = SettingsConfigDict(env_prefix='APP_', env_nested_delimiter='__')\n"

    nested = reads(PYDANTIC + inner + "class S(BaseSettings):\n" + config + "    key: str\n    mail: Mail\n")
    prefixed = reads(ENVIRONS + 'with env.prefixed("A_"):\n    with env.prefixed("B_"):\n        X = env("X")\n')

    assert {name for name, each in nested.items() if each.required} == {"APP_KEY", "APP_MAIL__HOST"}
    assert [*prefixed] == ["A_B_X"]


@pytest.mark.parametrize(
    "text",
    [
        OS + DATABASES % 'os.environ["X"]',
        OS + DATABASES % 'os.getenv("X", "db")',
        OS + 'HOST = os.getenv("X", "db")\n' + DATABASES % "HOST",
        OS + 'DATABASES["default"]["HOST"] = os.getenv("X")',
        DECOUPLE + DATABASES % 'config("X", default="db")',
    ],
)
def test_part_of_a_database_has_its_role(text: str) -> None:
    assert reads(text)["X"].role == "HOST"


@pytest.mark.parametrize(
    ("imports", "call", "shape"),
    [
        ("from pytimeparse import parse", "parse", "text"),
        ("from dj_database_url import parse", "parse", "database"),
        ("import dj_database_url", "dj_database_url.parse", "database"),
        ("import dj_email_url", "dj_email_url.parse", "mailer"),
    ],
)
def test_parse_means_what_its_module_parses(imports: str, call: str, shape: str) -> None:
    assert reads(f'{imports}\n{OS}X = {call}(os.environ["X"])\n')["X"].shape == shape


def test_functions_of_other_files_count_only_for_reads_that_raise_an_error() -> None:
    text = OS + 'KEY = os.environ["KEY"]\ndef page():\n    return os.environ["PAGE"], os.environ.get("LATER", "")\n'

    found = read_variables([], [("shop/mail.py", ast.parse(text))])

    assert [each.name for each in found] == ["KEY", "PAGE"]
