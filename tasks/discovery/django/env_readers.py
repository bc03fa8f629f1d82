"""Finds what reads environment variables in Django code: objects of libraries, and the stack's own functions."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tasks.discovery.django.env_context import is_optional, key_of, mentions, walk_all
from tasks.discovery.django.env_shapes import METHODS, name_of, shape_of_cast, text_of

ENVIRON, ENVIRONS, DECOUPLE = "environ", "environs", "decouple"
MAKERS = {"Env": "", "FileAwareEnv": ENVIRON, "AutoConfig": DECOUPLE, "Config": DECOUPLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A function of the stack that reads the variable in its parameter at `index`. `prefix` comes before its name.

    `required`: without a default the function raises an error. `defaulted`: a parameter with a default is next to it.
    `answers`: the read inside has a default of its own, so an absent variable never gives None.
    """

    index: int
    prefix: str = ""
    required: bool = False
    defaulted: bool = False
    answers: bool = False
    shape: str = ""


@dataclass(slots=True, kw_only=True)
class Readers:
    """The names of objects and functions that read variables.

    `schemes` has the shapes of `environ.Env(NAME=(bool, False))`, with whether there is a default. `prefixes` are
    those of objects (`env.prefix = "APP_"`).
    """

    objects: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, Helper] = field(default_factory=dict)
    schemes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)


def find_readers(trees: Iterable[ast.Module]) -> Readers:
    """Returns what reads variables in these files. A name means the same in each of them."""
    readers = Readers()
    for tree in trees:
        nodes = [*ast.walk(tree)]
        modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        for node in nodes:
            match node:
                case ast.ImportFrom(module="decouple", names=names):
                    readers.objects |= {each.asname or each.name: DECOUPLE for each in names if each.name == "config"}
                case ast.ImportFrom(module="environs", names=names):
                    readers.objects |= {each.asname or each.name: ENVIRONS for each in names if each.name == "env"}
                case (
                    ast.Assign(targets=[target], value=ast.Call() as call)
                    | ast.AnnAssign(target=target, value=ast.Call() as call)
                ):
                    take_object(readers, target, call, modules)
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=owner), attr="prefix")], value=value):
                    readers.prefixes[owner] = text_of(value)
                case ast.FunctionDef():
                    if (helper := helper_of(node)) is not None:
                        readers.helpers[node.name] = helper
    return readers


def take_object(readers: Readers, target: ast.expr, call: ast.Call, modules: set[str]) -> None:
    """Adds an object of a library, such as `env = environ.Env(DEBUG=(bool, False))`."""
    maker, known = name_of(call.func), modules & {ENVIRON, ENVIRONS, DECOUPLE}
    if maker not in MAKERS or not known or not name_of(target):
        return
    library = MAKERS[maker] or (ENVIRON if ENVIRON in known else ENVIRONS)
    if library not in known:
        return
    readers.objects[name_of(target)] = library
    for keyword in call.keywords if library == ENVIRON else ():
        if keyword.arg:
            value = keyword.value
            has_default = isinstance(value, ast.Tuple) and len(value.elts) > 1
            cast = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
            readers.schemes[keyword.arg] = (shape_of_cast(cast), has_default)


def helper_of(function: ast.FunctionDef) -> Helper | None:
    """Returns the helper, if the function reads the variable that one of its parameters names."""
    names = [each.arg for each in function.args.args]
    if not names:
        return None
    for node in ast.walk(function):
        read = key_of(node)
        if read is None:
            continue
        key, is_strict = read
        prefix, parameter = prefixed_name(key)
        if parameter not in names:
            continue
        index = names.index(parameter)
        parents = {child: each for each in ast.walk(function) for child in ast.iter_child_nodes(each)}
        shape = shape_of_helper(function)
        return Helper(
            index=index,
            prefix=prefix,
            required=not is_optional(node, parameter, parents) and not returns_early(function, parameter)
            if is_strict
            else is_demanded_in(function, node),
            defaulted=len(function.args.defaults) >= len(names) - index and not is_missing(function.args.defaults),
            answers=not is_strict and has_answer(node, shape, names),
            shape=shape,
        )
    return None


