"""Merges flags, environment and `predeploy.toml`, and reports all mistakes in them at once."""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.sources.utils import parse_env_vars

from tasks.errors import SettingsError
from tasks.settings.mistakes import Where, mistakes, nearest, spelled
from tasks.settings.models import FLAGS, Settings
from tasks.settings.toml_lines import toml_lines

FILE = "predeploy.toml"
PREFIX = "PREDEPLOY_"
OTHER_VARIABLES = frozenset(
    {
        "PREDEPLOY_CALLED_AS",
        "PREDEPLOY_CODE",
        "PREDEPLOY_CODE_REF",
        "PREDEPLOY_DOPPLER_TOKEN_BLOCK",
        "PREDEPLOY_PYTHON",
        "PREDEPLOY_SERVER_IDLE_SECONDS",
        "PREDEPLOY_STACK",
        "PREDEPLOY_TOKEN_FD",
    }
)
"""Variables that are no settings: the wrapper, the command line, Prefect's server and `prefect.yaml` read them."""
OTHER_PREFIXES = (
    "PREDEPLOY_DOCKER_",
    "PREDEPLOY_GITHUB_",
    "PREDEPLOY_NOTIFY_",
    "PREDEPLOY_SHARD_",
    "PREDEPLOY_WEBHOOK_",
)
"""Settings of services: they start runs or report them."""

Values = dict[str, Any]
Keys = tuple[str | int, ...]


# mypy treats models as dataclasses, which do not mix frozen and other classes
class EnvironmentSettings(Settings, BaseSettings):  # type: ignore[misc]
    """The same settings, in the form that pydantic-settings reads from the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True)


class EnvironmentSource(EnvSettingsSource):
    """The settings in the given variables. A list is separated by commas or is JSON; a table is JSON."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(EnvironmentSettings)
        self.env_vars = parse_env_vars(environ, ignore_empty=True)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002
        """Invalid JSON stays a string, so that validation reports it together with all other mistakes."""
        if value.lstrip().startswith(("[", "{")):
            try:
                return json.loads(value)
            except ValueError:
                return value
        if get_origin(field.annotation) is tuple:
            return [item.strip() for item in value.split(",") if item.strip()]
        return value


def load_settings(
    stack: Path,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    reserved: Collection[str] = (),
    parsers: Collection[str] = (),
) -> Settings:
    """The settings of a run on `stack`.

    `flags` holds only the flags that were given. A flag wins even if it is false or empty.
    `reserved` are names that the stack's own checks must not take. `parsers` are the known parsers; empty: any.
    Raises SettingsError with a line for each mistake in each source.
    """
    problems: list[str] = []
    in_file = _file_values(stack / FILE, reserved, parsers, problems)
    in_environment = EnvironmentSource(environ)()
    problems += _mistakes_in(in_environment, _in_environment, "a table, written as a JSON object")
    problems += _mistakes_in(flags, _on_command_line)
    if problems:
        raise SettingsError(problems)
    return Settings.model_validate({**in_file, **in_environment, **flags})


