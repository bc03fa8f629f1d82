"""Collects the calls of quality tools in CI, recipes, hooks and documents of a tree."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.discovery.calls.hooks import read_action, read_hooks
from tasks.discovery.calls.recipes import Recipe, line_of, read_recipes
from tasks.discovery.calls.recognise import RecipeCall, recognise
from tasks.discovery.calls.shell import read_script
from tasks.discovery.calls.workflows import Script, read_workflows
from tasks.discovery.file_view import FileView, is_nested, join, parent
from tasks.discovery.rank import Rank, rank
from tasks.stack import CallSource, ToolCall

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
        found += (each for each in _in_recipe(recipe, CallSource.RECIPE) if isinstance(each, ToolCall))
    found += _in_documents(tree)
    return tuple(sorted(dict.fromkeys(found), key=lambda call: call.source))


def _in_ci(tree: FileView, recipes: list[Recipe]) -> tuple[list[ToolCall], list[RecipeCall]]:
    """Returns the calls in CI, also those in the recipes that it runs; and these calls of recipes."""
    found: list[ToolCall] = []
    triggered: list[RecipeCall] = []
    for script in read_workflows(tree):
        waiting: list[tuple[int, RecipeCall]] = []
        for each in _in_script(script):
            if isinstance(each, ToolCall):
                found.append(_of_job(each, script))
            else:
                waiting.append((0, each))
        seen: set[RecipeCall] = set()
        while waiting:
            depth, call = waiting.pop(0)
            if call in seen or depth > _DEPTH:
                continue
            seen.add(call)
            triggered.append(call)
            for each in _expanded(tree, call, recipes):
                if isinstance(each, ToolCall):
                    found.append(_of_job(each, script))
                else:
                    waiting.append((depth + 1, each))
    return found, triggered


def _of_job(call: ToolCall, script: Script) -> ToolCall:
    env = {**dict(script.env), **dict(call.env)}
    return replace(call, source=CallSource.CI, env=tuple(sorted(env.items())), services=script.services)


def _in_script(script: Script) -> Iterator[ToolCall | RecipeCall]:
    if script.uses:
        yield from read_action(script)
        return
    for command in read_script(script.text, script.directory):
        yield from recognise(command, source=CallSource.CI, file=script.file, line=script.line + command.line)


def _in_recipe(recipe: Recipe, source: CallSource) -> Iterator[ToolCall | RecipeCall]:
    for number, line in recipe.lines:
        for command in read_script(line, recipe.directory):
            yield from recognise(command, source=source, file=recipe.file, line=number)


def _expanded(tree: FileView, call: RecipeCall, recipes: list[Recipe]) -> Iterator[ToolCall | RecipeCall]:
    """Yields what a call of a recipe calls in turn: the recipe's commands, and the recipes that it needs."""
    if call.program == "script":
        path = join(call.directory, call.names[0]) if call.names else ""
        if tree.has(path) and tree.text(path).startswith("#!") and "python" not in tree.text(path).splitlines()[0]:
            for command in read_script(tree.text(path), call.directory):
                yield from recognise(command, source=CallSource.CI, file=path, line=command.line + 1)
        return
    # options such as `-C web` are not read, so a file in any inner directory may be the one
    mine = [each for each in recipes if each.program == call.program and is_nested(each.directory, call.directory)]
    every = call.program in {"tox", "nox"} and not set(call.names) & {each.name for each in mine}
    for recipe in mine:
        if recipe.name in call.names or every or (recipe.default and not call.names):
            yield from _in_recipe(recipe, CallSource.CI)
            if recipe.needs:
                yield RecipeCall(program=call.program, names=recipe.needs, directory=call.directory)


def _in_documents(tree: FileView) -> Iterator[ToolCall]:
    for path in tree.files:
        name = posixpath.basename(path)
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
