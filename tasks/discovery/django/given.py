"""Finds values of production's variables in a tree: example files, compose files and the Dockerfile."""

import re
from collections.abc import Collection, Iterator, Mapping

from tasks.discovery.documents import Table, parse_dotenv, string, strings, table, tables
from tasks.discovery.file_view import FileView, is_within, join, lineage, name_in, parent, relative
from tasks.discovery.rank import Rank, rank

_EXAMPLE = re.compile(
    r"^(?=.*(?:^|[._-])(?:dot)?env(?:rc|s)?(?:[._-]|$))(?=.*(?:example|sample|template|tmpl|dist)(?:[._-]|$))[\w.-]+$",
    re.IGNORECASE,
)
_CODE = re.compile(r"\.(?:py|js|mjs|cjs|ts|tsx|jsx|json|md|rst|ya?ml|toml|html|sh)$|\.d\.", re.IGNORECASE)
_FOLDER = re.compile(r"(?:^|/)\.?envs?/(?:.*/)?\.?prod[^/]*(?:/\.?\w+)?$")
_PRODUCTION = re.compile(r"prod|deploy|live", re.IGNORECASE)
_OTHER_USE = re.compile(
    r"(?:^|[./_-])(?:dev|devel|development|local|tests?|testing|ci|e2e|docs)(?:[./_-]|$)", re.IGNORECASE
)
_COMPOSE = re.compile(r"^(?:docker-)?compose(?:[.\-][\w.\-]+)?\.ya?ml$")
_SERVER = re.compile(r"manage\.py|gunicorn|uvicorn|daphne|granian|hypercorn|uwsgi|waitress")
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::?[-](?P<default>[^}]*))?[^}]*\}|\$(?P<plain>\w+)")
_POSTGRES = re.compile(r"postgres|postgis|psycopg|pgvector|timescaledb", re.IGNORECASE)
_SCHEME = re.compile(r"\b(?P<scheme>(?:postgres|postgresql|postgis|pgsql|timescalegis)(?:\+\w+)?)://", re.IGNORECASE)
_WITH_EXTENSIONS = re.compile(
    r"(?:docker\.io/)?(?:postgis/postgis|imresamu/postgis|pgvector/pgvector|ankane/pgvector|timescale/timescaledb(?:-ha)?)"
    r"(?::[\w.-]+)?(?:@sha256:\w+)?$"
)
_PYTHON_IMAGE = re.compile(r"(?:^|/)python:(?P<version>\d+(?:\.\d+)*)")
HOSTED = "postgres://hosted"
"""The value of a variable that a host sets to the URL of its Postgres."""
FOR_DOCKER = re.compile(r"(?:DOCKER|COMPOSE|BUILDKIT)_\w+")
"""Names that the tools of containers read, not the stack's code."""


