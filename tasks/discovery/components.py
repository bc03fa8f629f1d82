"""Finds the components of a tree: their folders, kinds and contents."""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.discovery.answered_paths import route_paths
from tasks.discovery.calls.owners import calls_of
from tasks.discovery.calls.reader import read_calls
from tasks.discovery.django.project import describe_web, is_for_tests, project_directories
from tasks.discovery.django.settings_choice import module_base
from tasks.discovery.documents import string
from tasks.discovery.file_view import FileView, join, parent
from tasks.discovery.image.definitions import ImageDefinitions, is_for_node
from tasks.discovery.node.node_engines import with_shared_nodes
from tasks.discovery.node.node_project import describe_node, without_manifest
from tasks.discovery.node.siblings import describe_with_siblings, directories_of
from tasks.discovery.other_sites import other_directories, other_site
from tasks.discovery.package_builds import find_builds, is_near, is_tool
from tasks.discovery.public_variables import private_variables, public_variables
from tasks.discovery.python.installations import ImageBuild, find_installations
from tasks.discovery.python.python_project import describe_python
from tasks.discovery.rank import Rank, is_excluded, rank
from tasks.discovery.sites import find_site
from tasks.discovery.worker.deploys import CONFIGS
from tasks.discovery.worker.pages import with_pages
from tasks.discovery.worker.references import bound_directories
from tasks.discovery.worker.workers import Wrangler, describe_worker, has_worker, makes_worker, read_wrangler
from tasks.stack import Component, Kind, Site, ToolCall
from tasks.worker import Worker

