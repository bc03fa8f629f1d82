"""Reads a Django project: settings, applications and the server that production starts."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.discovery.django.given import (
    HOSTED,
    example_files,
    given_values,
    hosted_databases,
    names_postgres,
    postgres_image,
    scheme_of,
    variables_of_base,
)
from tasks.discovery.django.production import Evidence, ImageSource, deploy_calls, gather, origin_of_image
from tasks.discovery.django.settings_choice import as_path, default_settings, module_base, settings_of
from tasks.discovery.django.settings_files import parsed, settings_files
from tasks.discovery.django.variables import read_variables
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent, relative
from tasks.discovery.image.definitions import ImageDefinitions, is_for_python
from tasks.discovery.image.dockerfile import Dockerfile, parse_dockerfile
from tasks.discovery.image.frontend import frontend_build
from tasks.discovery.image.made_directories import made_directories
from tasks.discovery.image.system_packages import system_installs_of
from tasks.discovery.rank import Rank, rank
from tasks.web import Web

_MANAGE = re.compile(r"\bdjango\b|execute_from_command_line")
_GATEWAY = re.compile(r"\bget_[aw]sgi_application\b")
_APPLICATION = re.compile(r"^(?:(?:async[ \t]+)?def[ \t]+)?(\w+)[ \t]*(?:\(|(?::[^=\n]+)?=(?!=))", re.MULTILINE)
_GATEWAYS = ("wsgi", "asgi")
_READS = re.compile(r"\benviron\b|\bgetenv\b|\bdecouple\b|\bBaseSettings\b|\benv[.(\[]|dj_database_url")


def project_directories(tree: FileView) -> frozenset[str]:
    """Returns the directories of projects. The WSGI modules count only if the tree has no manage.py of Django."""
    manages = (parent(path) for path in tree.named("manage.py"))
    found = frozenset(directory for directory in manages if _MANAGE.search(tree.text(join(directory, "manage.py"))))
    return found or frozenset(filter(None, (_base_of(tree, path) for path in _gateway_files(tree))))


def entry_text(tree: FileView, directory: str) -> str:
    """Returns the text of the manage.py in a project's directory, otherwise that of its WSGI or ASGI module."""
    if path := tree.first(directory, "manage.py"):
        return tree.text(path)
    paths = (path for path in _gateway_files(tree) if _base_of(tree, path) == directory)
    return tree.text(min(paths, key=lambda path: (path.count("/"), path.endswith("asgi.py")), default=""))


def _gateway_files(tree: FileView) -> Iterator[str]:
    """Yields the WSGI and ASGI modules, without those of examples and tests."""
    yield from (path for path in tree.named("wsgi.py", "asgi.py") if rank(parent(path)) is Rank.DEPLOYED)


def _base_of(tree: FileView, path: str) -> str:
    """Returns the directory from which a gateway imports its default settings; empty if they are not in the tree."""
    text = tree.text(path)
    module = default_settings(text) if _GATEWAY.search(text) else ""
    file = as_path(module)
    found = (
        above
        for above in lineage(parent(path))
        if module and (tree.has(join(above, f"{file}.py")) or tree.has(join(above, f"{file}/__init__.py")))
    )
    return next(found, "")


def is_for_tests(tree: FileView, directory: str) -> bool:
    """Whether a project serves a library's tests: the settings module in its manage.py has `test` in its name."""
    module = default_settings(entry_text(tree, directory))
    return bool(re.search(r"(^|[._])tests?([._]|$)", module))


def describe_web(
    tree: FileView, images: ImageDefinitions, directory: str, *, configured: str, rivals: tuple[str, ...]
) -> tuple[Web, Dockerfile | None]:
    """Returns the Django project in `directory`, and the Dockerfile that deploys it."""
    manage = default_settings(entry_text(tree, directory))
    base = module_base(tree, directory, configured or manage)
    gateways = {kind: _gateway(tree, directory, kind, join(base, as_path(configured or manage))) for kind in _GATEWAYS}
    found = images.of(directory, is_for_python, rivals=rivals, marks=_marks(gateways, manage))
    image = None
    build = None
    if found:
        build = images.build(found[0], directory)
        dockerfile = parse_dockerfile(found[1].text, dict(build.args)) if build.args else found[1]
        image = ImageSource(path=found[0], dockerfile=dockerfile, context=build.context, target=build.target)
    evidence = gather(tree, directory, image, images.services, rivals)
    settings = settings_of(evidence, gateways, configured)
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
        dockerfile_found=origin_of_image(evidence),
        context=build.context if build else ".",
        target=build.target if build else "",
        args=build.args if build else (),
        frontend=frontend_build(tree, directory, image.path if image else None),
        installs=system_installs_of(tree, image.path if image else None, directory),
        directories=_directories(evidence),
        module_paths=_module_paths(evidence),
        calls=deploy_calls(evidence, join(directory, "manage.py")),
    )
    return with_variables(web, tree, rivals, evidence), image.dockerfile if image else None


