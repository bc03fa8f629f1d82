"""Follows a command through shells and entry scripts to the web server that it starts."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tasks.discovery.django.ground import Ground
from tasks.discovery.django.gunicorn import with_places
from tasks.discovery.django.preparation import preparation, prepared, prepares
from tasks.discovery.django.scripts import UNKNOWN, Statement, statements
from tasks.discovery.django.server import is_server, listening, unwrapped
from tasks.discovery.django.uwsgi import without_sockets
from tasks.discovery.image.dockerfile import Shell, expand
from tasks.production import ProductionServer, Sourced
from tasks.steps import WORK

_SHELLS = frozenset(["sh", "bash", "ash", "dash", "zsh"])
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_DECLARES = frozenset(["export", "readonly", "declare", "local", "typeset"])
_ALL_ARGUMENTS = re.compile(r"\$\{?[@*]")
_BROKEN_LIST = re.compile(r"\[[\"'\w./]|\[[^\]]*\]$")
_MORE_OPTIONS = re.compile(r"\$\{?\w*(OPT|ARG|FLAG|EXTRA)\w*\}?$", re.IGNORECASE)
_DEPTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """The words of a server's command, with the ground and the place where it was found.

    `before` are the lines of a shell that make the server's files in the image.
    """

    words: tuple[str, ...]
    ground: Ground
    env: Mapping[str, str]
    file: str = ""
    line: int = 0
    before: tuple[str, ...] = ()


def find_server(shell: Shell, ground: Ground, found: Sourced) -> ProductionServer | None:
    """Returns the server that a command starts, or None. `found` is the origin of the command."""
    if shell.line and _BROKEN_LIST.match(shell.line):  # Docker gives a broken list to a shell, and it fails
        argv = ("/bin/sh", "-c", shell.line)
        return ProductionServer(argv=argv, in_image=argv, directory=ground.directory, found=found)
    if shell.argv:
        started = _from_words(shell.argv, ground, {}, _DEPTH)
    else:
        started = _from_text(shell.line, (), ground, {}, _DEPTH)
    return _as_server(started, found, workdir=ground.workdir) if started else None


def _as_server(started: _Started, found: Sourced, *, workdir: str) -> ProductionServer | None:
    known = {**started.ground.env, **started.env}
    words = _expanded(started.words, known)
    argv, in_image = (listening(words, at_home=at_home) if words else () for at_home in (False, True))
    if not argv:
        return None
    tree, in_tree = started.ground.tree, started.ground.in_tree
    argv = without_sockets(argv, tree, in_tree, at_home=False)
    argv = with_places(argv, started.ground)
    in_image = without_sockets(in_image, tree, in_tree, at_home=True)
    if started.ground.workdir != workdir:
        in_image = ("sh", "-c", 'cd "$0" && exec "$@"', started.ground.workdir, *in_image)
    in_image = prepared(in_image, started.before)
    if started.file:
        found = replace(found, file=started.file, line=started.line, why=f"{found.why}, which starts {started.file}")
    return ProductionServer(
        argv=tuple(_local(word, started.ground) for word in argv),
        directory=started.ground.directory,
        in_image=in_image,
        env=tuple(sorted(started.env.items())),
        found=replace(found, value=" ".join(started.words)),
    )


def _local(word: str, ground: Ground) -> str:
    """Returns a word with a path of the image replaced by the path in the workspace."""
    option, equals, value = word.rpartition("=") if word.startswith("-") else ("", "", word)
    if not value.startswith("/") or not ground.workdir:
        return word
    path = ground.in_tree(value)
    return f"{option}{equals}{WORK}/{path}".removesuffix("/.") if path else word


def _expanded(words: tuple[str, ...], known: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the words with variables replaced. An option with an unknown value is left out.

    The result is empty if another word is unknown.
    """
    kept: list[str] = []
    for word in words:
        value = None if UNKNOWN in word else expand(word, dict(known))
        if value is not None:
            kept += [value] if value or not word else []
        elif word.startswith("-") or _MORE_OPTIONS.match(word):
            continue
        elif kept and kept[-1].startswith("-") and "=" not in kept[-1]:
            kept.pop()
        else:
            return ()
    return tuple(kept)


def _from_words(words: tuple[str, ...], ground: Ground, env: Mapping[str, str], depth: int) -> _Started | None:
    """Returns the server that an argv starts: by itself, or in a script of the tree."""
    env, words = _assigned(words, env, ground)
    program, *rest = unwrapped(words) or ("",)
    name = posixpath.basename(program)
    if depth == 0 or not name:
        return None
    if is_server(name) or any(is_server(word) for word in rest[:2] if name.endswith(("-run", "-admin", "-instrument"))):
        return _Started(words=words, ground=ground, env=env)
    if name == "env" or _ASSIGNMENT.match(program):
        return _from_words((program, *rest), ground, env, depth - 1)
    if name in _SHELLS:
        options = [word for word in rest if word.startswith("-")]
        arguments = tuple(word for word in rest if not word.startswith("-") or word == "-")
        if any("c" in option.lstrip("-") and not option.startswith("--") for option in options):
            return _from_text(arguments[0], arguments[2:], ground, env, depth - 1) if arguments else None
        return _from_file(arguments[0], arguments[1:], ground, env, depth) if arguments else None
    if name == "make":
        return _from_make(rest, ground, env, depth)
    if name.startswith("python") and rest:
        return _from_file(rest[0], tuple(rest[1:]), ground, env, depth)
    if "--" in rest and (after := tuple(rest[rest.index("--") + 1 :])):  # wait-for-it.sh db:5432 -- gunicorn …
        return _from_words(after, ground, env, depth - 1)
    if name == "dockerize":
        place = next((place for place, word in enumerate(rest) if is_server(word)), None)
        return None if place is None else _from_words(tuple(rest[place:]), ground, env, depth - 1)
    return _from_file(program, tuple(rest), ground, env, depth)


