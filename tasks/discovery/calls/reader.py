"""Collects the calls of quality tools in CI, recipes, hooks and documents of a tree."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tasks.discovery.calls.file_steps import possible, read_file_step
from tasks.discovery.calls.hooks import read_action, read_hooks
from tasks.discovery.calls.recipes import Recipe, line_of, read_recipes
from tasks.discovery.calls.recognise import RecipeCall, recognise
from tasks.discovery.calls.shell import read_script
from tasks.discovery.calls.workflows import Script, read_workflows
from tasks.discovery.file_view import FileView, is_nested, join, name_in, parent
from tasks.discovery.rank import Rank, rank
from tasks.stack import CallSource, FileStep, ToolCall

_Found = ToolCall | FileStep | RecipeCall
_DOCUMENTS = re.compile(
    r"^(?:docs/)?(?:readme|contributing|development|developing|testing)\.(?:md|rst|txt)$", re.IGNORECASE
)
_BLOCK = re.compile(
    r"^(?P<fence>```|~~~)\w*[^\n]*\n(?P<text>.*?)^(?P=fence)|^(?P<indented>(?:(?: {4}|\t)[^\n]*\n)+)",
    re.DOTALL | re.MULTILINE,
)
_PROMPT = re.compile(r"^\s*(?:\([\w.-]+\) ?)?[$>] ", re.MULTILINE)
_DEPTH = 4


def read_calls(tree: FileView) -> tuple[ToolCall, ...]:
    """Returns every call of a quality tool in the tree, those that say most first."""
    recipes = [recipe for recipe in read_recipes(tree) if rank(recipe.directory) is Rank.DEPLOYED]
    found, triggered = _in_ci(tree, recipes)
    in_ci = any(call.program == "hooks" for call in triggered)
    found += read_hooks(tree, in_ci=in_ci)
    for recipe in recipes:
        found += _of_recipe(tree, recipe, recipes)
    found += _in_documents(tree)
    return tuple(sorted(dict.fromkeys(found), key=lambda call: call.source))


def _in_ci(tree: FileView, recipes: list[Recipe]) -> tuple[list[ToolCall], list[RecipeCall]]:
    """Returns the calls in CI, also those in the recipes that it runs; and these calls of recipes."""
    found: list[ToolCall] = []
    triggered: list[RecipeCall] = []
    job, before = "", list[FileStep]()
    for script in read_workflows(tree):
        if script.job != job:
            job, before = script.job, []
        seen: dict[RecipeCall, None] = {}
        for each in _flat(tree, _in_script(script), recipes, seen):
            if isinstance(each, ToolCall):
                found.append(_of_job(each, script, tuple(possible(before, tree))))
            elif not script.conditional:
                before.append(each)
        triggered += seen
    return found, triggered


def _flat(
    tree: FileView, found: Iterable[_Found], recipes: list[Recipe], seen: dict[RecipeCall, None], depth: int = 0
) -> Iterator[ToolCall | FileStep]:
    """Yields calls and steps in the order of their execution, each recipe replaced by its commands.

    `seen` gets the calls of recipes that were followed.
    """
    for each in found:
        if not isinstance(each, RecipeCall):
            yield each
        elif each not in seen and depth <= _DEPTH:
            seen[each] = None
            yield from _flat(tree, _expanded(tree, each, recipes), recipes, seen, depth + 1)


def _of_job(call: ToolCall, script: Script, before: tuple[FileStep, ...]) -> ToolCall:
    env = {**dict(script.env), **dict(call.env)}
    return replace(call, source=CallSource.CI, env=tuple(sorted(env.items())), services=script.services, before=before)


def _in_script(script: Script) -> Iterator[_Found]:
    if script.uses:
        yield from read_action(script)
        return
    yield from _in_shell(script.text, script.directory, CallSource.CI, script.file, script.line)


def _in_shell(text: str, directory: str, source: CallSource, file: str, line: int) -> Iterator[_Found]:
    """Yields what a script calls, and the files that it makes. `line` is the number of its first line."""
    for command in read_script(text, directory):
        step = read_file_step(command, file=file, line=line + command.line)
        yield from [step] if step else recognise(command, source=source, file=file, line=line + command.line)


def _in_recipe(recipe: Recipe, source: CallSource) -> Iterator[_Found]:
    for number, line in recipe.lines:
        yield from _in_shell(line, recipe.directory, source, recipe.file, number)


def _of_recipe(tree: FileView, recipe: Recipe, recipes: list[Recipe]) -> Iterator[ToolCall]:
    """Yields the calls of a recipe itself, after the files that it and the recipes which it needs make."""
    needs = RecipeCall(program=recipe.program, names=recipe.needs, directory=recipe.directory)
    needed = _flat(tree, [needs], recipes, {}) if recipe.needs else ()
    before = [each for each in needed if isinstance(each, FileStep)]
    for each in _in_recipe(recipe, CallSource.RECIPE):
        if isinstance(each, ToolCall):
            yield replace(each, before=tuple(possible(before, tree)))
        elif isinstance(each, FileStep):
            before.append(each)


def _expanded(tree: FileView, call: RecipeCall, recipes: list[Recipe]) -> Iterator[_Found]:
    """Yields what a call of a recipe calls in turn: the recipes that it needs, and its commands."""
    if call.program == "script":
        path = join(call.directory, call.names[0]) if call.names else ""
        if tree.has(path) and tree.text(path).startswith("#!") and "python" not in tree.text(path).splitlines()[0]:
            yield from _in_shell(tree.text(path), call.directory, CallSource.CI, path, 1)
        return
    # options such as `-C web` are not read, so a file in any inner directory may be the one
    mine = [each for each in recipes if each.program == call.program and is_nested(each.directory, call.directory)]
    every = call.program in {"tox", "nox"} and not set(call.names) & {each.name for each in mine}
    for recipe in mine:
        if recipe.name in call.names or every or (recipe.default and not call.names):
            if recipe.needs:
                yield RecipeCall(program=call.program, names=recipe.needs, directory=call.directory)
            yield from _in_recipe(recipe, CallSource.CI)


def _in_documents(tree: FileView) -> Iterator[ToolCall]:
    for path in tree.files:
        name = name_in(path)
        if not _DOCUMENTS.match(name) or path.count("/") > 1 or rank(parent(path)) is Rank.NEVER:
            continue
        text = tree.text(path)
        for block in _BLOCK.finditer(text):
            shell = _PROMPT.sub("", block["text"] or block["indented"])
            start = line_of(text, (block["text"] or block["indented"]).splitlines()[0]) if block[0].strip() else 1
            for command in read_script("\n".join(each.strip() for each in shell.splitlines()), parent(path)):
                for each in recognise(command, source=CallSource.DOCS, file=path, line=start + command.line):
                    if isinstance(each, ToolCall):
                        yield each
