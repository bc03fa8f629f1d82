"""Reads the commands of scripts, recipes and CI jobs in order, with the scripts that they call in turn."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.discovery.calls.recipes import Recipe
from tasks.discovery.calls.shell import ShellCommand, read_script, without_directory
from tasks.discovery.file_view import join
from tasks.discovery.worker.deploy_words import (
    MANAGERS,
    Upload,
    is_idle,
    program_of,
    scripts_of,
    upload_of,
    work_of,
)
from tasks.production import Sourced
from tasks.worker import DeployStep

_DEPTH = 6
# A word that only a shell can read.
_NEEDS_SHELL = re.compile(r"[*?\[\]{}$`~<>|&();#\n]")
_INTERPRETERS = frozenset({"bun", "node", "ts-node", "tsx", "vite-node"})
# A program of the stack that only writes files: it calls no other program, and reaches no other system.
_WRITES = re.compile(
    r"\b(?:writeFile(?:Sync)?|outputFile(?:Sync)?|createWriteStream|copyFile(?:Sync)?|cp(?:Sync)?|mkdir(?:Sync)?|"
    r"Bun\.write)\s*\("
)
_REACHES = re.compile(
    r"\bfetch\s*\(|child_process|\b(?:exec|spawn)(?:File)?(?:Sync)?\s*\(|\b(?:execa|zx|axios|got|undici|wrangler)\b|"
    r"node:(?:https?|net|tls|dgram)\b|[\"']https?[\"']|\bBun\.\$|@aws-sdk|process\.env\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployPart:
    """One command. `work` is `build` (it makes files here), `quality`, `outward` (for another system) or `upload`."""

    step: DeployStep
    work: Literal["build", "quality", "outward", "upload"]
    upload: Upload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """The recipes of a tree by program, directory and name. `manager_of` returns what runs the scripts of a package.

    `read` returns the text of a file, or an empty one. `is_installed` returns whether the check of the Worker has the
    packages of a directory.
    """

    recipes: Mapping[tuple[str, str], Mapping[str, Recipe]]
    manager_of: Callable[[str], str] = lambda _: "npm"
    read: Callable[[str], str] = lambda _: ""
    is_installed: Callable[[str], bool] = lambda _: True

    def of(self, directory: str, program: str = "npm") -> Mapping[str, Recipe]:
        """Returns the scripts of the package in a directory."""
        return self.recipes.get((program, directory), {})

    def parts_of(self, recipe: Recipe, depth: int = 0) -> Iterator[DeployPart]:
        """Yields the commands of a recipe, between those that run before and after it."""
        siblings = self.of(recipe.directory, recipe.program)
        is_npm = recipe.program == "npm"
        before = (f"pre{recipe.name}",) if is_npm else recipe.needs
        after = (f"post{recipe.name}",) if is_npm else ()
        for name in before:
            if name in siblings and depth < _DEPTH:
                yield from self.parts_of(siblings[name], depth + 1)
        for line, text in recipe.lines:
            place = Sourced(file=recipe.file, line=line)
            yield from self.parts(text, recipe.directory, place, script=recipe.name, depth=depth)
        for name in after:
            if name in siblings and depth < _DEPTH:
                yield from self.parts_of(siblings[name], depth + 1)

    def parts(
        self, text: str, directory: str, place: Sourced, *, script: str = "", depth: int = 0
    ) -> Iterator[DeployPart]:
        """Yields the commands of a text. A script that builds is one step, unless it also reaches other systems."""
        for chunk in chunks(text):
            commands = [each for each in read_script(chunk, directory) if not is_idle(each.words)]
            inner = [part for each in commands for part in self._of_command(each, place, script, depth)]
            if inner and not _is_build(inner):
                yield from inner
            elif inner:
                yield DeployPart(step=self._step(chunk, commands, directory, place), work="build")
            changed = re.fullmatch(r"\s*cd\s+([\w./@-]+)\s*", chunk)
            directory = join(directory, changed[1]) if changed else directory

    def _called(self, command: ShellCommand) -> tuple[Recipe, ...]:
        """Returns the scripts and recipes that a command calls."""
        words, named = without_directory(command.words)
        directory = join(command.directory, named) if named else command.directory
        program, arguments = program_of(words)
        if program in {"make", "just"}:
            known = self.of(directory, program)
            return tuple(known[word] for word in arguments if word in known)
        known = self.of(directory)
        return tuple(known[name] for name in scripts_of(words, tuple(known)))

    def _of_command(self, command: ShellCommand, place: Sourced, script: str, depth: int) -> list[DeployPart]:
        step = _plain(command, place)
        if upload := upload_of(command.words):
            return [DeployPart(step=step, work="upload", upload=upload)]
        called = self._called(command) if depth < _DEPTH else ()
        if any(each.program == "npm" and not self.is_installed(each.directory) for each in called):
            return [DeployPart(step=step, work="outward")]
        if called:
            return [part for recipe in called for part in self._of_recipe(recipe, command, place, depth)]
        work = work_of(command.words, script)
        return [DeployPart(step=step, work="build" if work == "outward" and self._only_writes(command) else work)]

    def _only_writes(self, command: ShellCommand) -> bool:
        """Whether a command runs a file of the tree that writes files and does nothing else that its text shows."""
        program, arguments = program_of(command.words)
        if program not in _INTERPRETERS:
            return False
        plain = (word for word in arguments if not word.startswith("-") and word != "run")
        text = self.read(join(command.directory, next(plain, "")))
        return bool(_WRITES.search(text)) and not _REACHES.search(text)

    def _of_recipe(self, recipe: Recipe, command: ShellCommand, place: Sourced, depth: int) -> list[DeployPart]:
        """Returns the commands of a called recipe. A script of a package that only builds is one command."""
        inner = [*self.parts_of(recipe, depth + 1)]
        if recipe.program != "npm" or not inner or not _is_build(inner):
            return inner
        argv = (self.manager_of(recipe.directory), "run", recipe.name)
        step = DeployStep(text=" ".join(argv), argv=argv, directory=recipe.directory, env=command.env, found=place)
        return [DeployPart(step=step, work="build")]

    def _step(self, chunk: str, commands: Sequence[ShellCommand], directory: str, place: Sourced) -> DeployStep:
        """Returns a step for a part of a script. A call of a script of the package starts its package manager."""
        first = commands[0]
        called = self._called(first)
        program = program_of(first.words)[0]
        plain = not any(_NEEDS_SHELL.search(word) for word in first.words[1:])
        if len(commands) > 1 or not (plain and not _NEEDS_SHELL.search(chunk.replace(first.words[0], "", 1))):
            return DeployStep(text=chunk.strip(), argv=("sh", "-c", chunk.strip()), directory=directory, found=place)
        if len(called) == 1 and program in MANAGERS:
            manager = self.manager_of(called[0].directory)
            is_own = first.words[0] == manager and without_directory(first.words)[0] == first.words
            argv = first.words if is_own else (manager, "run", called[0].name)
            return DeployStep(text=" ".join(argv), argv=argv, directory=called[0].directory, env=first.env, found=place)
        return _plain(first, place)


def _is_build(parts: Sequence[DeployPart]) -> bool:
    """Whether commands build, and reach no other system."""
    works = {part.work for part in parts}
    return "build" in works and not works & {"upload", "outward"}


def _plain(command: ShellCommand, place: Sourced) -> DeployStep:
    """Returns a command as a step. A shell reads words that are not plain."""
    text = " ".join(command.words)
    plain = not any(_NEEDS_SHELL.search(word) for word in command.words)
    name, arguments = program_of(command.words)
    is_runner = command.words[0] in {"npx", "bunx", "pnpx"}
    argv = ((name, *arguments) if is_runner else command.words) if plain else ("sh", "-c", text)
    return DeployStep(text=text, argv=argv, directory=command.directory, env=command.env, found=place)


def chunks(text: str) -> Iterator[str]:
    """Splits a script at `&&`, `;` and line ends that are outside of quotes and parentheses."""
    depth, quote, begun = 0, "", ""
    index = 0
    while index < len(text):
        letter = text[index]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif depth <= 0 and (letter in ";\n" or text.startswith("&&", index)):
            yield begun
            begun, index = "", index + (2 if letter == "&" else 1)
            continue
        begun += letter
        index += 1
    yield begun
