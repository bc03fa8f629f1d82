"""The scope of a run: the stack's tree, its components, and the plan. Read once, before any engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.catalogue import NAMES, Catalogue, CatalogueContext, make_catalogue
from tasks.catalogue.build_env import thrown_names
from tasks.catalogue.django.environment import filled_names
from tasks.catalogue.row import NOT_ASKED
from tasks.diagnostics import PARSERS
from tasks.engines import package_credentials
from tasks.errors import SettingsError, UsageError
from tasks.exports.files import Handover, plan_handovers
from tasks.exports.images import Delivery, plan_deliveries
from tasks.files import PROBE_LOCK, WRANGLER_LOCK
from tasks.models import SkipReason
from tasks.planning.inspection import production_facts
from tasks.planning.lowering import Lowering
from tasks.planning.narrowing import narrow
from tasks.planning.nothing import seen_instead
from tasks.planning.plan import Plan, make_plan, spec_key
from tasks.prefect_server.start import is_ci
from tasks.production import ProductionFacts
from tasks.report.parts import part
from tasks.secrets import ProviderContext, Secrets, choose_provider, declared, take_secrets
from tasks.secrets.doppler.token import Token
from tasks.secrets.provider import WithOwn
from tasks.settings import FILE, Settings, load_settings
from tasks.settings.models import MYSQL_VARIABLE
from tasks.source.base import Base, read_base
from tasks.source.places import existing
from tasks.source.tree import Tree, read_tree
from tasks.stack import Kind, Stack
from tasks.validation.gate import reject_less, require_commit
from tasks.validation.stack_settings import (
    installed_generators,
    make_context,
    read_settings,
    reject_environment,
    reject_mysql,
)
from tasks.version import VERSION

Deployed = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything that is known before the first step runs. `base` is the deployed tree, with its stack.

    `home` is the stack's directory as the caller named it: reports lie in it. The tree may be a clone of it elsewhere.
    `deployed` is the commit of the base, and its description.
    """

    home: Path
    settings: Settings
    tree: Tree
    stack: Stack
    catalogue: Catalogue
    plan: Plan
    base: tuple[Tree, Stack] | None = None
    deployed: Deployed | None = None
    production: tuple[ProductionFacts, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    handovers: tuple[Handover, ...] = ()
    built: Path | None = None

    @property
    def images(self) -> dict[str, str]:
        """The base images that are not the usual ones: a compose file's Postgres with extensions, and the settings'."""
        images = [each.web.postgres_image for each in self.stack.components if each.web and each.web.postgres_image]
        composed = {"postgres": images[0]} if images else {}
        return composed | {str(name): image for name, image in self.settings.images.items()}

    @property
    def lowering(self) -> Lowering:
        """Converts the plan's checks to steps."""
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        base = make_lowering(*self.base, day) if self.base else None
        return replace(make_lowering(self.tree, self.stack, day), base=base)


def keys_of(scope: Scope) -> dict[str, str]:
    """Returns the key of each check: of its specification, the files and the base."""
    files = f"{scope.tree.digest} {scope.base[0].digest if scope.base else ''}"
    return {check.id: spec_key(check, files, VERSION) for check in scope.plan.checks}


def make_lowering(tree: Tree, stack: Stack, day: str) -> Lowering:
    """Converts the checks of one tree to steps."""

    def digest(path: str) -> str:
        return tree.files[path].digest if path in tree.files else ""

    locks = [path.read_text(encoding="utf-8") for path in (PROBE_LOCK, WRANGLER_LOCK)]
    return Lowering(stack=stack, digest=digest, day=day, probe_lock=locks[0], wrangler_lock=locks[1])


def provider_context(scope: Scope, environ: Mapping[str, str], token: Token | None, data: Path) -> ProviderContext:
    """Returns what the choice of a provider depends on. A gate, a deploy and CI use no copy of secrets."""
    settings = scope.settings
    is_private = not settings.gate and not settings.environment and not is_ci(environ)
    return ProviderContext(
        environ=environ,
        root=scope.home,
        tree=scope.tree.files,
        token=token,
        copies=data / "snapshots" if is_private else None,
    )


def read_secrets(scope: Scope, environ: Mapping[str, str], token: Token | None, data: Path) -> Secrets:
    """Returns the secrets that the plan's checks declare. Raises SecretsError before anything has begun."""
    provider = choose_provider(scope.settings, provider_context(scope, environ, token, data))
    if scope.settings.mysql_url is not None:
        provider = WithOwn(provider, {MYSQL_VARIABLE: scope.settings.mysql_url.get_secret_value()})
    optional, masked = scope.settings.optional_secrets, dict(package_credentials.values(environ))
    return take_secrets(scope.plan.checks, provider, optional=optional, token=token, masked=masked)


def with_secrets(scope: Scope, secrets: Secrets) -> Scope:
    """Returns the scope with a gap in the proof of each check that gets outdated secrets."""
    if not secrets.stale:
        return scope
    requires = ("fresh secrets", "secrets were a copy from an earlier run, not Doppler's own")
    stale = {check for ids in declared(scope.plan.checks).values() for check in ids}
    checks = (
        replace(each, requires=(*each.requires, requires)) if each.id in stale else each for each in scope.plan.checks
    )
    return replace(scope, plan=replace(scope.plan, checks=tuple(checks)))


def read_scope(
    stack: Path,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    cache: Path,
    *,
    settings: Settings | None = None,
    home: Path | None = None,
    policy: Path | None = None,
    deployed: Deployed | None = None,
    has_token: bool = False,
    words: tuple[str, ...] = (),
) -> Scope:
    """Reads settings unless they are given, tree, components, catalogue and plan. Raises UsageError if one is missing.

    `words` choose tests of the only check. `policy` is the directory of the `predeploy.toml` that applies; by default
    the stack's own. `deployed` is the base if it is known already. `has_token`: the run has a token for Doppler.
    """
    root = existing(stack)
    if settings is None and policy is not None:  # a directory with nothing but its predeploy.toml
        settings = load_settings(policy, flags, environ, reserved=NAMES, parsers=PARSERS)
    settings = settings or read_settings(root, flags, environ)
    reject_mysql(settings)
    reject_environment(settings)
    with part("tree"):
        tree = read_tree(root, cache / "digests")
    if settings.gate:
        reject_less(settings)
        require_commit(tree)
    generators = installed_generators(settings, environ)
    with part("discovery"):
        context = replace(make_context(tree, settings), has_token=has_token, programs=generators)
    base: Base | SkipReason = NOT_ASKED
    if settings.base or context.stack.of(Kind.WEB):
        with part("base"):
            base = read_base(tree, settings.base, cache / "bases", deployed)
            context = replace(context, base=base_context(base, settings, environ))
    with part("plan"):
        scope = scope_of(context, tree, base, settings, words)
        return with_handovers(with_deliveries(replace(scope, home=home or root)))


def scope_of(
    context: CatalogueContext, tree: Tree, base: Base | SkipReason, settings: Settings, words: tuple[str, ...]
) -> Scope:
    """Plans the checks of a stack that was read. Raises UsageError if the selection is empty."""
    catalogue = make_catalogue(context)
    plan = make_plan(
        catalogue,
        stages=settings.stages,
        only=settings.only,
        skip=settings.skip,
        seen="" if context.stack.components else seen_instead(context),
    )
    return Scope(
        home=tree.root,
        settings=settings,
        tree=tree,
        stack=with_notes(context.stack, context),
        catalogue=catalogue,
        production=production_facts(context),
        plan=narrow(plan, settings.only, words, tree.files) if words else plan,
        base=(base.tree, context.base.stack)
        if isinstance(base, Base) and isinstance(context.base, CatalogueContext)
        else None,
        deployed=(base.commit, base.what) if isinstance(base, Base) else None,
    )


def base_context(
    base: Base | SkipReason, settings: Settings, environ: Mapping[str, str]
) -> CatalogueContext | SkipReason:
    """Returns the context of the base, by its own predeploy.toml, or the current settings if it has none."""
    if isinstance(base, SkipReason):
        return base
    if FILE in base.tree.files:
        try:
            settings = load_settings(base.tree.root, {}, environ, reserved=NAMES, parsers=PARSERS, is_deployed=True)
        except SettingsError as error:
            reason = f"no upgrade was tried: in {base.title} the configuration is wrong: {error.problems[0]}"
            return SkipReason(reason_code="base_broken", reason=reason)
    return make_context(base.tree, settings, base.title)


def with_deliveries(scope: Scope) -> Scope:
    """Returns the scope with the deliveries of its images. They need a container engine, which it then requires."""
    settings = scope.settings
    deliveries = plan_deliveries(
        scope.plan, scope.lowering, Path.cwd(), export=settings.export_image, publish=settings.publish
    )
    if deliveries and settings.engine == "local":
        raise UsageError("--export-image and --publish need images, which the local engine does not build.")
    engine = "dagger" if deliveries else settings.engine
    return replace(scope, deliveries=deliveries, settings=settings.model_copy(update={"engine": engine}))


def with_handovers(scope: Scope) -> Scope:
    """Returns the scope with the exports of bundles and pages."""
    if not scope.settings.export_built:
        return scope
    target = Path.cwd() / scope.settings.export_built
    return replace(scope, handovers=plan_handovers(scope.plan, scope.lowering, target), built=target)


def with_notes(stack: Stack, context: CatalogueContext) -> Stack:
    """The stack with a warning for variables that this run filled with values of its own: production needs them too."""
    notes = []
    for component in stack.components:
        if found := filled_names(component, context) | thrown_names(component, context):
            count = len({name for names in found.values() for name in names})
            parts = [f"{', '.join(names)} ({path or 'throwaway values'})" for path, names in found.items()]
            needed = "production needs this variable" if count == 1 else f"production needs these {count} variables"
            them = "it" if count == 1 else "them"
            notes.append(f"{component.label}: {needed}, and this run set {them}: {'; '.join(parts)}")
    return replace(stack, warnings=(*stack.warnings, *notes))
