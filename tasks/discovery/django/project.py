"""Reads a Django project: settings, applications and the server that production starts."""

import posixpath
import re
from collections.abc import Iterator

from tasks.discovery.django.production import Evidence, ImageSource, gather, settings_candidates
from tasks.discovery.django.settings_module import choose_settings
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent, relative
from tasks.discovery.image.compose import line_of
from tasks.discovery.image.definitions import ImageDefinitions, is_for_python
from tasks.discovery.image.dockerfile import Dockerfile
from tasks.discovery.rank import Rank, rank
from tasks.production import Sourced
from tasks.stack import Web

_MANAGE = re.compile(r"\bdjango\b|execute_from_command_line")
_SETTINGS = re.compile(
    r"""(?:setdefault|getenv|\.get)\(\s*["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']"""
    r"""|environ\[\s*["']DJANGO_SETTINGS_MODULE["']\s*\]\s*=\s*["']([\w.]+)["']"""
)
_APPLICATION = re.compile(r"^(?:(?:async[ \t]+)?def[ \t]+)?(\w+)[ \t]*(?:\(|(?::[^=\n]+)?=(?!=))", re.MULTILINE)
_GATEWAYS = ("wsgi", "asgi")
_STRING_OR_COMMENT = re.compile(r'"{3}.*?"{3}|#[^\n]*', re.DOTALL)
_ENV_EXAMPLES = (
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    "env.example",
    "example.env",
    "sample.env",
)


def is_project(tree: FileView, directory: str) -> bool:
    """Whether a directory holds a manage.py of Django."""
    return bool(_MANAGE.search(tree.text(join(directory, "manage.py"))))


def is_for_tests(tree: FileView, directory: str) -> bool:
    """Whether a project serves a library's tests: the settings module in its manage.py has `test` in its name."""
    module = _default_settings(tree.text(join(directory, "manage.py")))
    return bool(re.search(r"(^|[._])tests?([._]|$)", module))


def describe_web(
    tree: FileView, images: ImageDefinitions, directory: str, *, configured: str, rivals: tuple[str, ...]
) -> tuple[Web, Dockerfile | None]:
    """Returns the Django project whose manage.py is in `directory`, and the Dockerfile that deploys it."""
    manage = _default_settings(tree.text(join(directory, "manage.py")))
    base = module_base(tree, directory, configured or manage)
    gateways = {kind: _gateway(tree, directory, kind, join(base, _as_path(configured or manage))) for kind in _GATEWAYS}
    found = images.of(directory, is_for_python, rivals=rivals, marks=_marks(gateways, manage))
    image = None
    build = None
    if found:
        build = images.build(found[0], directory)
        image = ImageSource(path=found[0], dockerfile=found[1], context=build.context, target=build.target)
    evidence = gather(tree, directory, image, images.services, rivals)
    settings = _settings(evidence, gateways, configured)
    web = Web(
        directory=directory,
        settings=settings.value,
        settings_found=settings,
        manage_settings=manage,
        wsgi=_callable(tree, base, gateways["wsgi"], "get_wsgi_application"),
        asgi=_callable(tree, base, gateways["asgi"], "get_asgi_application"),
        apps=_apps(tree, directory),
        launch=evidence.server,
        dockerfile=image.path if image else None,
        dockerfile_found=_origin(evidence),
        context=build.context if build else ".",
        target=build.target if build else "",
        args=build.args if build else (),
        env_example=tree.nearest(directory, *_ENV_EXAMPLES),
    )
    return web, image.dockerfile if image else None


def _settings(evidence: Evidence, gateways: dict[str, str], configured: str) -> Sourced:
    """Returns the settings module of production: the configured one, else the one that the files name."""
    tree, directory = evidence.tree, evidence.directory
    if configured:
        line = line_of(tree.text("predeploy.toml"), "settings")
        return Sourced(value=configured, file="predeploy.toml", line=line, why="settings in predeploy.toml")
    uses_asgi = evidence.server is not None and any("asgi" in word for word in evidence.server.argv)
    paths = [gateways[kind] for kind in (reversed(_GATEWAYS) if uses_asgi else _GATEWAYS) if gateways[kind]]
    defaults = (_default(tree, path) for path in (*paths, join(directory, "manage.py")))
    candidates = (*settings_candidates(evidence), *defaults)

    def file_of(module: str) -> str:
        return join(module_base(tree, directory, module), _as_path(module))

    def has(module: str) -> bool:
        return tree.has(f"{file_of(module)}.py") or tree.has(f"{file_of(module)}/__init__.py")

    def is_open(module: str) -> bool:
        text = _STRING_OR_COMMENT.sub("", tree.text(f"{file_of(module)}/__init__.py"))
        return tree.has(f"{file_of(module)}/__init__.py") and not re.search(r"prod|=|importlib|environ", text)

    return choose_settings(candidates, has, is_open)


