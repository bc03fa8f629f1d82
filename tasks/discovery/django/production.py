"""Gathers what the stack's files say of production: the server, the variables and the settings module."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tasks.discovery.calls.deploy_calls import DeployScript, manage_calls
from tasks.discovery.django.ground import Ground
from tasks.discovery.django.hosts import HostProcess, host_processes
from tasks.discovery.django.launch import find_server, passes_on
from tasks.discovery.django.server import is_server
from tasks.discovery.file_view import FileView
from tasks.discovery.image.compose import ComposeService
from tasks.discovery.image.dockerfile import BuildStage, Dockerfile, Shell
from tasks.discovery.image.files import BuildContext, image_places
from tasks.production import NOWHERE, ProductionServer, Sourced

MODULE = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """The Dockerfile of a project, with its build's context and target."""

    path: str
    dockerfile: Dockerfile
    context: str
    target: str = ""

    @property
    def stage(self) -> BuildStage | None:
        """The stage that is deployed."""
        return self.dockerfile.stage(self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The files of the stack that say what production starts, for the project in `directory`.

    `composed` are the services of compose files that may run the project.
    """

    tree: FileView
    directory: str
    image: ImageSource | None = None
    composed: tuple[ComposeService, ...] = ()
    hosts: tuple[HostProcess, ...] = ()
    server: ProductionServer | None = field(default=None)

    def ground(self, env: Mapping[str, Sourced], directory: str = "") -> Ground:
        """Where the commands of the image run; with a `directory`, those of a host without the image."""
        known = {name: found.value for name, found in env.items()}
        if directory or self.image is None or self.image.stage is None:
            return Ground(tree=self.tree, directory=directory or self.directory, env=known)
        stage = self.image.stage
        tree, root = self.tree, self.image.context
        source = BuildContext(directory=root, has=tree.has, has_directory=tree.has_directory)
        places = image_places(self.image.dockerfile, self.image.target, source)
        ground = Ground(
            tree=self.tree,
            directory=self.directory,
            workdir=stage.workdir or "/",
            places=places,
            env={**stage.env, **known},
        )
        return ground.at(".")


def gather(
    tree: FileView,
    directory: str,
    image: ImageSource | None,
    services: tuple[ComposeService, ...],
    rivals: tuple[str, ...],
) -> Evidence:
    """Returns the evidence for a project. `rivals` are the directories of all Django projects of the stack."""
    is_alone = set(rivals) <= {directory}
    own = (each for each in services if (image and each.dockerfile == image.path) or (is_alone and _is_django(each)))
    composed = tuple(sorted(own, key=lambda each: (not each.is_production, not each.is_reached, each.file)))
    evidence = Evidence(
        tree=tree,
        directory=directory,
        image=image,
        composed=composed,
        hosts=host_processes(tree, directory, rivals),
    )
    servers = list(_servers(evidence))
    # a server that reloads code is one for development
    deployed = (each for each in servers if "--reload" not in each.argv)
    return replace(evidence, server=next(deployed, next(iter(servers), None)))


def _is_django(service: ComposeService) -> bool:
    """Whether a service without a Dockerfile of the stack runs Django: it says so in its command or variables."""
    words = service.command.argv if service.command else ()
    is_named = MODULE in service.env or any(is_server(word) or "manage.py" in word for word in words)
    return not service.build and (is_named or bool(words[:1] == ("make",)))


def _servers(evidence: Evidence) -> Iterator[ProductionServer]:
    """Yields the servers that the files start, in the order of their precedence."""
    services = [each for each in evidence.composed if not each.is_development]
    for service in services:
        if service.is_production and (server := _of_service(evidence, service)):
            yield server
    if evidence.image and (server := _of_image(evidence, evidence.image)):
        yield server
    for service in services:
        if not service.is_production and (server := _of_service(evidence, service)):
            yield server
    for host in evidence.hosts:
        if host.command is not None:
            ground = evidence.ground(host.env, "" if host.in_image else host.directory)
            if server := find_server(host.command, ground, host.found):
                yield server


def deploy_calls(evidence: Evidence, manage: str) -> tuple[Sourced, ...]:
    """Returns the commands of `manage.py` that each deploy runs: in the build, in a release, and before its server."""
    found = (
        call
        for script, ground in _deploy_scripts(evidence)
        for call in manage_calls(script, manage, ground.in_tree, evidence.tree.text)
    )
    return tuple(dict.fromkeys(found))


def _deploy_scripts(evidence: Evidence) -> Iterator[tuple[DeployScript, Ground]]:
    image, stage = evidence.image, evidence.image.stage if evidence.image else None
    started = evidence.server.found.why if evidence.server else ""
    if image is not None and stage is not None:
        for run in stage.runs:
            yield DeployScript(text=run.text, file=image.path, line=run.line), evidence.ground({})
        is_own = started.startswith("CMD of the Dockerfile")
        for word, shell in (("ENTRYPOINT", stage.entrypoint), ("CMD", stage.cmd if is_own else None)):
            if shell is not None:
                line = stage.lines.get(word, 1)
                yield DeployScript(text=_text_of(shell), file=image.path, line=line), evidence.ground({})
    for host in evidence.hosts:
        ground = evidence.ground(host.env, "" if host.in_image else host.directory)
        text, line = host.release
        yield DeployScript(text=text, file=host.found.file, line=line), ground
        if host.command is not None and started.startswith(host.found.why):
            yield DeployScript(text=_text_of(host.command), file=host.found.file, line=host.found.line), ground


def _text_of(shell: Shell) -> str:
    """Returns the text that a shell runs."""
    if "-c" in shell.argv[:-1]:
        return shell.argv[shell.argv.index("-c") + 1]
    return shlex.join(shell.argv) if shell.argv else shell.line


def _of_service(evidence: Evidence, service: ComposeService) -> ProductionServer | None:
    stage = evidence.image.stage if evidence.image and service.dockerfile == evidence.image.path else None
    if service.command is None and service.entrypoint is None:
        return None
    key = "command" if service.command else "entrypoint"
    found = Sourced(file=service.file, line=service.lines.get(key, 0), why=f"{key} of the service {service.name}")
    entry = service.entrypoint or (stage.entrypoint if stage else None)
    # compose ignores the image's CMD if it names an entrypoint
    command = service.command or (stage.cmd if stage and not service.entrypoint else None)
    server = _through(evidence.ground(service.env), entry, command, found, found)
    return replace(server, entry=service.entrypoint.argv) if server and service.entrypoint else server


def _of_image(evidence: Evidence, image: ImageSource) -> ProductionServer | None:
    stage = image.stage
    if stage is None:
        return None
    entry, command = (
        Sourced(file=image.path, line=stage.lines.get(word, 0), why=f"{word} of the Dockerfile")
        for word in ("ENTRYPOINT", "CMD")
    )
    return _through(evidence.ground({}), stage.entrypoint, stage.cmd, entry, command)


def _through(
    ground: Ground, entry: Shell | None, command: Shell | None, by_entry: Sourced, by_command: Sourced
) -> ProductionServer | None:
    """Returns the server of an entrypoint and a command.

    The entrypoint may be the server or a script that starts one. Otherwise it runs the command.
    """
    if entry is None or not (entry.argv or entry.line):
        return find_server(command, ground, by_command) if command else None
    arguments = command.argv or (("/bin/sh", "-c", command.line) if command.line else ()) if command else ()
    both = Shell(argv=(*entry.argv, *arguments)) if entry.argv else entry  # a shell line as ENTRYPOINT ignores CMD
    is_passed = bool(entry.argv) and _passes(entry.argv, ground)
    if is_passed and command and (server := find_server(command, ground, by_command)):
        return server
    if server := find_server(both, ground, by_entry):
        return replace(server, entry=())
    return find_server(command, ground, by_command) if command and entry.argv and not is_passed else None


def _passes(entry: tuple[str, ...], ground: Ground) -> bool:
    """Whether the last word of an entrypoint that is no option runs the command after it."""
    programs = [word for word in entry if not word.startswith("-")]
    return bool(programs) and passes_on(programs[-1], ground)


def settings_candidates(evidence: Evidence) -> Iterator[Sourced]:
    """Yields the settings modules that the files for production name, in the order of their precedence."""
    server = evidence.server
    if server and (module := dict(server.env).get(MODULE) or _option(server.argv)):
        yield replace(server.found, value=module, why=f"{server.found.why}: it sets {MODULE}")
    stage = evidence.image.stage if evidence.image else None
    services = [each for each in evidence.composed if not each.is_development]
    yield from (each.env[MODULE] for each in services if each.is_production and MODULE in each.env)
    if stage and evidence.image and MODULE in stage.env:
        line = stage.lines.get(MODULE, 0)
        yield Sourced(value=stage.env[MODULE], file=evidence.image.path, line=line, why="ENV of the Dockerfile")
    yield from (each.env[MODULE] for each in services if not each.is_production and MODULE in each.env)
    yield from (each.env[MODULE] for each in evidence.hosts if MODULE in each.env)


def _option(argv: tuple[str, ...]) -> str:
    """Returns the settings module in an option such as `--env DJANGO_SETTINGS_MODULE=…`."""
    return next((word.partition(f"{MODULE}=")[2] for word in argv if f"{MODULE}=" in word), "")


def origin_of_image(evidence: Evidence) -> Sourced:
    """Returns why a Dockerfile is production's."""
    image = evidence.image
    if image is None:
        return NOWHERE
    named = [each for each in evidence.composed if each.dockerfile == image.path]
    if named and (named[0].is_production or not named[0].is_development):
        service = named[0]
        why = f"build of the service {service.name}"
        return Sourced(value=image.path, file=service.file, line=service.line, why=why)
    return Sourced(value=image.path, file=image.path, line=1, why="the Dockerfile for this directory")