def has_answer(node: ast.AST, shape: str, parameters: Iterable[str]) -> bool:
    """Whether a read has a default of its own that its cast accepts. An empty text is a list or a path, no number."""
    match default_of(node):
        case None:
            return False
        case ast.Constant(value=value):
            return value is not None and (value != "" or shape in {"", "text", "list", "path"})
        case ast.Name(id=name):
            return name not in parameters
    return True


def is_missing(defaults: Iterable[ast.expr]) -> bool:
    """Whether the first default means that there is none: None or a name such as NOTSET."""
    first = next(iter(defaults), None)
    return not isinstance(first, ast.Constant) or first.value is None


def switches_of(function: ast.FunctionDef) -> set[str]:
    """Returns the parameters whose default is False, such as `required`."""
    arguments = function.args
    pairs = [*zip(reversed(arguments.args), reversed(arguments.defaults), strict=False)]
    named = [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return {each.arg for each, default in named if isinstance(default, ast.Constant) and default.value is False}


def returns_early(function: ast.FunctionDef, parameter: str) -> bool:
    """Whether the function returns for an absent variable: `if name not in os.environ: return default`."""
    return any(
        isinstance(each, ast.If) and mentions(each.test, parameter) and isinstance(each.body[-1], ast.Return)
        for each in ast.walk(function)
    )


def is_demanded_in(function: ast.FunctionDef, node: ast.AST) -> bool:
    """Whether the function raises an error for the read value, such as None."""
    names = {
        name_of(each.targets[0] if isinstance(each, ast.Assign) else each.target)
        for each in ast.walk(function)
        if isinstance(each, ast.Assign | ast.AnnAssign | ast.NamedExpr) and each.value is not None
        if node in ast.walk(each.value)
    }
    if isinstance(function.body[-1], ast.Raise):  # after `if value: return value`
        return True
    tests = (each for each in ast.walk(function) if isinstance(each, ast.If))
    switches = switches_of(function)
    return any(
        {name_of(word) for word in ast.walk(each.test)} & names
        and not {name_of(word) for word in ast.walk(each.test)} & switches
        and any(isinstance(line, ast.Raise) for line in walk_all(each.body))
        for each in tests
    )


def shape_of_helper(function: ast.FunctionDef) -> str:
    """Returns the shape of the values that a function returns, from its annotation or name."""
    annotated = shape_of_cast(function.returns)
    words = function.name.lower().replace("env", "_").replace("_from_", "_").split("_")
    return annotated or next((METHODS[each] for each in words if each in METHODS), "")


def prefixed_name(key: ast.expr) -> tuple[str, str]:
    """Returns prefix and parameter of a key such as `name` or `f"APP_{name}"`."""
    match key:
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), ast.FormattedValue(value=ast.Name(id=name))]):
            return prefix, name
        case ast.BinOp(left=ast.Constant(value=str(prefix)), op=ast.Add(), right=ast.Name(id=name)):
            return prefix, name
        case ast.Name(id=name):
            return "", name
    return "", ""


def default_of(node: ast.AST) -> ast.expr | None:
    """Returns the default of `.get(name, default)`."""
    assert isinstance(node, ast.Call)
    named = [each.value for each in node.keywords if each.arg == "default"]
    return next(iter([*node.args[1:2], *named]), None)


def prefixes_above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Yields the prefixes of `with env.prefixed("APP_"):` around a node, the outermost last."""
    while node in parents:
        node = parents[node]
        for item in node.items if isinstance(node, ast.With) else ():
            match item.context_expr:
                case ast.Call(func=ast.Attribute(attr="prefixed"), args=[prefix]):
                    yield text_of(prefix)
