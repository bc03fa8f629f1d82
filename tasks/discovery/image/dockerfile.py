"""Reads the stages of a Dockerfile: base images, environment, commands and copied files."""

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tasks.discovery.image.instructions import Instruction, read_instructions

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A command of CMD, ENTRYPOINT or a Procfile: either an argv, or a line for a shell."""

    argv: tuple[str, ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInstruction:
    """A COPY or ADD. `target` is absolute.

    `origin` is the stage or image of the sources, or None for the build context. `into` marks a target that is a
    directory for any sources.
    """

    sources: tuple[str, ...]
    target: str
    into: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInstruction:
    """The shell text of a RUN, with its heredocs. `line` is its first line."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStage:
    """One stage, including everything that it inherits from the stages below it."""

    name: str
    image: str
    images: tuple[str, ...] = ()
    """Images from which the stage copies files."""
    copies: tuple[CopyInstruction, ...] = ()
    runs: tuple[RunInstruction, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = ""
    entrypoint: Shell | None = None
    cmd: Shell | None = None
    inherits_cmd: bool = False
    is_named: bool = False
    lines: dict[str, int] = field(default_factory=dict)
    """The lines of FROM, CMD, ENTRYPOINT and of each variable of ENV, by these names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A parsed Dockerfile. `copied` has the sources in the build context that any stage copies.

    `arguments` has the defaults of its build arguments.
    """

    text: str
    stages: tuple[BuildStage, ...]
    copied: tuple[str, ...]
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[str, ...]:
        """The base images. Those of the last stage come first, then those of the other stages in reverse order."""
        if not self.stages:
            return ()
        others = (stage.image for stage in reversed(self.stages))
        return tuple(dict.fromkeys((self.stages[-1].image, *self.stages[-1].images, *others)))

    @property
    def final(self) -> BuildStage | None:
        """The last stage, which is deployed by default."""
        return self.stages[-1] if self.stages else None

    def stage(self, target: str) -> BuildStage | None:
        """Returns the stage of a name or number, and the last stage for an empty `target`."""
        if not target:
            return self.final
        numbered = self.stages[int(target)] if target.isdecimal() and int(target) < len(self.stages) else None
        return next((stage for stage in self.stages if stage.name == target.lower()), numbered)


def parse_dockerfile(text: str, given: Mapping[str, str] = MappingProxyType({})) -> Dockerfile:
    """Reads a Dockerfile. Unknown instructions are ignored, because the image's build reports them.

    `given` are the build arguments that replace the defaults.
    """
    arguments = dict(given)
    stages: list[BuildStage] = []
    copied: list[str] = []
    for each in read_instructions(text):
        if not each.rest:
            continue
        if each.word == "FROM":
            begun = _begin(each, arguments, stages)
            stages.append(replace(begun, lines=begun.lines | {"FROM": each.line}))
        elif each.word == "ARG":
            known = arguments | stages[-1].env if stages else arguments
            # an ARG without `=` has no default
            defaults = shlex.join(word for word in _words(each.rest) if "=" in word)
            arguments |= {key: value for key, value in _pairs(defaults, known).items() if key not in arguments}
        elif each.word in {"COPY", "ADD"} and stages:
            stage = stages[-1]
            copy = _copy(each, arguments | stage.env, stage.workdir)
            copied += copy.sources if copy.origin is None else ()
            images = (*stage.images, *_origin_image(copy.origin, stages))
            stages[-1] = replace(stage, images=images, copies=(*stage.copies, copy))
        elif stages:
            stages[-1] = _continue(stages[-1], each, arguments)
    return Dockerfile(text=text, stages=tuple(stages), copied=tuple(copied), arguments=arguments)


def expand(text: str, variables: dict[str, str]) -> str | None:
    """Replaces `$A`, `${A}` and `${A:-default}`. Returns None if a variable has neither a value nor a default."""
    is_known = True

    def value(match: re.Match[str]) -> str:
        nonlocal is_known
        name, operator, default = match.group(1) or match.group(4), match.group(2), match.group(3)
        if operator and operator.endswith("+"):
            return default if variables.get(name) else ""
        if variables.get(name):
            return variables[name]
        is_known = is_known and operator is not None
        return default or ""

    expanded = _VARIABLE.sub(value, text)
    return expanded if is_known else None


def _begin(instruction: Instruction, arguments: dict[str, str], stages: list[BuildStage]) -> BuildStage:
    words = instruction.bare.split()
    image = expand(words[0], arguments) or words[0] if words else ""
    is_named = len(words) > 2 and words[1].lower() == "as"
    name = words[2].lower() if is_named else str(len(stages))
    base = next((stage for stage in stages if stage.name == image.lower()), None)
    begun = replace(base, name=name, inherits_cmd=True) if base else BuildStage(name=name, image=image)
    return replace(begun, is_named=is_named)


def _continue(stage: BuildStage, instruction: Instruction, arguments: dict[str, str]) -> BuildStage:
    match instruction.word:
        case "ENV":
            pairs = _pairs(instruction.rest, arguments | stage.env)
            return replace(stage, env=stage.env | pairs, lines=stage.lines | dict.fromkeys(pairs, instruction.line))
        case "WORKDIR":
            directory = expand(instruction.rest, arguments | stage.env)
            return replace(stage, workdir=posixpath.join(stage.workdir or "/", directory) if directory else "")
        case "RUN":
            words = instruction.argv
            is_script = instruction.bare.startswith("<<")
            text = shlex.join(words) if words else f"\n{instruction.body}" if is_script else instruction.bare
            return replace(stage, runs=(*stage.runs, RunInstruction(line=instruction.line, text=text)))
        case "CMD":
            lines = stage.lines | {"CMD": instruction.line}
            return replace(stage, cmd=_command(instruction), inherits_cmd=False, lines=lines)
        case "ENTRYPOINT":
            kept = None if stage.inherits_cmd else stage.cmd  # an ENTRYPOINT resets the CMD of a base stage
            lines = stage.lines | {"ENTRYPOINT": instruction.line}
            return replace(stage, entrypoint=_command(instruction), cmd=kept, lines=lines)
    return stage


def _command(instruction: Instruction) -> Shell:
    argv = instruction.argv
    return Shell(line=instruction.rest) if argv is None else Shell(argv=argv)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        return rest.split()


def _pairs(rest: str, known: dict[str, str]) -> dict[str, str]:
    words = _words(rest)
    if words and "=" not in words[0]:  # the old form: ENV NAME the value
        pairs = [(words[0], " ".join(words[1:]))] if len(words) > 1 else []
    else:
        pairs = [(name, value) for name, found, value in (word.partition("=") for word in words) if found]
    expanded = (
        (name, _listed(value, known) if name == "PYTHONPATH" else expand(value, known)) for name, value in pairs
    )
    return {name: value for name, value in expanded if value is not None}


def _listed(value: str, known: dict[str, str]) -> str:
    """Returns a list of paths without those of variables that nothing sets, as in `/libs:$PYTHONPATH`."""
    return _VARIABLE.sub(lambda match: expand(match[0], known) or "", value)


def _copy(instruction: Instruction, known: dict[str, str], workdir: str) -> CopyInstruction:
    flags = (_expanded(flag, known) for flag in instruction.flags)
    origin = next((flag.partition("=")[2] for flag in flags if flag.startswith("--from=")), None)
    *sources, target = (_expanded(word, known) for word in instruction.words or ("",))
    files = tuple(source for source in sources if not source.startswith("<<"))  # a heredoc is no file of the context
    into = target.endswith(("/", "/.")) or target in {"", "."} or len(sources) > 1
    absolute = posixpath.normpath(posixpath.join(workdir or "/", target))
    return CopyInstruction(sources=files, target=absolute, into=into, origin=origin)


def _expanded(text: str, known: dict[str, str]) -> str:
    """Returns the text with its variables replaced, or unchanged if one of them is unknown."""
    return expand(text, known) or text


def _origin_image(origin: str | None, stages: list[BuildStage]) -> tuple[str, ...]:
    if origin is None:
        return ()
    stage = next((stage for stage in stages if stage.name == origin.lower()), None)
    return (stage.image,) if stage else (origin,)