def _directories(evidence: Evidence) -> tuple[str, ...]:
    """Returns the directories of the tree that the image makes, by itself or in the script with its server."""
    if evidence.image is None or evidence.image.stage is None:
        return ()
    file = evidence.server.found.file if evidence.server else ""
    script = evidence.tree.text(file) if evidence.tree.text(file).startswith("#!") else ""
    return made_directories(evidence.image.stage, script, evidence.ground({}).places)


def _module_paths(evidence: Evidence) -> tuple[str, ...]:
    """Returns the directories of the tree in the PYTHONPATH of the image, and in that of its server's script."""
    ground = evidence.ground({})
    given = (
        ground.env.get("PYTHONPATH", ""),
        dict(evidence.server.env).get("PYTHONPATH", "") if evidence.server else "",
    )
    found = (ground.in_tree(path) for text in given for path in text.split(":") if path and "$" not in path)
    return tuple(dict.fromkeys(path for path in found if evidence.tree.has_directory(path)))


def with_variables(web: Web, tree: FileView, rivals: tuple[str, ...], evidence: Evidence) -> Web:
    """Returns the project with the variables that its code reads, and the values that the tree has for them."""
    examples = example_files(tree, web.directory, rivals)
    stage = evidence.image.stage if evidence.image else None
    image = {**variables_of_base(stage.image), **stage.env} if stage else {}
    services = {(each.file, each.name) for each in evidence.composed if not each.is_development}
    given = given_values(tree, web.directory, web.dockerfile, image, services)
    given += tuple(
        each for each in hosted_databases(tree, web.directory) if each[0] not in {name for name, _, _ in given}
    )
    settings = [*settings_files(web.directory, web.settings, tree.has, tree.text)]
    known = {path for path, _ in settings}
    others = [
        path
        for path in tree.under(web.directory)
        if path.endswith(".py") and path not in known and _is_deployed(path, web.directory)
    ]
    trees = ((path, parsed(tree.text(path))) for path in others if _READS.search(tree.text(path)))
    own = f"{web.settings.partition('.')[0]}/"
    settings = [(path, found) for path, found in settings if own in path or _READS.search(tree.text(path))]
    reads = read_variables(settings, [(path, found) for path, found in trees if found is not None])
    texts = (
        *(tree.text(path) for path in examples),
        *(value for _, value, _ in given),
        *(each.default for each in reads),
    )
    named = (*examples, web.dockerfile) if web.dockerfile else examples
    return replace(
        web,
        env_example=_nearest_example(examples, web.directory),
        examples=examples,
        reads=reads,
        given=given,
        postgres=names_postgres(tree, web.directory, named) or any(value == HOSTED for _, value, _ in given),
        scheme=scheme_of(iter(texts)),
        postgres_image=postgres_image(tree, web.directory),
    )


def _nearest_example(examples: tuple[str, ...], directory: str) -> str | None:
    """Returns the example in the directory, or in the nearest directory above that has one."""
    near = (path for above in lineage(directory) for path in examples if parent(path) == above)
    return next(near, None)


def _is_deployed(path: str, directory: str) -> bool:
    """Whether a module may be imported in production: it is no test, no script and in no inner project."""
    name = posixpath.basename(path)
    if name.startswith(("test_", "tests", "conftest")) or name.endswith("_test.py"):
        return False
    return rank(relative(parent(path), directory)) is Rank.DEPLOYED


def _marks(gateways: dict[str, str], manage: str) -> tuple[str, ...]:
    modules = [path.removesuffix(".py").split("/")[-2:] for path in gateways.values() if path]
    return tuple(dict.fromkeys([".".join(module) for module in modules] + [manage] * bool(manage)))


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
    nearest = next((above for above in lineage(app) if tree.has(join(above, "manage.py"))), directory)
    return nearest == directory and rank(inner) is Rank.DEPLOYED