def _default(tree: FileView, path: str) -> Sourced:
    text = tree.text(path)
    module = _default_settings(text)
    line = text.count("\n", 0, max(text.find(module), 0)) + 1 if module else 0
    return Sourced(value=module, file=path, line=line, why=f"the default in {posixpath.basename(path)}")


def _origin(evidence: Evidence) -> Sourced:
    """Returns why a Dockerfile is production's."""
    image = evidence.image
    if image is None:
        return Sourced()
    named = [each for each in evidence.composed if each.dockerfile == image.path]
    if named and (named[0].is_production or not named[0].is_development):
        service = named[0]
        why = f"build of the service {service.name}"
        return Sourced(value=image.path, file=service.file, line=service.line, why=why)
    return Sourced(value=image.path, file=image.path, line=1, why="the Dockerfile for this directory")


def _default_settings(text: str) -> str:
    """Returns the settings module that a file sets as the default. A module for tests is the last choice."""
    found = [first or second for first, second in _SETTINGS.findall(text)]
    return min(found, key=lambda module: "test" in module, default="")


def _marks(gateways: dict[str, str], manage: str) -> tuple[str, ...]:
    modules = [path.removesuffix(".py").split("/")[-2:] for path in gateways.values() if path]
    return tuple(dict.fromkeys([".".join(module) for module in modules] + [manage] * bool(manage)))


def _as_path(module: str) -> str:
    return module.replace(".", "/") or "."


def module_base(tree: FileView, directory: str, settings: str) -> str:
    """Returns the directory from which the settings module is imported.

    It is the directory of manage.py, its `src`, or a directory above.
    """
    path = _as_path(settings)
    for base in (directory, join(directory, "src"), *lineage(directory)):
        if settings and (tree.has(join(base, f"{path}.py")) or tree.has(join(base, f"{path}/__init__.py"))):
            return base
    return directory


def _gateway(tree: FileView, directory: str, kind: str, settings: str) -> str:
    """Returns the file with the WSGI or ASGI application.

    The file nearest to the settings comes first, then the one with the shortest path that imports Django.
    """
    for above in lineage(settings):
        nearest = join(above, f"{kind}.py")
        if tree.has(nearest) and is_within(nearest, directory):
            return nearest
    fitting = [
        path
        for path in tree.named(f"{kind}.py")
        if is_within(path, directory) and rank(relative(parent(path), directory)) is Rank.DEPLOYED
    ]
    fitting = [path for path in fitting if "django" in tree.text(path)]
    return min(fitting, key=lambda path: (path.count("/"), path), default="")


def _callable(tree: FileView, directory: str, path: str, factory: str) -> str:
    if not path:
        return ""
    text = tree.text(path)
    names = _APPLICATION.findall(text)
    made = [name for name in names if re.search(rf"^{name}\b[^\n]*=\s*{factory}", text, re.MULTILINE)]
    attribute = "application" if "application" in names or not names else (made or names)[-1]
    module = relative(path, directory).removesuffix(".py").replace("/", ".")
    return f"{module}:{attribute}"


def _apps(tree: FileView, directory: str) -> tuple[str, ...]:
    return tuple(sorted({app for app in _migrated(tree, directory) if _belongs_to(tree, app, directory)}))


def _migrated(tree: FileView, directory: str) -> Iterator[str]:
    for path in tree.under(directory):
        folder = parent(path)
        if posixpath.basename(folder) == "migrations" and path.endswith(".py"):
            yield parent(folder)


def _belongs_to(tree: FileView, app: str, directory: str) -> bool:
    """Whether an app belongs to this project and is deployed: it is in no inner project and in no folder for tests."""
    inner = relative(app, directory)
    nearest = next(above for above in lineage(app) if tree.has(join(above, "manage.py")))
    return nearest == directory and rank(inner) is Rank.DEPLOYED
