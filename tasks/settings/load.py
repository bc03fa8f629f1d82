"""Merges flags, environment and `predeploy.toml`, and reports all mistakes in them at once."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.sources.utils import parse_env_vars

from tasks.errors import SettingsError
from tasks.settings.mistakes import SHOWN, Where, mistakes, nearest, spelled
from tasks.settings.models import FLAGS, STACK_RULES, Settings
from tasks.settings.stack_file import FILE, StackFileError, nul_paths, parse_stack_file, read_stack_file
from tasks.settings.stack_power import refused_keys
from tasks.settings.toml_lines import toml_lines

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
    is_deployed: bool = False,
) -> Settings:
    """The settings of a run on `stack`.

    `flags` holds only the flags that were given. A flag wins even if it is false or empty.
    `reserved` are names that the stack's own checks must not take. `parsers` are the known parsers; empty: any. In
    the file of a deployed commit (`is_deployed`), keys that a stack may not set have no effect.
    Raises SettingsError with a line for each mistake in each source.
    """
    problems: list[str] = []
    in_file = _file_values(stack / FILE, reserved, parsers, problems, is_deployed=is_deployed)
    in_environment = EnvironmentSource(environ)()
    problems += _mistakes_in(in_environment, _in_environment, "a table, written as a JSON object")
    problems += _mistakes_in(flags, _on_command_line)
    if problems:
        raise SettingsError(problems)
    return Settings.model_validate({**in_file, **in_environment, **flags})


def usable_settings(stack: Path) -> Settings | None:
    """The settings in a wrong `predeploy.toml` without its wrong keys and checks; None if it cannot be read."""
    try:
        values = parse_stack_file(read_stack_file(stack / FILE))
    except StackFileError:
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


def _file_values(
    file: Path, reserved: Collection[str], parsers: Collection[str], problems: list[str], *, is_deployed: bool
) -> Values:
    """The values in `predeploy.toml`. Adds its mistakes to `problems`."""
    try:
        text = read_stack_file(file)
        values = parse_stack_file(text)
    except StackFileError as error:
        problems.append(f"{FILE}{error}")
        return {}
    if is_deployed:
        for key in _refused(values, file.parent):
            del values[key]
    lines = toml_lines(text)

    def where(path: Keys) -> str:
        return f"{_line(path, lines)}: {spelled(path)}"

    found = _mistakes_in(values, where)
    others = chain(
        _name_mistakes(values, reserved, parsers), _power_mistakes(values, file.parent), _nul_mistakes(values)
    )
    places = [each.partition(": ")[2] for each in found]  # one mistake for each place is enough
    found += (
        f"{where(path)}: {mistake}"
        for path, mistake in islice(others, SHOWN)
        if not any(each.startswith(spelled(path)) for each in places)
    )
    problems += sorted(found, key=_line_number)
    return values


def _refused(values: Values, stack: Path) -> dict[str, str]:
    """The keys with power over the machine, which a stack may not set, with the reason for each."""
    return refused_keys(values, Settings(), stack, STACK_RULES)


def _power_mistakes(values: Values, stack: Path) -> Iterator[tuple[Keys, str]]:
    for key, why in _refused(values, stack).items():
        flag = f"{FLAGS[key].name} or " if key in FLAGS else ""
        yield (key,), f"{why}. Remove the key, and set it with {flag}{PREFIX}{key.upper()}"


def _nul_mistakes(values: Values) -> Iterator[tuple[Keys, str]]:
    for path in nul_paths(values):
        yield path, "must not contain a NUL character"


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
