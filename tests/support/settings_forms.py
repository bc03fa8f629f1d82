"""Generates ways in which Django settings read variables and databases: library, form, shape, default and nesting."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

SEED = 20261130
OS, ENVIRON, ENVIRONS, DECOUPLE, PYDANTIC, HELPER = "os", "environ", "environs", "decouple", "pydantic", "helper"
HEADS = {
    OS: "import json\nimport os\nfrom os import environ\nfrom pathlib import Path\n",
    ENVIRON: "import environ\nenv = environ.Env()\n",
    ENVIRONS: "from environs import Env\nenv = Env()\n",
    DECOUPLE: "from decouple import Csv, config\n",
    PYDANTIC: "from pydantic import *\nfrom pydantic_settings import *\nfrom typing import *\n",
    HELPER: """import os
from django.core.exceptions import ImproperlyConfigured
def get_env_variable(name):
    try:
        return os.environ[name]
    except KeyError:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
def need(name, cast=str):
    value = os.getenv(name)
    if value is None:
        raise RuntimeError("missing configuration: " + name)
    return cast(value)
""",
}
# `{n}` is the variable's name.
REQUIRED = {
    OS: (
        'os.environ["{n}"]',
        'environ["{n}"]',
        'int(os.environ["{n}"])',
        'float(os.environ["{n}"])',
        'os.environ["{n}"].split(",")',
        'os.environ["{n}"].lower() in ("true", "1")',
        'json.loads(os.environ["{n}"])',
        'Path(os.environ["{n}"])',
        'int(os.getenv("{n}"))',
        'os.environ.get("{n}").strip()',
        '{{"dev": 1, "production": 2}}[os.environ["{n}"]]',
        '[int(each) for each in os.environ["{n}"].split(",")]',
        '__import__("uuid").UUID(os.environ["{n}"])',
        '__import__("base64").urlsafe_b64decode(os.environ["{n}"])',
        '__import__("datetime").date.fromisoformat(os.environ["{n}"])',
        'dict(os.environ)["{n}"]',
    ),
    ENVIRON: (
        'env("{n}")',
        'env("{n}", cast=int)',
        'env("{n}", bool)',
        'env.str("{n}")',
        'env.int("{n}")',
        'env.float("{n}")',
        'env.bool("{n}")',
        'env.list("{n}")',
        'env.list("{n}", cast=int)',
        'env.tuple("{n}")',
        'env.dict("{n}")',
        'env.json("{n}")',
        'env.url("{n}")',
        'env.path("{n}")',
        'env.cache_url("{n}")',
        'env.email_url("{n}")',
        'env.db_url("{n}")',
        'environ.Env({n}=int)("{n}")',
    ),
    ENVIRONS: (
        'env("{n}")',
        'env.str("{n}")',
        'env.int("{n}")',
        'env.float("{n}")',
        'env.decimal("{n}")',
        'env.bool("{n}")',
        'env.list("{n}")',
        'env.list("{n}", subcast=int)',
        'env.dict("{n}")',
        'env.json("{n}")',
        'env.url("{n}")',
        'env.path("{n}")',
        'env.uuid("{n}")',
        'env.date("{n}")',
        'env.datetime("{n}")',
        'env.timedelta("{n}")',
        'env.log_level("{n}")',
    ),
    DECOUPLE: (
        'config("{n}")',
        'config("{n}", cast=int)',
        'config("{n}", cast=float)',
        'config("{n}", cast=bool)',
        'config("{n}", cast=Csv())',
        'config("{n}", cast=Csv(int))',
        'config("{n}", cast=lambda text: text.split(";"))',
    ),
    HELPER: (
        'get_env_variable("{n}")',
        'int(get_env_variable("{n}"))',
        'get_env_variable("{n}").split(",")',
        'need("{n}")',
        'need("{n}", int)',
    ),
}
FIELDS = (
    *("str", "int", "float", "bool", "SecretStr", "list[str]", "list[int]", "dict[str, str]", "HttpUrl", "UUID4"),
    *(
        "AnyUrl",
        "Optional[int]",
        'Literal["blue", "green"]',
        "PositiveInt",
        "set[str]",
        "Json",
        "constr(min_length=12)",
    ),
    "PostgresDsn",
)
DEFAULTS = {
    OS: ('os.environ.get("{n}", "a")', 'int(os.getenv("{n}", "3"))', 'os.environ.get("{n}")'),
    ENVIRON: ('env("{n}", default="a")', 'env.int("{n}", default=3)', 'env.list("{n}", default=[])'),
    ENVIRONS: ('env.str("{n}", "a")', 'env.int("{n}", 3)', 'env.bool("{n}", default=False)'),
    DECOUPLE: ('config("{n}", default="a")', 'config("{n}", default=3, cast=int)'),
    HELPER: ('os.getenv("{n}", "a")',),
}
# `{n}` is the prefix of the names.
DATABASES = {
    OS: (
        (
            'DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["{n}_NAME"], '
            '"HOST": os.environ.get("{n}_HOST", "db"), "PORT": os.environ.get("{n}_PORT", "5432"), '
            '"USER": os.environ["{n}_USER"], "PASSWORD": os.environ["{n}_PASSWORD"]}}}}'
        ),
        'DATABASES = {{"default": {{"ENGINE": os.environ["{n}_ENGINE"], "NAME": os.environ["{n}_NAME"]}}}}',
        (
            'DATABASES = {{"default": {{"ENGINE": "django.db.backends." + os.environ["{n}_ENGINE"], '
            '"NAME": "shop", "HOST": "db.prod.example.com"}}}}'
        ),
        'import dj_database_url\nDATABASES = {{"default": dj_database_url.parse(os.environ["{n}_URL"])}}',
        'import dj_database_url\nDATABASES = {{"default": dj_database_url.config(env="{n}_URL", ssl_require=True)}}',
        (
            'DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "s", "HOST": "10.0.0.7"}}, '
            '"replica": {{"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "10.0.0.8"}}}}'
        ),
        'DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "OPTIONS": {{"service": "{n}"}}}}}}',
    ),
    ENVIRON: (
        'DATABASES = {{"default": env.db("{n}_URL")}}',
        'DATABASES = {{"default": env.db()}}',
        'DATABASES = {{"default": env.db("{n}_URL", default="postgres://db/shop")}}',
        (
            'DATABASES = {{"default": {{"ENGINE": env("{n}_ENGINE"), "NAME": env("{n}_NAME"), '
            '"HOST": env("{n}_SERVER")}}}}'
        ),
    ),
    ENVIRONS: (
        'DATABASES = {{"default": env.dj_db_url("{n}_URL")}}',
        'DATABASES = {{"default": env.dj_db_url("DATABASE_URL")}}',
    ),
    DECOUPLE: (
        (
            'DATABASES = {{"default": {{"ENGINE": config("{n}_ENGINE", default="django.db.backends.postgresql"), '
            '"NAME": config("{n}_NAME"), "HOST": config("{n}_SERVER"), "PORT": config("{n}_PORT", cast=int)}}}}'
        ),
        'from dj_database_url import parse\nDATABASES = {{"default": config("{n}_URL", cast=parse)}}',
    ),
    HELPER: (
        (
            'DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": need("{n}_NAME"), '
            '"USER": need("{n}_USER"), "HOST": need("{n}_HOST"), "PORT": need("{n}_PORT", int)}}}}'
        ),
    ),
}
NESTINGS = ("plain", "base", "package", "function", "class", "branch", "dict")
WORDS = ("STRIPE", "SHOP", "PAYMENT", "CRM", "MAILGUN", "GEO", "X", "ACME", "TRACKING")
ENDINGS = ("KEY", "TOKEN", "URL", "LEVEL", "THING", "SECRET", "ID", "NAME", "MODE")
BASE = 'SECRET_KEY = "x"\nINSTALLED_APPS = []\nUSE_TZ = True\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCase:
    """Files of a project, and the names of variables that a run must fill. `database`: the settings have a database."""

    name: str
    files: dict[str, str]
    required: tuple[str, ...]
    database: bool = False
    optional: tuple[str, ...] = field(default=())


def settings_cases(count: int) -> Iterator[SettingsCase]:
    """Yields the cases, the same in each run."""
    chance = random.Random(SEED)
    libraries = [OS, ENVIRON, ENVIRONS, DECOUPLE, PYDANTIC, HELPER]
    for number in range(count):
        library = libraries[number % len(libraries)]
        name = f"{chance.choice(WORDS)}_{chance.choice(ENDINGS)}_{number}"
        round_ = number // len(libraries)
        if library == PYDANTIC:
            yield pydantic_case(number, round_, name, chance)
        elif round_ % 4 == 3:
            form = DATABASES[library][(round_ // 4) % len(DATABASES[library])]
            text = form.format(n=name)
            yield case(number, library, text, (), chance, database=True)
        else:
            forms = REQUIRED[library]
            lines = [f"A = {forms[round_ % len(forms)].format(n=name)}"]
            required = [name]
            if chance.random() < 0.3:
                lines.append(f"B = {chance.choice(forms).format(n=name + '_MORE')}")
                required.append(name + "_MORE")
            lines.append(f"C = {chance.choice(DEFAULTS[library]).format(n=name + '_EXTRA')}")
            yield case(number, library, "\n".join(lines), tuple(required), chance, optional=(name + "_EXTRA",))


def case(
    number: int,
    library: str,
    text: str,
    required: tuple[str, ...],
    chance: random.Random,
    *,
    database: bool = False,
    optional: tuple[str, ...] = (),
) -> SettingsCase:
    """Returns a case with its files, nested in one of the ways."""
    nesting = "plain" if database else chance.choice(NESTINGS)
    head, module = HEADS[library], f"conf{number}"
    files = {f"{module}/__init__.py": "", "manage.py": MANAGE.format(module=module)}
    if nesting == "base":
        files[f"{module}/base.py"] = head + BASE + text + "\n"
        files[f"{module}/settings.py"] = "from .base import *\n"
    elif nesting == "package":
        files[f"{module}/settings.py"] = BASE + f"from {module}.inner.values import *\n"
        files |= {f"{module}/inner/__init__.py": "", f"{module}/inner/values.py": head + text + "\n"}
    else:
        files[f"{module}/settings.py"] = head + BASE + nested(text, nesting) + "\n"
    label = f"{number} {library} {nesting}: {text}"
    return SettingsCase(name=label, files=files, required=required, database=database, optional=optional)


def nested(text: str, nesting: str) -> str:
    """Returns the lines inside of a function, a class, a branch or a table."""
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    if nesting == "function":
        return f"def load():\n{indented}\n    return A\nRESULT = load()"
    if nesting == "class":
        return f"class Values:\n{indented}\n"
    if nesting == "branch":
        return f"if USE_TZ:\n{indented}\n"
    if nesting == "dict":
        lines = (line.partition(" = ") for line in text.splitlines())
        return "VALUES = {" + ", ".join(f'"{key}": {value}' for key, _, value in lines) + "}"
    return text


def pydantic_case(number: int, round_: int, name: str, chance: random.Random) -> SettingsCase:
    """Returns a case with a settings class: with a prefix, an alias, or a nested model."""
    kind, variant = FIELDS[round_ % len(FIELDS)], round_ % 4
    prefix, lower, model = f"APP{number}_", name.lower(), ""
    config = f'    model_config = SettingsConfigDict(env_prefix="{prefix}", env_nested_delimiter="__")\n'
    if variant == 0:
        fields, required = f"    {lower}: {kind}\n", (name,)
    elif variant == 1:
        fields, required = config + f"    {lower}: {kind}\n", (prefix + name,)
    elif variant == 2:
        fields, required = f'    value: {kind} = Field(alias="{name}")\n', (name,)
    else:
        model = f"class Inner(BaseModel):\n    {lower}: {kind}\n    other: int = 3\n"
        fields, required = config + "    inner: Inner\n", (f"{prefix}INNER__{name}",)
    text = f"{model}class Values(BaseSettings):\n{fields}    extra: str = 'a'\nVALUES = Values()"
    return case(number, PYDANTIC, text, required, FixedChance(chance))


class FixedChance(random.Random):
    """A chance that nests only in whole files, because a class cannot be nested in a line."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance.random())

    def choice(self, seq):  # type: ignore[no-untyped-def]
        return super().choice([each for each in seq if each in {"plain", "base", "package", "branch"}] or seq)


MANAGE = """import os
import sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{module}.settings")
execute_from_command_line(sys.argv)
"""