# Folder names that are too general for the name of a component.
_ANONYMOUS = frozenset({"src", "app", "project"})


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder with a component of one kind, and the details found there."""

    kind: Kind
    directory: str
    wrangler: Wrangler | None = None
    worker: Worker | None = None
    site: Site | None = None


def find_components(
    tree: FileView,
    exclude: Sequence[str],
    settings: Mapping[str, str],
    installs: Mapping[str, Sequence[str]],
    environment: str = "",
) -> tuple[Component, ...]:
    """Returns every component, ordered by kind and path."""
    directories = _candidates(tree, exclude)
    projects = project_directories(tree)
    places = [place for directory in directories for place in _places(tree, directory, environment, projects)]
    images = ImageDefinitions(tree)
    places += _package_places(tree, exclude, places, images)
    places = [_with_workers(place, places) for place in places]
    calls = read_calls(tree) if any(place.kind is Kind.WEB for place in places) else ()
    order = list(Kind)
    places.sort(key=lambda place: (order.index(place.kind), place.directory))
    rivals = {kind: tuple(place.directory for place in places if place.kind is kind) for kind in Kind}
    webs = rivals[Kind.WEB]
    workers = {place.directory: place.worker for place in places if place.worker}
    found = [
        _with_calls(tree, _web(tree, images, place.directory, settings, installs, webs), calls, webs)
        if place.kind is Kind.WEB
        else _node(tree, images, place, (*rivals[Kind.WORKER], *rivals[Kind.SITE]), workers)
        for place in places
    ]
    return with_shared_nodes(found)


def _candidates(tree: FileView, exclude: Sequence[str]) -> list[str]:
    """Returns the folders with components of the lowest rank that any of them has."""
    projects = project_directories(tree)
    named = tree.named("package.json", *CONFIGS)
    directories = sorted({*projects, *other_directories(tree), *(parent(path) for path in named)})
    ranked: dict[Rank, list[str]] = {}
    for directory in directories:
        is_project = directory in projects
        level = max(rank(directory), Rank.TEST if is_project and is_for_tests(tree, directory) else Rank.DEPLOYED)
        has_sign = is_project or _has_sign(tree, directory)
        if level is not Rank.NEVER and not is_excluded(directory, exclude) and has_sign:
            ranked.setdefault(level, []).append(directory)
    if not ranked:
        return []
    lowest = min(ranked)
    left_out = [directory for level, found in ranked.items() if level is not lowest for directory in found]
    if left_out:
        some = ", ".join(sorted(left_out)[:5]) + (", …" if len(left_out) > 5 else "")
        tree.warn(f"Not searched, because these folders hold examples or tests of the stack: {some}")
    return ranked[lowest]


def _has_sign(tree: FileView, directory: str) -> bool:
    """Whether the folder may hold a component of Node. Adds no warnings about wrangler files, unlike `_places`."""
    return bool(tree.first(directory, *CONFIGS)) or _site(tree, directory) is not None


def _site(tree: FileView, directory: str) -> Site | None:
    return find_site(tree, directory) or other_site(tree, directory)


def _places(tree: FileView, directory: str, environment: str, projects: Collection[str]) -> Iterator[_Place]:
    if directory in projects:
        yield _Place(Kind.WEB, directory)
    wrangler = read_wrangler(tree, directory)
    site = with_pages(tree, directory, wrangler, _site(tree, directory))
    # One package is one component. A Worker with its own source code is a Worker, even if a generator builds its
    # assets. If the build makes the Worker, the component is both.
    makes_pages = site is not None and (wrangler is None or makes_worker(tree, wrangler, site))
    if site and makes_pages and (wrangler is None or not has_worker(tree, wrangler)):
        yield _Place(Kind.SITE, directory, wrangler, None, site)
    elif wrangler and (worker := describe_worker(tree, wrangler, site, environment)):
        yield _Place(Kind.WORKER, directory, wrangler, worker, site if makes_pages else None)


def _package_places(
    tree: FileView, exclude: Sequence[str], places: Sequence[_Place], images: ImageDefinitions
) -> Iterator[_Place]:
    """Yields packages with an unknown build. One near a Django project may make its assets, so it is only named."""
    webs = [place.directory for place in places if place.kind is Kind.WEB]
    others = [place.directory for place in places if place.kind is not Kind.WEB]
    for build in find_builds(tree, exclude, others):
        web = next((each for each in webs if is_near(build.directory, each)), None)
        if is_tool(tree, build.directory, others) and not build.site.output:
            manifest = join(build.directory, "package.json")
            tree.leave_out(f"{manifest} has a build script that did not run: no file says that its result is deployed")
        elif web is None:
            kind = Kind.SITE if build.site.output else Kind.PACKAGE
            yield _Place(kind, build.directory, site=build.site)
        elif not _is_built_in_image(tree, images, web, webs):
            manifest = join(build.directory, "package.json")
            tree.leave_out(f"{manifest} has a build script of an unknown kind, and it does not run here")


def _is_built_in_image(tree: FileView, images: ImageDefinitions, web: str, webs: Sequence[str]) -> bool:
    """Whether the Dockerfile of a Django project builds its frontend."""
    described, _ = describe_web(tree, images, web, configured="", rivals=tuple(webs))
    return described.frontend.why.startswith("RUN")


def _with_workers(place: _Place, places: Sequence[_Place]) -> _Place:
    """Adds to a site the paths that the Workers of the stack answer."""
    site = place.site
    if site is None:
        return place
    others = [each for each in places if each.wrangler and each.directory != place.directory]
    routes = route_paths([each.wrangler.document for each in others if each.wrangler], site.host)
    output = join(place.directory, site.output)
    serving = [each.wrangler for each in others if each.wrangler and _assets(each) == output]
    own = [place.wrangler] if place.wrangler else []
    routed = site.routed or any(each.main for each in serving) or any(map(_falls_back, (*own, *serving)))
    return replace(place, site=replace(site, answered=(*site.answered, *routes), routed=routed))


def _assets(place: _Place) -> str:
    assets = place.wrangler.assets if place.wrangler else ""
    return join(place.directory, assets) if assets else ""


def _falls_back(wrangler: Wrangler) -> bool:
    """Whether the host answers all paths without a file with the first page."""
    return string(wrangler.document, "assets", "not_found_handling") == "single-page-application"


def _web(
    tree: FileView,
    images: ImageDefinitions,
    directory: str,
    settings: Mapping[str, str],
    installs: Mapping[str, Sequence[str]],
    rivals: tuple[str, ...],
) -> Component:
    configured = settings.get(directory, "")
    web, image = describe_web(tree, images, directory, configured=configured, rivals=rivals)
    found = None
    if web.dockerfile and image:
        found = ImageBuild(path=web.dockerfile, dockerfile=image, target=web.target, args=web.args)
    base = module_base(tree, directory, web.settings)
    installations = find_installations(tree, directory, found, installs.get(directory, ()))
    python = describe_python(tree, directory, found, installations, modules=(base, *web.module_paths))
    project = string(tree.table(python.manifest), "project", "name")
    package = (web.manage_settings or web.settings).split(".")[0]
    return Component(
        kind=Kind.WEB, path=directory, name=_name(directory, project or package or "web"), python=python, web=web
    )


def _with_calls(
    tree: FileView, component: Component, calls: tuple[ToolCall, ...], rivals: tuple[str, ...]
) -> Component:
    assert component.python is not None
    own = calls_of(tree, calls, directory=component.path, root=component.python.root, rivals=rivals)
    return replace(component, python=replace(component.python, calls=own))


def _node(
    tree: FileView, images: ImageDefinitions, place: _Place, rivals: tuple[str, ...], workers: Mapping[str, Worker]
) -> Component:
    image = images.of(place.directory, is_for_node, rivals=rivals)
    own_packages = place.site is None or not place.site.program or tree.has(join(place.directory, "package.json"))
    node = describe_node(tree, place.directory, image) if own_packages else None
    if node is None and (place.worker is not None or (place.site is not None and place.site.pages is not None)):
        node = without_manifest(tree, place.directory, image)
    bound = bound_directories(place.directory, workers) if place.worker else ()
    node = describe_with_siblings(tree, node, image, (*_called(place), *bound))
    if node is not None and place.kind is not Kind.WEB:
        reads, private = public_variables(tree, place.directory), private_variables(tree, place.directory)
        node = replace(node, reads=reads, private=private)
    package = string(tree.table(join(place.directory, "package.json")), "name")
    own = place.worker.name if place.worker else ""
    name = _name(place.directory, own or package.rpartition("/")[2] or place.kind.value)
    return Component(kind=place.kind, path=place.directory, name=name, node=node, worker=place.worker, site=place.site)


def _called(place: _Place) -> tuple[str, ...]:
    """Returns the directories in which the deploy of a Worker runs commands before wrangler."""
    worker = place.worker or (place.site.pages if place.site else None)
    steps = worker.deploy.steps if worker else ()
    inner = (each for step in steps if step.argv[0] == "sh" for each in directories_of(step.argv[-1], step.directory))
    return tuple(dict.fromkeys((*(step.directory for step in steps), *inner)))


def _name(directory: str, own: str) -> str:
    """Returns the folder's name. The root gets the component's own name, and a general folder its parent's name."""
    name = posixpath.basename(directory)
    if directory != "." and name.lower() not in _ANONYMOUS:
        return name
    above = posixpath.basename(parent(directory))
    return own if directory == "." or above in {"", "."} else above
