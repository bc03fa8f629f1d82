"""Reads which environment variables Django code needs, in its syntax trees."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from tasks.discovery.django.database_roles import with_roles
from tasks.discovery.django.env_context import has_fallback, is_in_function, is_optional, key_of, mentions, walk_all
from tasks.discovery.django.env_models import read_models
from tasks.discovery.django.env_readers import (
    DECOUPLE,
    ENVIRON,
    ENVIRONS,
    Readers,
    default_of,
    find_readers,
    prefixes_above,
)
from tasks.discovery.django.env_shapes import METHODS, choices_around, name_of, shape_around, shape_of_cast, text_of
from tasks.variable import Variable

USUAL = {"db": "DATABASE_URL", "db_url": "DATABASE_URL", "cache": "CACHE_URL", "cache_url": "CACHE_URL"}
USUAL |= {"email_url": "EMAIL_URL", "search_url": "SEARCH_URL", "channels": "CHANNELS_URL"}
CRASHING = frozenset({"number", "json", "path", "list", "base64", "fernet", "uuid"})
"""Shapes whose casts raise an error for None."""


def read_variables(
    settings: Sequence[tuple[str, ast.Module]], others: Iterable[tuple[str, ast.Module]] = ()
) -> tuple[Variable, ...]:
    """Returns each variable once, sorted by name.

    Of `others` only the reads during the import count, and those of a function that raise an error without a value.
    """
    every = [*((path, tree, True) for path, tree in settings), *((path, tree, False) for path, tree in others)]
    readers = find_readers(tree for _, tree, _ in every)
    found: dict[str, Variable] = {}
    for path, tree, is_settings in every:
        parents = parents_of(tree)
        reads = [*read_calls(tree, parents, readers)]
        reads = [*with_roles(tree, reads)] if is_settings else reads
        kept = [
            each
            for node, each in reads
            if is_settings or not is_in_function(node, parents) or is_served(each, node, path)
        ]
        for each in (*kept, *read_models(tree)):
            known = found.get(each.name)
            found[each.name] = merged(known, replace(each, file=path)) if known else replace(each, file=path)
    for name, default in set_defaults(tree for _, tree in settings):
        if name in found:
            found[name] = replace(found[name], required=False, default=found[name].default or default)
    return tuple(each for _, each in sorted(found.items()))


def parents_of(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    """Returns the parent of each node, in the order of `ast.walk`, which would visit all children a second time."""
    parents: dict[ast.AST, ast.AST] = {}
    level: list[ast.AST] = [tree]
    while level:
        found = [(child, node) for node in level for child in ast.iter_child_nodes(node)]
        parents.update(found)
        level = [child for child, _ in found]
    return parents


def set_defaults(trees: Iterable[ast.Module]) -> Iterator[tuple[str, str]]:
    """Yields the variables that the settings set themselves if they are absent: `os.environ.setdefault("X", "y")`."""
    for node in (each for tree in trees for each in ast.walk(tree)):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="setdefault"), args=[key, value]):
                if name_of(owner) == "environ" and text_of(key):
                    yield text_of(key), text_of(value)


def is_served(read: Variable, node: ast.AST, path: str) -> bool:
    """Whether a page may need the variable: a function reads it as `os.environ["X"]`, and it is no command."""
    return read.required and isinstance(node, ast.Subscript) and "management/commands/" not in path


def merged(known: Variable, other: Variable) -> Variable:
    """Returns the facts of two reads of one variable. It is required if one of them requires it."""
    first, second = (other, known) if other.required and not known.required else (known, other)
    return replace(
        first,
        shape=second.shape if first.shape == "text" else first.shape,
        default=first.default or second.default,
        choices=first.choices or second.choices,
        role=first.role or second.role,
        bare=first.bare or second.bare,
    )


def read_calls(
    tree: ast.Module, parents: dict[ast.AST, ast.AST], readers: Readers
) -> Iterator[tuple[ast.expr, Variable]]:
    """Yields each expression that reads a variable, with the variable."""
    for node in parents:
        if not isinstance(node, ast.Call | ast.Subscript):
            continue
        found = of_os(node, tree, parents) or of_library(node, parents, readers) or of_helper(node, parents, readers)
        if found is not None and found.name:
            yield node, replace(found, line=node.lineno, choices=found.choices or choices_around(node, parents))


def of_os(node: ast.expr, tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> Variable | None:
    """Returns the variable of `os.environ["X"]`, `os.environ.get("X")` or `os.getenv("X")`."""
    key = key_of(node)
    name = text_of(key[0]) if key else ""
    if key is None or not name:
        return None
    shape = shape_around(node, parents)
    if key[1]:
        return Variable(name=name, shape=shape or "text", required=not is_optional(node, name, parents))
    given = default_of(node)
    if given is not None and not (isinstance(given, ast.Constant) and given.value is None):
        return Variable(name=name, shape=shape or shape_of_value(given), default=text_of(given))
    crashes = shape in CRASHING and not has_fallback(node, name, parents)
    required = crashes or is_key(node, parents) or is_demanded(node, name, tree, parents)
    return Variable(name=name, shape=shape or "text", required=required)


def shape_of_value(value: ast.expr) -> str:
    """Returns the shape of a literal default."""
    match value:
        case ast.Constant(value=bool()):
            return "boolean"
        case ast.Constant(value=int() | float()):
            return "number"
    return "text"


def is_key(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether the read is all of `SECRET_KEY = …`: Django refuses an empty key."""
    above = parents.get(node)
    return isinstance(above, ast.Assign) and any(name_of(each) == "SECRET_KEY" for each in above.targets)