def example_files(tree: FileView, directory: str, rivals: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the example files of the project in `directory`, the most fitting first.

    Those of other projects are left out: below another manage.py, or next to a package.json.
    """
    foreign = [each for each in rivals if each != directory and not is_within(directory, each)]
    found = [
        path
        for path in tree.where(is_example)
        if not any(is_within(path, each) for each in foreign)
        and (is_within(directory, parent(path)) or not tree.has(join(parent(path), "package.json")))
        and rank("/".join(part.lstrip(".") or part for part in parent(path).split("/"))) is not Rank.NEVER
    ]
    return tuple(sorted(found, key=lambda path: fitness(path, directory)))


def is_example(path: str) -> bool:
    """Whether a file has example values of variables."""
    name = name_in(path)
    return bool((_EXAMPLE.match(name) and not _CODE.search(name)) or _FOLDER.search(path))


def fitness(path: str, directory: str) -> tuple[bool, bool, int, str]:
    """Sorts examples of another use last, those of production first, then the nearest."""
    inner = relative(path, directory)
    return (bool(_OTHER_USE.search(inner)), not _PRODUCTION.search(inner), inner.count("/"), path)


def given_values(
    tree: FileView,
    directory: str,
    dockerfile: str | None,
    image: Mapping[str, str],
    services: Collection[tuple[str, str]] = (),
) -> tuple[tuple[str, str, str], ...]:
    """Returns name, value and file of the variables that the image and compose files set; the first of a name counts.

    `image` are the variables of the deployed stage of the `dockerfile`. `services` are the files and names of the
    compose services that are known to run the project.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, value in image.items():
        if "$" not in value:
            found.setdefault(name, (value, dockerfile or ""))
    for path in sorted(compose_files(tree, directory), key=lambda path: fitness(path, directory)):
        for service_name, service in table(tree.table(path), "services").items():
            is_known = (path, str(service_name)) in services
            if is_known or serves(table(service), parent(path), directory, dockerfile):
                for name, value, source in service_values(tree, table(service), path):
                    found.setdefault(name, (value, source))
    return tuple((name, value, source) for name, (value, source) in sorted(found.items()))


def variables_of_base(image: str) -> dict[str, str]:
    """Returns the variables that the official Python images set, for a tag that begins with a version."""
    found = _PYTHON_IMAGE.search(image)
    return {"LANG": "C.UTF-8", "PYTHON_VERSION": found["version"]} if found else {}


def is_compose(path: str) -> bool:
    """Whether a file has the name of a compose file."""
    return _COMPOSE.match(name_in(path)) is not None


def compose_files(tree: FileView, directory: str) -> list[str]:
    """Returns the compose files above and below a directory. Those for tests and development are left out."""
    near = [path for path in tree.where(is_compose) if parent(path) in lineage(directory) or is_within(path, directory)]
    return [path for path in near if _PRODUCTION.search(path) or not _OTHER_USE.search(path)]


def serves(service: Table, folder: str, directory: str, dockerfile: str | None) -> bool:
    """Whether a compose service runs the project: it builds its image, or starts its server."""
    if _SERVER.search(str(service.get("command", "")) + str(service.get("entrypoint", ""))):
        return True
    build = service.get("build")
    if build is None:
        return False
    context = join(folder, build if isinstance(build, str) else string(build, "context") or ".")
    built = join(context, string(build, "dockerfile") or "Dockerfile")
    return built == dockerfile or (dockerfile is None and context == directory)


def service_values(tree: FileView, service: Table, path: str) -> Iterator[tuple[str, str, str]]:
    """Yields the variables of a compose service: `environment`, then the tracked files of `env_file`."""
    environment = service.get("environment")
    pairs = [*table(environment).items()]
    pairs += [
        (name, value)
        for name, found, value in (each.partition("=") for each in strings(service, "environment"))
        if found
    ]
    for name, value in pairs:
        text = str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
        resolved = _VARIABLE.sub(lambda match: match["default"] or "", text.replace("$$", ""))
        if resolved:
            yield str(name), resolved, path
    files = service.get("env_file")
    for each in files if isinstance(files, list) else [files]:
        name = each if isinstance(each, str) else string(each, "path")
        place = join(parent(path), name) if name else ""
        if tree.has(place):
            yield from ((name, value, place) for name, value in parse_dotenv(tree.text(place)).items() if value)


def names_postgres(tree: FileView, directory: str, paths: tuple[str, ...]) -> bool:
    """Whether an example, a compose file or a Dockerfile names Postgres."""
    return any(_POSTGRES.search(tree.text(path)) for path in (*paths, *compose_files(tree, directory)))


def hosted_databases(tree: FileView, directory: str) -> tuple[tuple[str, str, str], ...]:
    """Returns the variables in which a host gives the project a Postgres, with a URL and the file that asks for it."""
    found: list[tuple[str, str, str]] = []
    for above in lineage(directory):
        addons = tree.table(join(above, "app.json")).get("addons")
        plans = (string(each, "plan") if isinstance(each, dict) else str(each) for each in _listed(addons))
        found += [("DATABASE_URL", HOSTED, join(above, "app.json")) for plan in plans if "postgres" in plan]
        for name in ("render.yaml", "render.yml"):
            services = tables(tree.table(join(above, name)), "services")
            pairs = [each for service in services for each in tables(service, "envVars")]
            keys = (string(each, "key") for each in pairs if table(each, "fromDatabase"))
            found += [(key, HOSTED, join(above, name)) for key in keys if key.endswith("URL")]
    return tuple(found)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def postgres_image(tree: FileView, directory: str) -> str:
    """Returns the image of a compose file that has Postgres with extensions, or an empty text."""
    for path in sorted(compose_files(tree, directory), key=lambda path: fitness(path, directory)):
        for service in table(tree.table(path), "services").values():
            image = _VARIABLE.sub(lambda match: match["default"] or "", string(table(service), "image"))
            if _WITH_EXTENSIONS.match(image) and not image.endswith(":"):
                return image
    return ""


def scheme_of(texts: Iterator[str]) -> str:
    """Returns the scheme of Postgres's URLs as the tree writes it, or `postgres`."""
    found = (match["scheme"] for text in texts for match in [_SCHEME.search(text)] if match)
    return next(found, "postgres")
