"""Reads what the code around a variable does if it is absent."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tasks.discovery.django.env_shapes import name_of

Parents = Mapping[ast.AST, ast.AST]


def is_optional(node: ast.AST, name: str, parents: Parents) -> bool:
    """Whether the code around a strict read handles the absence: `try … except`, or `if "X" in os.environ`.

    A branch for the presence of another variable counts too: without that one, the code does not get there.
    """
    below = node
    while below in parents:
        above = parents[below]
        if isinstance(above, ast.Try) and below in above.body and any(map(is_silent, above.handlers)):
            return True
        test = above.test if isinstance(above, ast.If | ast.IfExp) and below is not above.test else None
        if test is not None and (mentions(test, name) or any(map(asks_environ, ast.walk(test)))):
            return True
        below = above
    return False


def asks_environ(node: ast.AST) -> bool:
    """Whether an expression asks if a variable is set: `"X" in os.environ`, or `os.getenv("X")` without a default."""
    if isinstance(node, ast.Compare) and any(isinstance(each, ast.In) for each in node.ops):
        return any(name_of(each) == "environ" for each in node.comparators)
    return isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords and key_of(node) is not None


def has_fallback(node: ast.AST, name: str, parents: Parents) -> bool:
    """Whether the expression is the first part of `x or y`, or below a condition."""
    above = parents.get(node)
    return isinstance(above, ast.BoolOp | ast.IfExp) or is_optional(node, name, parents)


def is_silent(handler: ast.ExceptHandler) -> bool:
    """Whether a handler does not raise an error itself."""
    return not any(isinstance(each, ast.Raise) for each in ast.walk(handler))


def is_in_function(node: ast.AST, parents: Parents) -> bool:
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return True
    return False


def mentions(node: ast.AST, *names: str) -> bool:
    """Whether an expression contains one of the names, as an identifier or as a text."""
    return any(
        (isinstance(each, ast.Name) and each.id in names) or (isinstance(each, ast.Constant) and each.value in names)
        for each in ast.walk(node)
    )


def key_of(node: ast.AST) -> tuple[ast.expr, bool] | None:
    """Returns the key of a read through `os`, and whether an absent variable is an error there."""
    match node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if name_of(value) == "environ":
            return key, True
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key, *_]) if name_of(value) == "environ":
            return key, False
        case ast.Call(func=function, args=[key, *_]) if name_of(function) == "getenv":
            return key, False
    return None


def walk_all(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yields every node of several trees."""
    for node in nodes:
        yield from ast.walk(node)
