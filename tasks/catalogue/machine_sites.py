"""Sites of Hugo, Zola and Jekyll that a program of the machine builds, because no package locks the generator."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tasks.catalogue.row import CatalogueContext
from tasks.models import SkipReason
from tasks.reason_codes import ReasonCode
from tasks.stack import Component, Site
from tasks.steps import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGenerator:
    """A site generator. It needs all `programs`. The output of a failure that is the stack's matches `proves`."""

    title: str
    programs: tuple[str, ...]
    proves: str
    advice: str


# What another version of Hugo or Go than production's may cause.
_HUGO = (
    r"function \"[^\"\n]+\" not defined|not compatible with this Hugo|not available in your current Hugo"
    r"|in type hugolib|(?:was|is) deprecated|has been removed|unknown (?:flag|command)|can't evaluate field"
    r"|binary with name \"go\""
)
# Bundler fails before Jekyll if a gem is not installed, and plugins and themes after it.
_GEMS = r"Dependency Error|theme could not be found|Gem::|LoadError|Bundler::"
GENERATORS: Mapping[str, MachineGenerator] = {
    "hugo": MachineGenerator(
        title="Hugo",
        programs=("hugo",),
        proves=rf"(?s)\A(?!.*(?:{_HUGO}))",
        advice="install hugo, or add the npm package hugo-bin to a package.json there",
    ),
    "zola": MachineGenerator(
        title="Zola", programs=("zola",), proves=r"(?s)\A(?!.*unknown field)", advice="install zola"
    ),
    "jekyll": MachineGenerator(
        title="Jekyll",
        programs=("bundle", "jekyll"),
        proves=rf"(?s)\A(?!.*(?:{_GEMS})).*Configuration file: ",
        advice="install jekyll and bundler, and the gems with `bundle install`",
    ),
}
PROGRAMS = frozenset(program for each in GENERATORS.values() for program in each.programs)


def by_machine(build: Command, program: str) -> Command:
    """Returns a build whose failure is no verdict if the version or the packages of the machine may be its cause."""
    unfit = tuple((code, ReasonCode.UNSUPPORTED) for code in range(1, 128))
    return replace(build, proves=GENERATORS[program].proves, unfit=unfit, explained=(ReasonCode.UNSUPPORTED,))


def machine_gaps(site: Site, label: str) -> tuple[str, ...]:
    """Returns the gap of a build with a version that no file locks."""
    return (f"the {site.program} of this machine built {label}: no package locks its version",) if site.program else ()


def without_program(component: Component, context: CatalogueContext) -> SkipReason | None:
    """Returns why a site is not built on a machine without its generator."""
    site = component.site
    if site is None or not site.program:
        return None
    generator = GENERATORS[site.program]
    missing = [each for each in generator.programs if each not in context.programs]
    if not missing:
        return None
    what = f"{generator.title} builds {component.label}, and predeploy does not install it"
    reason = f"{what}. This machine has no {' and no '.join(missing)}: {generator.advice}"
    return SkipReason(reason_code=ReasonCode.UNSUPPORTED, reason=reason)
