"""Finds which variables become the parts of a database in Django's DATABASES."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tasks.discovery.django.env_shapes import name_of, text_of
from tasks.variable import Variable

ROLES = ("ENGINE", "HOST", "PORT", "NAME", "USER", "PASSWORD")
DEPTH = 3
"""How many assignments are followed from a name to its value."""

Read = tuple[ast.expr, Variable]


def with_roles(tree: ast.Module, reads: Iterable[Read]) -> Iterator[Read]:
    """Yields the reads, with the role of those whose value becomes a part of a database."""
    assigned = {
        name_of(target): node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assigned |= {node.target.id: node.value for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)}
    roles: dict[ast.AST, tuple[str, bool]] = {}
    for role, value in database_parts(tree):
        for node in inner_nodes(value, assigned, DEPTH):
            roles.setdefault(node, (role, is_bare(value)))
    for node, variable in reads:
        role, bare = roles.get(node, ("", False))
        yield node, replace(variable, role=role, bare=bare) if role else variable


def database_parts(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yields the role and the value of each part of a database: in a table with ENGINE, or by assignment."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                yield from parts_of(zip(map(text_of, keys), values, strict=True))
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                yield from parts_of((each.arg or "", each.value) for each in keywords)
            case ast.Assign(targets=[ast.Subscript(value=inner, slice=key)], value=value):
                is_database = any(re.search("database|db", name_of(each), re.IGNORECASE) for each in ast.walk(inner))
                if is_database and text_of(key) in ROLES:
                    yield text_of(key), value


def parts_of(pairs: Iterable[tuple[str, ast.expr]]) -> Iterator[tuple[str, ast.expr]]:
    """Yields the parts of a table, if it is that of a database."""
    found = [(name, value) for name, value in pairs if name in ROLES]
    names = {name for name, _ in found}
    if "ENGINE" in names or {"HOST", "NAME", "USER"} <= names:
        yield from found


def inner_nodes(value: ast.expr, assigned: dict[str, ast.expr], depth: int) -> Iterator[ast.AST]:
    """Yields the nodes of an expression, and those of the values of its names."""
    for node in ast.walk(value):
        yield node
        if isinstance(node, ast.Name) and depth and node.id in assigned:
            yield from inner_nodes(assigned[node.id], assigned, depth - 1)


def is_bare(value: ast.expr) -> bool:
    """Whether the value adds a prefix such as `django.db.backends.` to the variable."""
    return isinstance(value, ast.JoinedStr | ast.BinOp)
