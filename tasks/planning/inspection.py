"""Gathers what discovery found of each component: what production installs, sets and starts, and from which file."""

import json
from collections.abc import Iterator
from dataclasses import replace

from tasks.catalogue import CatalogueContext
from tasks.catalogue.django.environment import django_env, fills, own_env
from tasks.catalogue.django.image import dockerfile_of, image_of
from tasks.catalogue.django.server import configured_argv, server_argv
from tasks.catalogue.quality.usage import chosen_calls
from tasks.discovery.calls.arguments import DJANGO_TEST
from tasks.discovery.calls.file_steps import shell_line
from tasks.planning.environments import python_commands
from tasks.production import Inspected, InspectedComponent, ProductionFacts, Sourced
from tasks.stack import Component, Kind
from tasks.steps import SERVER_HOST, SERVER_PORT

TOML = "predeploy.toml"


def inspect_stack(context: CatalogueContext) -> tuple[InspectedComponent, ...]:
    """Returns the facts about each component, in the order of the stack."""
    return tuple(
        InspectedComponent(
            kind=component.kind.value,
            path=component.path,
            name=component.name,
            facts=tuple(_web(component, context) if component.web else _node(component, context)),
            variables=tuple(_variables(component, context)) if component.web else (),
        )
        for component in context.stack.components
    )


def production_facts(context: CatalogueContext) -> tuple[ProductionFacts, ...]:
    """Returns what was taken as production's settings, server and image, for each Django project."""
    return tuple(
        ProductionFacts(
            path=component.path,
            settings=settings_fact(component).found,
            server=server_fact(component, context).found,
            image=image_fact(component, context).found,
        )
        for component in context.stack.of(Kind.WEB)
    )


def settings_fact(component: Component) -> Inspected:
    """Returns the settings module of production."""
    web = component.web
    found = web.settings_found if web else Sourced()
    if not found.value:
        found = Sourced(value="", why="no file names the settings module", guess=True)
    module = found.value or "config.settings.production"
    return Inspected(topic="settings", found=found, correction=f"settings = {quoted(module)}")


def server_fact(component: Component, context: CatalogueContext) -> Inspected:
    """Returns the server of production: the configured one, the one that a file names, or a guess."""
    argv = " ".join(server_argv(component, context)).replace(SERVER_HOST, "{host}").replace(SERVER_PORT, "{port}")
    web = component.web
    if configured_argv(component, context):
        words = " ".join(context.configured(component).server or ())
        found = Sourced(value=words, file=TOML, why="server in predeploy.toml")
    elif web and web.launch:
        found = web.launch.found
    elif "runserver" in argv:
        found = Sourced(value=argv, why="no file names a server, and no package is one", guess=True)
    else:
        found = Sourced(value=argv, why="no file names the server; guessed from the packages", guess=True)
    return Inspected(topic="server", found=found, correction=f"server = {quoted(argv)}")


def image_fact(component: Component, context: CatalogueContext) -> Inspected:
    """Returns the Dockerfile of production, with the context and the stage of its build."""
    path, web = dockerfile_of(component, context), component.web
    correction = 'image = { dockerfile = "Dockerfile", target = "" }'
    if not path:
        return Inspected(topic="image", found=Sourced(why="no Dockerfile for this directory"), correction=correction)
    image = image_of(component, context)
    stage = f", up to the stage {image.target}" if image.target else ""
    found = (
        web.dockerfile_found if web and path == web.dockerfile else Sourced(file=TOML, why="image in predeploy.toml")
    )
    found = replace(found, value=f"{path}, built in {image.context}{stage}")
    return Inspected(topic="image", found=found, correction=correction)


def _web(component: Component, context: CatalogueContext) -> Iterator[Inspected]:
    yield settings_fact(component)
    yield server_fact(component, context)
    yield image_fact(component, context)
    yield from _python(component)
    yield from _making_files(component)
    health = context.configured(component).health
    default = "no file names the path; these are asked"
    yield Inspected(
        topic="health",
        found=Sourced(value=", ".join(health), file=TOML, why="health in predeploy.toml")
        if health
        else Sourced(value="/admin/login/ and /", why=default),
        correction=f"health = {quoted(health[0] if health else '/health')}",
    )