def _assigned(
    words: tuple[str, ...], env: Mapping[str, str], ground: Ground
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Separates `env A=b`, or `A=b`, from the command after it."""
    found = dict(env)
    rest = list(words)
    while rest and (posixpath.basename(rest[0]) == "env" or _ASSIGNMENT.match(rest[0]) or rest[0] in {"-i", "exec"}):
        if match := _ASSIGNMENT.match(rest[0]):
            value = expand(match[2], {**ground.env, **found})
            found |= {} if value is None or UNKNOWN in value else {match[1]: value}
        rest.pop(0)
    return found, tuple(rest)


def _from_file(
    path: str, arguments: tuple[str, ...], ground: Ground, env: Mapping[str, str], depth: int
) -> _Started | None:
    """Returns the server that a script of the tree starts, or that its arguments start."""
    place = ground.in_tree(path)
    if not ground.tree.has(place) or depth == 0:
        return None
    text = ground.tree.text(place)
    if place.endswith(".py") or re.match(r"#!.*python", text):
        passes = re.search(r"exec[lv]p?e?\(.*sys\.argv", text)
        return _from_words(arguments, ground, env, depth - 1) if passes else None
    started = _from_text(text, arguments, ground, env, depth - 1)
    # a server among the arguments is named by the command, and not by the script
    return replace(started, file=started.file or place) if started and started.line else started


def _from_make(rest: list[str], ground: Ground, env: Mapping[str, str], depth: int) -> _Started | None:
    target = next((word for word in rest if not word.startswith("-") and "=" not in word), "")
    place = ground.in_tree("Makefile")
    if not place or not target:
        return None
    recipe = re.compile(rf"^{re.escape(target)}\s*:(?!=)[^\n]*\n(?:\t[^\n]*(?:\n|$)|\s*\n)+", re.MULTILINE)
    text = ground.tree.text(place)
    match = recipe.search(text)
    if not match:
        return None
    head = "\n" * (text.count("\n", 0, match.start()) + 1)
    body = re.sub(r"^\t[@+-]*", "", match.group().partition("\n")[2], flags=re.MULTILINE).replace("$$", "$")
    started = _from_text(head + body, (), ground, env, depth - 1)
    return replace(started, file=started.file or place) if started else None


def _from_text(
    text: str, arguments: tuple[str, ...], ground: Ground, env: Mapping[str, str], depth: int
) -> _Started | None:
    """Returns the last server that a script starts, with the variables and the directory that the script sets.

    A server in the `case` branch for the first argument comes first, and one that reloads code last.
    """
    found: list[tuple[tuple[bool, bool, bool], int, _Started]] = []
    before: list[str] = []
    for number, (each, here, known) in enumerate(_run(text, ground, env)):
        is_passed = _passes_on(each, known)
        if prepares(each.words) and (words := _expanded(each.words, {**here.env, **known})):
            before.append(preparation(words, here.workdir or ".", text))
        words = arguments if is_passed else _with_arguments(each.words, arguments)
        started = _from_words(words, here, known, depth) if words else None
        if started is None:
            continue
        if not started.line and not is_passed:
            started = replace(started, line=each.line)
        started = replace(started, before=(*before, *started.before))
        fits = bool(arguments) and each.label.strip("\"'") == arguments[0]
        found.append(((fits, "--reload" not in started.words, is_passed), number, started))
    return max(found, key=lambda each: each[:2])[2] if found else None


def _with_arguments(words: tuple[str, ...], arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the words with the script's own arguments in the place of `$@`."""
    return tuple(part for word in words for part in (arguments if _ALL_ARGUMENTS.match(word) else (word,)))


def _run(text: str, ground: Ground, env: Mapping[str, str]) -> Iterator[tuple[Statement, Ground, Mapping[str, str]]]:
    """Yields the statements of a script that may start a server, each with its directory and variables."""
    known = dict(env)
    for each in statements(text):
        program, *rest = each.words
        if program == "cd" and rest:
            path = expand(rest[0], {**ground.env, **known})
            ground = ground.at(path) if path and UNKNOWN not in path else ground
        elif program in _DECLARES or all(_ASSIGNMENT.match(word) for word in each.words):
            words = each.words[1:] if program in _DECLARES else each.words
            for match in filter(None, map(_ASSIGNMENT.match, words)):
                value = match[2] if _ALL_ARGUMENTS.match(match[2]) else expand(match[2], {**ground.env, **known})
                known |= {} if value is None or UNKNOWN in value else {match[1]: value}
        else:
            yield each, ground, known.copy()


def _passes_on(statement: Statement, known: Mapping[str, str]) -> bool:
    """Whether a statement runs the script's own arguments, as `exec "$@"` does."""
    words = unwrapped(statement.words)
    if not words:
        return False
    name = words[0].strip("${}")
    value = known.get(name, "") if words[0].startswith("$") else ""
    return bool(_ALL_ARGUMENTS.match(words[0]) or _ALL_ARGUMENTS.match(value))


def passes_on(path: str, ground: Ground) -> bool:
    """Whether an entrypoint runs the command after it. An entrypoint outside of the tree counts as one that does."""
    place = ground.in_tree(path)
    if not ground.tree.has(place):
        return not is_server(path)
    text = ground.tree.text(place)
    if place.endswith(".py"):
        return "sys.argv" in text
    return any(_passes_on(each, known) for each, _, known in _run(text, ground, {}))
