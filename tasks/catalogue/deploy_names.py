"""Which variables a deploy of the stack needs, and whether the stack has the check `deploy_secrets` at all. Pure."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.catalogue.row import CatalogueContext
from tasks.discovery.django.settings_files import settings_files
from tasks.discovery.documents import BrokenDocumentError, Table, parse_dotenv, parse_json, parse_toml, table
from tasks.discovery.file_view import join
from tasks.discovery.worker.worker_env import worker_examples
from tasks.secrets.deploy_check import Needed
from tasks.settings import ComponentSettings, CustomCheck, Settings
from tasks.stack import Component

# What the platform or an image sets, or what is unset in production.
LEFT_OUT = frozenset({"DEBUG", "DJANGO_DEBUG", "DJANGO_SETTINGS_MODULE", "PORT", "HOST", "PYTHONPATH", "NODE_ENV"})
DOPPLER_FILES = ("doppler.yaml", "doppler.yml")
"""What Doppler's command line reads in a directory."""
NOTHING_KNOWN = (
    "no deploy target and no source of secrets is known; --environment NAME names a target, DOPPLER_TOKEN is a source"
)
NO_NAMES = "the stack asks for no variable that a deploy needs"
EXAMPLE_LINE = re.compile(r"(?P<off>#\s*)?(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]*)=")


def needed_names(context: CatalogueContext) -> tuple[Needed, ...]:
    """Every name once, sorted. The settings have the last word on which are required."""
    found: dict[str, Needed] = {}
    for each in (*asked(context), *listed(context)):
        known = found.get(each.name)
        # a name that one of them requires is required, and that one is reported
        if known is None or (known.optional and not each.optional):
            found[each.name] = replace(each, example=each.example or (known.example if known else ""))
    words = context.settings.deploy_secrets
    kept = (each for name, each in sorted(found.items()) if words.get(name) != "unneeded" and name not in LEFT_OUT)
    return tuple(replace(each, optional=words.get(each.name, word_of(each)) == "optional") for each in kept)


def absence(context: CatalogueContext, needed: Sequence[Needed]) -> str:
    """Why `deploy_secrets` is not a check of the stack; empty if it is one.

    A stack that names neither a target nor a source of secrets gets its secrets in a way that predeploy cannot check.
    """
    if context.settings.environment:
        return ""
    if not knows_source(context):
        return NOTHING_KNOWN
    return "" if needed else NO_NAMES


def knows_source(context: CatalogueContext) -> bool:
    """Whether the run, the settings or the tree name a source of secrets, or the settings declare a secret."""
    settings = context.settings
    directories = (".", *(component.path for component in context.stack.components))
    return (
        context.has_token
        or settings.secrets_provider == "doppler"
        or any(name.startswith("doppler_") for name in settings.model_fields_set)
        or any(join(directory, name) in context.paths for directory in directories for name in DOPPLER_FILES)
        or declares_secrets(settings)
    )


def declares_secrets(settings: Settings) -> bool:
    """Whether a component, an image or a check declares a secret, or `deploy_secrets` lists one."""
    declaring: list[ComponentSettings | CustomCheck] = [*settings.component.values(), *settings.check]
    return (
        any(each.secrets or each.optional_secrets for each in declaring)
        or any(each.image.secrets for each in settings.component.values())
        or any(word != "unneeded" for word in settings.deploy_secrets.values())
    )


def word_of(needed: Needed) -> str:
    return "optional" if needed.optional else "required"


def asked(context: CatalogueContext) -> Iterator[Needed]:
    """What the components ask for."""
    for component in context.stack.components:
        if component.worker is not None:
            yield from of_worker(component, context)
        if component.web is not None:
            yield from of_web(component, context)
        configured = context.configured(component)
        required = (*configured.secrets, *configured.image.secrets)
        yield from (Needed(name=name, by=component.path) for name in required)
        yield from (Needed(name=name, by=component.path, optional=True) for name in configured.optional_secrets)


def listed(context: CatalogueContext) -> Iterator[Needed]:
    """What predeploy.toml adds."""
    for name, word in context.settings.deploy_secrets.items():
        if word != "unneeded":
            yield Needed(name=name, by="predeploy.toml", file="predeploy.toml", optional=word == "optional")


def of_worker(component: Component, context: CatalogueContext) -> Iterator[Needed]:
    """Cloudflare's own two names, and those that its examples or its code name and its configuration does not set."""
    assert component.worker is not None
    config = component.worker.config
    document = read_config(config, context)
    yield Needed(name="CLOUDFLARE_API_TOKEN", by=component.path, file=config)
    if "account_id" not in document:
        yield Needed(name="CLOUDFLARE_ACCOUNT_ID", by=component.path, file=config)
    examples = worker_examples(component.path, context.paths.__contains__)
    # a variable of one environment is no secret in another one
    variables = {name for each in (document, *sections(document)) for name in table(each, "vars")}
    listed = [each for path in examples for each in of_example(path, component, context) if each.name not in variables]
    yield from listed
    # the example says which names are optional, the code does not
    unlisted = sorted({*component.worker.reads} - {each.name for each in listed} - variables)
    optional = context.configured(component).optional_secrets
    yield from (Needed(name=name, by=component.path, optional=name in optional) for name in unlisted)


def sections(document: Table) -> Iterator[object]:
    """The sections of a wrangler file for its environments."""
    return iter(table(document, "env").values())


def of_web(component: Component, context: CatalogueContext) -> Iterator[Needed]:
    """The names that its example lists, and those that its settings require."""
    assert component.web is not None
    yield from of_example(component.web.env_example or "", component, context)
    web = component.web
    for path, tree in settings_files(web.directory, web.settings, context.paths.__contains__, context.read):
        yield from of_settings(path, tree, component)


def of_example(path: str, component: Component, context: CatalogueContext) -> Iterator[Needed]:
    """The names of a dotenv example. One that is commented out is optional."""
    if path not in context.paths:
        return
    text = context.read(path)
    values = parse_dotenv(text)
    for number, line in enumerate(text.splitlines(), start=1):
        if match := EXAMPLE_LINE.match(line.strip()):
            name = match["name"]
            off = bool(match["off"])
            example = "" if off else values.get(name, "")
            yield Needed(name=name, by=component.path, file=path, line=number, optional=off, example=example)


def of_settings(path: str, tree: ast.Module, component: Component) -> Iterator[Needed]:
    """Variables that Django's settings read without a default: `os.environ["NAME"]`, `env("NAME")`."""
    for node in ast.walk(tree):
        name = variable_of(node)
        if name and name.isupper():
            line = node.lineno if isinstance(node, ast.expr) else None
            yield Needed(name=name, by=component.path, file=path, line=line)


def variable_of(node: ast.AST) -> str:
    """The variable that an expression reads and requires, or nothing."""
    match node:
        case ast.Subscript(
            value=ast.Attribute(attr="environ") | ast.Name(id="environ"),
            slice=ast.Constant(value=str(name)),
            ctx=ast.Load(),
        ):
            return name
        case ast.Call(
            func=ast.Name(id="env" | "config") | ast.Attribute(value=ast.Name(id="env")),
            args=[ast.Constant(value=str(name))],
            keywords=keywords,
        ) if not any(each.arg in {"default", None} for each in keywords):
            return name
    return ""


def read_config(path: str, context: CatalogueContext) -> Table:
    """A wrangler file; empty if it is broken, which another check reports."""
    if path not in context.paths:
        return {}
    try:
        return (parse_toml if path.endswith(".toml") else parse_json)(context.read(path))
    except BrokenDocumentError:
        return {}