def is_demanded(node: ast.AST, name: str, tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether the code raises an error if the value is absent: `if not X: raise …`, or `assert X`."""
    statement: ast.AST = node
    while statement in parents and not isinstance(statement, ast.stmt):
        statement = parents[statement]
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    names = (name, *(name_of(each) for each in targets if name_of(each)))
    return any(mentions(test, *names) for test in demands_of(tree))


@lru_cache(maxsize=1)
def demands_of(tree: ast.Module) -> tuple[ast.expr, ...]:
    """Returns the tests that raise an error."""
    return tuple(
        each.test
        for each in ast.walk(tree)
        if isinstance(each, ast.Assert)
        or (isinstance(each, ast.If) and any(isinstance(inner, ast.Raise) for inner in walk_all(each.body)))
    )


def of_library(node: ast.expr, parents: dict[ast.AST, ast.AST], readers: Readers) -> Variable | None:
    """Returns the variable of django-environ, environs, decouple or dj_database_url."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dj_database_url"), attr="config")):
            named = {each.arg: text_of(each.value) for each in node.keywords}
            name = named.get("env") or (text_of(node.args[0]) if node.args else "") or "DATABASE_URL"
            return Variable(name=name, shape="database", default=named.get("default", ""))
        case ast.Call(func=ast.Name(id=owner)) if owner in readers.objects:
            return of_object(node, owner, "", parents, readers)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=method)) if owner in readers.objects:
            is_reader = method in METHODS or method in {"get_value", "enum"}
            return of_object(node, owner, method, parents, readers) if is_reader else None
        case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(name))) if owner in readers.objects:
            return Variable(name=name, required=readers.objects[owner] == ENVIRON)
    return None


def of_object(
    node: ast.Call, owner: str, method: str, parents: dict[ast.AST, ast.AST], readers: Readers
) -> Variable | None:
    """Returns the variable that a call of a library's object reads. A name that is no literal is unknown."""
    library = readers.objects[owner]
    name = text_of(node.args[0]) if node.args else ""
    named = {each.arg: each.value for each in node.keywords}
    name = name or text_of(named.get("var")) or ("" if node.args else USUAL.get(method, ""))
    if not name:
        return None
    prefix = readers.prefixes.get(owner, "") + "".join(reversed([*prefixes_above(node, parents)]))
    first_is_cast = library == ENVIRON and method in {"", "list", "tuple", "dict", "get_value"}
    rest = [*node.args[1:]]
    cast = named.get("cast") or named.get("subcast") or (rest.pop(0) if first_is_cast and rest else None)
    if library == DECOUPLE and len(rest) > 1:
        cast = rest[1]
    default = named.get("default", rest[0] if rest else None)
    scheme = readers.schemes.get(name, ("", False))
    shape = METHODS.get(method, "") or shape_of_cast(cast) or scheme[0]
    if library == ENVIRONS and method == "email":
        shape = "email"
    if method in {"list", "tuple"} and shape_of_cast(named.get("subcast") or cast) == "number":
        shape = "numbers"
    is_required = default is None and not scheme[1] and "default" not in named
    around = "" if shape else shape_around(node, parents)
    return Variable(
        name=prefix + name,
        shape=shape or around or (shape_of_value(default) if default is not None else "text"),
        required=is_required and not is_optional(node, name, parents),
        default=text_of(default),
    )


def of_helper(node: ast.expr, parents: dict[ast.AST, ast.AST], readers: Readers) -> Variable | None:
    """Returns the variable that a function of the stack reads for this call."""
    match node:
        case ast.Call(func=function) if name_of(function) in readers.helpers:
            helper = readers.helpers[name_of(function)]
        case _:
            return None
    method = int(isinstance(node.func, ast.Attribute) and helper.index > 0)  # `self` is no argument of the call
    arguments = node.args[helper.index - method :]
    name = text_of(arguments[0]) if arguments else ""
    has_default = len(arguments) > 1 or any(each.arg == "default" for each in node.keywords)
    around = shape_around(node, parents)
    crashes = around in CRASHING and not has_fallback(node, name, parents) and not helper.answers
    return Variable(
        name=helper.prefix + name if name else "",
        shape=helper.shape or around or "text",
        required=(helper.required or crashes) and not has_default and not helper.defaulted,
        default=text_of(arguments[1]) if len(arguments) > 1 else "",
    )
