"""What a Dockerfile says of the image that is deployed: its base, environment, command and what it copies."""

import json
import posixpath
import re
import shlex
from dataclasses import dataclass, field, replace

_CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A command as CMD, ENTRYPOINT or a Procfile has it: an argv, or a line for a shell."""

    argv: tuple[str, ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInstruction:
    """A COPY or ADD: sources to an absolute `target`, from the context or from the stage or image `origin`.

    `into` tells that the target is a directory whatever is copied there.
    """

    sources: tuple[str, ...]
    target: str
    into: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStage:
    """One stage with everything that it inherits from the stages it is built on."""

    name: str
    image: str
    images: tuple[str, ...] = ()
    """Images of stages that files are copied from."""
    copies: tuple[CopyInstruction, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = ""
    entrypoint: Shell | None = None
    cmd: Shell | None = None
    inherits_cmd: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A parsed Dockerfile. `copied` are the sources of its COPYs from the build's context, of all stages."""

    text: str
    stages: tuple[BuildStage, ...]
    copied: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """Every image it starts from, the deployed one first, then the other stages', later ones first."""
        if not self.stages:
            return ()
        others = (stage.image for stage in reversed(self.stages))
        return tuple(dict.fromkeys((self.stages[-1].image, *self.stages[-1].images, *others)))

    @property
    def final(self) -> BuildStage | None:
        """The stage that is deployed."""
        return self.stages[-1] if self.stages else None

    def stage(self, target: str) -> BuildStage | None:
        """The stage of a name or number; the last one for no name."""
        if not target:
            return self.final
        numbered = self.stages[int(target)] if target.isdecimal() and int(target) < len(self.stages) else None
        return next((stage for stage in self.stages if stage.name == target.lower()), numbered)


def parse_dockerfile(text: str) -> Dockerfile:
    """Read a Dockerfile. What it cannot make sense of it passes over: building the image will tell."""
    arguments: dict[str, str] = {}
    stages: list[BuildStage] = []
    copied: list[str] = []
    for word, rest in _instructions(text):
        if word == "FROM":
            stages.append(_begin(rest, arguments, stages))
        elif word == "ARG":
            known = stages[-1].env if stages else arguments
            arguments |= {key: value for key, value in _pairs(rest, arguments | known).items() if key not in arguments}
        elif word in {"COPY", "ADD"} and stages:
            stage = stages[-1]
            copy = _copy(expand(rest, arguments | stage.env) or rest, stage.workdir)
            copied += copy.sources if copy.origin is None else ()
            images = (*stage.images, *_origin_image(copy.origin, stages))
            stages[-1] = replace(stage, images=images, copies=(*stage.copies, copy))
        elif stages:
            stages[-1] = _continue(stages[-1], word, rest, arguments)
    return Dockerfile(text=text, stages=tuple(stages), copied=tuple(copied))


def expand(text: str, variables: dict[str, str]) -> str | None:
    """Replace `$A`, `${A}`, `${A:-default}`; None where one has neither a value nor a default."""
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


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = re.sub(r"^[ \t]*#[^\n]*\n", "", text.replace("\r\n", "\n") + "\n", flags=re.MULTILINE)
    joined = _CONTINUED.sub(" ", lines)
    split = (line.strip().split(None, 1) for line in joined.splitlines())
    return [(words[0].upper(), words[1]) for words in split if len(words) == 2]


def _begin(rest: str, arguments: dict[str, str], stages: list[BuildStage]) -> BuildStage:
    words = [word for word in rest.split() if not word.startswith("--")]
    image = expand(words[0], arguments) or words[0] if words else ""
    name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else str(len(stages))
    base = next((stage for stage in stages if stage.name == image.lower()), None)
    return replace(base, name=name, inherits_cmd=True) if base else BuildStage(name=name, image=image)


def _continue(stage: BuildStage, word: str, rest: str, arguments: dict[str, str]) -> BuildStage:
    match word:
        case "ENV":
            return replace(stage, env=stage.env | _pairs(rest, arguments | stage.env))
        case "WORKDIR":
            directory = expand(rest, arguments | stage.env)
            return replace(stage, workdir=posixpath.join(stage.workdir or "/", directory) if directory else "")
        case "CMD":
            return replace(stage, cmd=_command(rest), inherits_cmd=False)
        case "ENTRYPOINT":
            kept = None if stage.inherits_cmd else stage.cmd  # an entry point resets what other stages said
            return replace(stage, entrypoint=_command(rest), cmd=kept)
    return stage


def _command(rest: str) -> Shell:
    if rest.startswith("["):
        try:
            return Shell(argv=tuple(str(word) for word in json.loads(rest)))
        except ValueError:
            pass  # Docker takes a malformed list for a shell line too
    return Shell(line=rest)


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
    expanded = ((name, expand(value, known)) for name, value in pairs)
    return {name: value for name, value in expanded if value is not None}


def _copy(rest: str, workdir: str) -> CopyInstruction:
    words = rest.split()
    flags = [word for word in words if word.startswith("--")]
    origin = next((flag.partition("=")[2] for flag in flags if flag.startswith("--from=")), None)
    places = [word for word in words if not word.startswith("--")]
    if places and places[0].startswith("["):
        places = re.findall(r'"([^"]+)"', rest)
    *sources, target = places or [""]
    into = target.endswith(("/", "/.")) or target in {"", "."} or len(sources) > 1
    absolute = posixpath.normpath(posixpath.join(workdir or "/", target))
    return CopyInstruction(sources=tuple(sources), target=absolute, into=into, origin=origin)


def _origin_image(origin: str | None, stages: list[BuildStage]) -> tuple[str, ...]:
    if origin is None:
        return ()
    stage = next((stage for stage in stages if stage.name == origin.lower()), None)
    return (stage.image,) if stage else (origin,)
