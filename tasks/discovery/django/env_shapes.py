"""Finds the shape that Django code expects of an environment variable: in casts, annotations and the code around."""

import ast
from collections.abc import Iterator, Mapping

Parents = Mapping[ast.AST, ast.AST]

# Methods of django-environ and environs, and names of casts.
METHODS = {
    **dict.fromkeys(("str", "text", "bytes", "unicode"), "text"),
    **dict.fromkeys(("int", "float", "decimal", "Decimal", "timedelta", "PositiveInt", "NonNegativeInt"), "number"),
    **dict.fromkeys(("bool", "strtobool", "to_bool"), "boolean"),
    **dict.fromkeys(("list", "tuple", "set", "Csv", "frozenset", "Sequence", "List", "Tuple", "Set"), "list"),
    **dict.fromkeys(("dict", "Dict", "Mapping"), "dict"),
    **dict.fromkeys(("json", "loads", "Json"), "json"),
    **dict.fromkeys(("url", "urlparse", "urlsplit", "HttpUrl", "AnyUrl", "AnyHttpUrl"), "url"),
    **dict.fromkeys(("db", "db_url", "dj_db_url", "dburl", "PostgresDsn"), "database"),
    **dict.fromkeys(("cache", "cache_url", "dj_cache_url"), "cache"),
    **dict.fromkeys(("email_url", "dj_email_url"), "mailer"),
    **dict.fromkeys(("search", "search_url"), "search"),
    **dict.fromkeys(("channels", "channels_url", "RedisDsn", "from_url"), "redis"),
    **dict.fromkeys(("path", "Path", "PurePath", "join", "FilePath", "DirectoryPath"), "path"),
    **dict.fromkeys(("EmailStr", "NameEmail"), "email"),
    **dict.fromkeys(("uuid", "UUID", "UUID4"), "uuid"),
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "log_level": "log_level",
    "b64decode": "base64",
    "Fernet": "fernet",
}
PARSERS = {
    "dj_database_url": "database",
    "dj_email_url": "mailer",
    "django_cache_url": "cache",
    "dj_search_url": "search",
}
"""Modules with a function `parse`, and the shape of its argument."""
BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n", ""})


def shape_of_cast(cast: ast.expr | None) -> str:
    """Returns the shape for a cast or an annotation, or an empty text."""
    match cast:
        case None:
            return ""
        case ast.Lambda(body=body):
            return shape_of_body(body)
        case ast.BinOp(left=left, right=right):  # `int | None`
            return shape_of_cast(left) or shape_of_cast(right)
        case ast.Subscript(value=value, slice=inner):
            if name_of(value) in {"Optional", "Annotated", "Union"}:
                first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
                return shape_of_cast(first)
            return METHODS.get(name_of(value), "")
        case ast.List(elts=[inner]):  # django-environ: [int]
            return "numbers" if shape_of_cast(inner) == "number" else "list"
        case ast.Constant(value=str(text)):
            return METHODS.get(text.partition("[")[0], "")
        case ast.Attribute(value=ast.Name(id=owner), attr="parse"):
            return PARSERS.get(owner, "")
        case ast.Name(id="parse"):
            return "database"
    return METHODS.get(name_of(cast.func if isinstance(cast, ast.Call) else cast), "")


def shape_of_body(body: ast.expr) -> str:
    """Returns the shape that the functions in a lambda expect."""
    words = {name_of(node) for node in ast.walk(body) if isinstance(node, ast.Attribute | ast.Name)}
    if "split" in words:
        return "numbers" if "int" in words else "list"
    return next((METHODS[each] for each in sorted(words) if each in METHODS), "")


def name_of(node: ast.AST | None) -> str:
    """Returns the last part of a dotted name, or an empty text."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def shape_around(node: ast.expr, parents: Parents) -> str:
    """Returns the shape that the code around an expression expects, or an empty text."""
    for below, above in ascent(node, parents):
        match above:
            case ast.Call(func=function) if function is not below:
                name = name_of(function)
                owner = name_of(function.value) if isinstance(function, ast.Attribute) else ""
                if name == "parse":
                    return PARSERS.get(owner or module_of(function, parents), "")
                if name in METHODS and not (name == "join" and owner != "path"):
                    return METHODS[name]
            case ast.Attribute(attr="split"):
                return "list"
            case ast.Compare() if (words := {each.lower() for each in constants(above)}) and words <= BOOLEANS:
                return "boolean"
            case ast.stmt():
                return ""
    return ""


def module_of(name: ast.expr, parents: Parents) -> str:
    """Returns the module from which the file imports a name, or an empty text."""
    root: ast.AST = name
    while root in parents:
        root = parents[root]
    imports = (each for each in ast.walk(root) if isinstance(each, ast.ImportFrom))
    found = (each.module for each in imports if any(name_of(name) == (a.asname or a.name) for a in each.names))
    return next(found, None) or ""


def choices_around(node: ast.expr, parents: Parents) -> tuple[str, ...]:
    """Returns the texts that the code compares a value with: `== "x"`, `in ("x", "y")`, or the keys of a mapping."""
    for _, above in ascent(node, parents):
        if isinstance(above, ast.Compare):
            return tuple(dict.fromkeys(each for each in constants(above) if each))
        if isinstance(above, ast.Subscript) and isinstance(above.value, ast.Dict):
            return tuple(dict.fromkeys(text_of(key) for key in above.value.keys if text_of(key)))
        if isinstance(above, ast.stmt):
            break
    return ()


def ascent(node: ast.AST, parents: Parents) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yields each node with the one above, up to the first statement."""
    while node in parents:
        yield node, parents[node]
        node = parents[node]
        if isinstance(node, ast.stmt):
            return


def constants(compare: ast.Compare) -> tuple[str, ...]:
    """Returns the texts on the right side of a comparison."""
    found = [compare.left, *compare.comparators]
    flat: list[ast.expr] = []
    for side in found:
        flat += side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
    return tuple(each.value for each in flat if isinstance(each, ast.Constant) and isinstance(each.value, str))


def text_of(node: ast.AST | None) -> str:
    """Returns a literal as a variable would spell it; empty for any other expression and for None."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bool() | int() | float() as value):
            return str(value)
    return ""