def _python(component: Component) -> Iterator[Inspected]:
    project = component.python
    if project is None:
        return
    version = project.python
    why = "the Python version of production" if version.wanted else "no file names a version"
    yield Inspected(topic="Python", found=Sourced(value=version.wanted, file=version.source, why=why))
    command = python_commands(project, "production")[-1]
    words = " ".join(command.argv).replace("@work@/", "").replace("@env@", "the environment")
    named = project.lock or next(iter(project.production), None) or project.manifest or ""
    why = "the lock" if project.lock else "the requirements" if project.production else "no lock was found"
    yield Inspected(topic="installs", found=Sourced(value=words, file=named, why=why))


def _making_files(component: Component) -> Iterator[Inspected]:
    """Yields the steps of the stack that are repeated before its own calls of tools."""
    tools = ("mypy", "pyright", "pytest", DJANGO_TEST)
    calls = [call for tool in tools if component.python for call in chosen_calls(component.python, tool)]
    for step in dict.fromkeys(step for call in calls for step in call.before):
        before = ", ".join(dict.fromkeys(call.tool for call in calls if step in call.before))
        found = Sourced(value=shell_line(step), file=step.file, line=step.line, why=f"repeated before {before}")
        yield Inspected(topic="makes", found=found)


def _node(component: Component, context: CatalogueContext) -> Iterator[Inspected]:
    worker, site, node = component.worker, component.site, component.node
    if worker:
        yield Inspected(topic="Worker", found=Sourced(value=worker.name, file=worker.config, why="the wrangler file"))
        yield Inspected(topic="main", found=Sourced(value=worker.main, file=worker.config, why="main"))
    if site:
        configured = context.configured(component)
        build = configured.build or site.script or " ".join(site.command)
        origin = Sourced(
            value=build,
            file=f"{component.path}/package.json".removeprefix("./"),
            why=site.generator or "a script of the package",
        )
        yield Inspected(topic="builds", found=origin, correction=f"build = {quoted(build)}")
        output = configured.output or site.output
        why = f"where {site.generator} writes pages" if site.generator else "no generator that predeploy knows"
        yield Inspected(topic="output", found=Sourced(value=output, why=why), correction=f"output = {quoted(output)}")
    if node:
        why = "the Node version of production" if node.node.wanted else "no file names a version"
        yield Inspected(topic="Node", found=Sourced(value=node.node.wanted, file=node.node.source, why=why))
        why = "the lock" if node.lock else "no lock was found"
        yield Inspected(topic="installs", found=Sourced(value=f"{node.manager} install", file=node.lock or "", why=why))


def _variables(component: Component, context: CatalogueContext) -> Iterator[Sourced]:
    """Yields the names of the variables for Django's processes, each with the origin of its value."""
    own, filled = own_env(component, context), fills(component, context)
    reads = {each.name: each for each in (component.web.reads if component.web else ())}
    settings = component.web.settings_found if component.web else Sourced()
    for name, _ in django_env(component, context):
        read = reads.get(name)
        if name in own:
            yield Sourced(value=name, file=TOML, why="env in predeploy.toml")
        elif name == "DJANGO_SETTINGS_MODULE":
            yield replace(settings, value=name)
        elif name in filled and filled[name][1]:
            yield Sourced(value=name, file=filled[name][1], why="its value there")
        elif name in filled:
            file, line = (read.file, read.line) if read else ("", 0)
            yield Sourced(
                value=name, file=file, line=line, why="a throwaway value: no file of the stack has one", guess=True
            )
        elif name in reads or (not reads and name != "PYTHONPATH" and not name.startswith("PREDEPLOY_")):
            yield Sourced(value=name, why="of this run: a throwaway key, the run's database or its hosts")
    for name in context.secrets(component):
        yield Sourced(value=name, file=TOML, why="a secret in predeploy.toml")


def quoted(text: str) -> str:
    """Returns a text as a string of TOML."""
    return json.dumps(text, ensure_ascii=False)
