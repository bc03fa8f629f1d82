"""Reads the variables of pydantic-settings classes in syntax trees."""

import ast
from collections.abc import Iterator

from tasks.discovery.django.env_shapes import name_of, shape_of_cast, text_of
from tasks.variable import Variable

BASES = frozenset({"BaseSettings"})
DEPTH = 4


def read_models(tree: ast.Module) -> Iterator[Variable]:
    """Yields the variables of every settings class. A field without a default is required."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in classes.values():
        if is_settings(node, classes):
            prefix, delimiter = config_of(node, classes)
            for field in fields_of(node, classes):
                yield from of_field(field, prefix, delimiter, classes, DEPTH)


def is_settings(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a class inherits from BaseSettings, directly or not."""
    names = {name_of(base) for base in node.bases}
    inherited = (classes[name] for name in names if name in classes and name != node.name)
    return bool(names & BASES) or any(is_settings(each, classes) for each in inherited)


def fields_of(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.AnnAssign]:
    """Yields the fields of a class and of those that it inherits from."""
    for base in node.bases:
        if name_of(base) in classes and name_of(base) != node.name:
            yield from fields_of(classes[name_of(base)], classes)
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and name_of(each.target) != "model_config":
            yield each


def config_of(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> tuple[str, str]:
    """Returns `env_prefix` and `env_nested_delimiter` of a class, its own or inherited."""
    found: dict[str, str] = {}
    for base in node.bases:
        if name_of(base) in classes and name_of(base) != node.name:
            found["env_prefix"], found["env_nested_delimiter"] = config_of(classes[name_of(base)], classes)
    for each in node.body:
        match each:
            case ast.Assign(targets=[ast.Name(id="model_config")], value=ast.Call(keywords=keywords)):
                found |= {word.arg: text_of(word.value) for word in keywords if word.arg}
            case ast.Assign(targets=[ast.Name(id="model_config")], value=ast.Dict(keys=keys, values=values)):
                found |= {text_of(key): text_of(value) for key, value in zip(keys, values, strict=True)}
            case ast.ClassDef(name="Config", body=body):
                lines = (line for line in body if isinstance(line, ast.Assign))
                found |= {name_of(line.targets[0]): text_of(line.value) for line in lines}
    return found.get("env_prefix", ""), found.get("env_nested_delimiter", "")


def of_field(
    field: ast.AnnAssign, prefix: str, delimiter: str, classes: dict[str, ast.ClassDef], depth: int
) -> Iterator[Variable]:
    """Yields the variable of a field. With a delimiter the fields of a nested model have variables of their own."""
    name, alias, default = facts_of(field)
    full = alias or f"{prefix}{name}".upper()
    nested = classes.get(name_of(field.annotation))
    model = nested if nested is not None and any(isinstance(each, ast.AnnAssign) for each in nested.body) else None
    is_required = default is None
    if model is not None and delimiter and depth:
        for inner in fields_of(model, classes) if is_required else ():
            yield from of_field(inner, f"{full}{delimiter}", delimiter, classes, depth - 1)
        return
    yield Variable(
        name=full,
        shape="json" if model is not None else json_shape(field.annotation),
        required=is_required and (model is None or needs_fields(model, classes)),
        default=text_of(default),
        choices=choices_of(field.annotation, classes),
        line=field.lineno,
    )


def facts_of(field: ast.AnnAssign) -> tuple[str, str, ast.expr | None]:
    """Returns a field's name, its alias, and its default."""
    match field.value:
        case ast.Call(func=function, args=arguments, keywords=keywords) if name_of(function) == "Field":
            named = {each.arg: each.value for each in keywords}
            alias = alias_of(named.get("validation_alias")) or alias_of(named.get("alias"))
            default = named.get("default") or named.get("default_factory") or (arguments[0] if arguments else None)
            is_missing = isinstance(default, ast.Constant) and default.value is Ellipsis
            return name_of(field.target), alias, None if is_missing else default
        case ast.Constant(value=value) if value is Ellipsis:
            return name_of(field.target), "", None
    return name_of(field.target), "", field.value


def alias_of(value: ast.expr | None) -> str:
    """Returns an alias: a text, or the first of AliasChoices."""
    if isinstance(value, ast.Call) and value.args:
        return text_of(value.args[0])
    return text_of(value)


def needs_fields(model: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a nested model has a field without a default."""
    return any(facts_of(each)[2] is None for each in fields_of(model, classes))


def json_shape(annotation: ast.expr) -> str:
    """Returns the shape of a field's text. Lists and dictionaries are JSON in pydantic-settings."""
    shape = shape_of_cast(annotation) or "text"
    is_number = isinstance(annotation, ast.Subscript) and shape_of_cast(annotation.slice) == "number"
    return {"list": "json_numbers" if is_number else "json_list", "dict": "json"}.get(shape, shape)


def choices_of(annotation: ast.expr, classes: dict[str, ast.ClassDef]) -> tuple[str, ...]:
    """Returns the values that a Literal or an enumeration allows."""
    if isinstance(annotation, ast.Subscript) and name_of(annotation.value) == "Literal":
        inner = annotation.slice
        return tuple(map(text_of, inner.elts if isinstance(inner, ast.Tuple) else [inner]))
    enum = classes.get(name_of(annotation))
    if enum is not None and any("Enum" in name_of(base) for base in enum.bases):
        return tuple(text_of(each.value) for each in enum.body if isinstance(each, ast.Assign))
    return ()