def usable_settings(stack: Path) -> Settings | None:
    """The settings in a wrong `predeploy.toml` without its wrong keys and checks; None if it cannot be read."""
    try:
        values = tomllib.loads((stack / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = {detail["loc"][: 3 if detail["loc"][0] in {"component", "worker"} else 1] for detail in error.errors()}
        rows = {detail["loc"][1] for detail in error.errors() if detail["loc"][0] == "check" and detail["loc"][1:]}
    kept = [row for number, row in enumerate(values.get("check", ())) if number not in rows] if rows else ()
    for path in wrong:
        inner: Any = values
        for part in path[:-1]:
            inner = inner[part]
        inner.pop(path[-1], None)
    try:
        return Settings.model_validate({**values, **({"check": kept} if rows else {})})
    except ValidationError:
        return None


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each variable with our prefix that is no setting."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    ours = (name for name in environ if name.startswith(PREFIX) and not name.startswith(OTHER_PREFIXES))
    unknown = sorted(name for name in ours if name not in known)
    return tuple(f"{name} is set, but no setting has this name{_suggestion(name, known)}" for name in unknown)


def settings_schema() -> dict[str, Any]:
    """The JSON schema of `predeploy.toml`."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE}


def _suggestion(name: str, known: Collection[str]) -> str:
    meant = nearest(name.removeprefix(PREFIX), {other.removeprefix(PREFIX).lower() for other in known})
    return f"; did you mean {PREFIX}{meant.upper()}?" if meant else ""


def _in_environment(path: Keys) -> str:
    variable = PREFIX + str(path[0]).upper()
    return f"{variable}: {spelled(path)}" if any(isinstance(part, str) for part in path[1:]) else variable


def _on_command_line(path: Keys) -> str:
    setting = str(path[0])
    return FLAGS[setting].name if setting in FLAGS else setting


def _mistakes_in(values: Mapping[str, object], where: Where, table: str = "a table") -> list[str]:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        return mistakes(error, where, table)
    return []


def _file_values(file: Path, reserved: Collection[str], parsers: Collection[str], problems: list[str]) -> Values:
    """The values in `predeploy.toml`. Adds its mistakes to `problems`."""
    text = _read(file, problems)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax_error(error, text))
        return {}
    lines = toml_lines(text)

    def where(path: Keys) -> str:
        return f"{_line(path, lines)}: {spelled(path)}"

    found = _mistakes_in(values, where)
    found += (f"{where(path)}: {mistake}" for path, mistake in _name_mistakes(values, reserved, parsers))
    problems += sorted(found, key=_line_number)
    return values


def _read(file: Path, problems: list[str]) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        pass
    except OSError as error:
        problems.append(f"{FILE}: cannot be read: {error.strerror}. Make it a readable file, or remove it")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(f"{FILE}:{line}: is not UTF-8. Save it as UTF-8")
    return ""


def _syntax_error(error: tomllib.TOMLDecodeError, text: str) -> str:
    message, _, place = str(error).removesuffix(")").rpartition(" (at ")
    found = re.fullmatch(r"line (\d+), column (\d+)", place)
    position = f"{found[1]}:{found[2]}" if found else str(len(text.rstrip("\n").split("\n")))
    return f"{FILE}:{position}: is not TOML: {message[:1].lower()}{message[1:]}"


def _line(path: Keys, lines: Mapping[Keys, int]) -> str:
    """The file, and the line of the innermost part of the path that the file has."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return f"{FILE}:{lines[path[:length]]}"
    return FILE


def _line_number(problem: str) -> int:
    found = re.match(rf"{re.escape(FILE)}:(\d+)", problem)
    return int(found[1]) if found else 0


def _name_mistakes(values: Values, reserved: Collection[str], parsers: Collection[str]) -> Iterator[tuple[Keys, str]]:
    """Mistakes between values: names that are used twice, and unknown parsers."""
    components = values.get("component")
    seen: set[str] = set()
    for path in components if isinstance(components, dict) else ():
        if (spelling := str(PurePosixPath(path))) in seen:
            yield ("component", path), f"names {spelling} a second time. Put both into one table"
        seen.add(spelling)
    rows = values.get("check")
    names: set[str] = set()
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        name, parser = (row.get("name"), row.get("parser")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str):
            if name in reserved or name in names:
                owner = "of the catalogue" if name in reserved else "above"
                yield ("check", number, "name"), f"is the name of a check {owner} (got {name!r}). Rename it"
            names.add(name)
        if isinstance(parser, str) and parser and parsers and parser not in parsers:
            meant = nearest(parser, parsers)
            hint = f"did you mean {meant!r}?" if meant else f"the parsers are {', '.join(sorted(parsers))}"
            yield ("check", number, "parser"), f"no such parser (got {parser!r}; {hint})"
