"""Sites that a program of the machine builds: with it, without it, and what its failures prove."""

from dataclasses import replace

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.machine_sites import GENERATORS, PROGRAMS
from tasks.execution.judgement import judge
from tasks.exits import Exit
from tasks.models import Status
from tasks.settings import Settings
from tasks.stack import Component, Kind, Site
from tasks.steps import Check
from tests.support.factories import make_scene, make_stack

HUGO = Site(generator="hugo", output="public", command=("hugo",), program="hugo")
JEKYLL = replace(HUGO, generator="jekyll", command=("bundle", "exec", "jekyll", "build"), program="jekyll")


def check(site: Site, *programs: str) -> Check:
    component = Component(kind=Kind.SITE, path="docs", name="docs", site=site)
    scene = replace(make_scene(make_stack(component), {}, Settings()), programs=frozenset(programs))
    (found,) = (each for each in make_catalogue(scene).checks if each.name == "site_docs")
    return found


def test_a_machine_with_the_program_builds_the_site_and_checks_its_links() -> None:
    found = check(HUGO, "hugo")
    build, links = found.commands

    assert (build.argv, build.cwd, build.environment, build.label) == (("hugo",), "docs", "", "hugo build")
    assert links.label == "pages and links"
    assert [gap for _, gap in found.requires] == ["the hugo of this machine built docs: no package locks its version"]


@pytest.mark.parametrize(
    ("site", "programs", "says"),
    [
        (HUGO, (), "Hugo builds docs, and predeploy does not install it. This machine has no hugo: install hugo"),
        (JEKYLL, ("jekyll",), "This machine has no bundle: install jekyll and bundler"),
    ],
)
def test_a_machine_without_the_program_skips_the_site(site: Site, programs: tuple[str, ...], says: str) -> None:
    found = check(site, *programs)

    assert found.skip_reason
    assert (found.commands, found.skip_reason.reason_code) == ((), "unsupported")
    assert says in found.skip_reason.reason


@pytest.mark.parametrize(
    ("site", "output", "status"),
    [
        (HUGO, 'ERROR "layouts/a.html:1:1": parse of template failed: unexpected "}" in operand', Status.FAILED),
        (HUGO, 'ERROR "layouts/a.html:1:1": parse failed: function "try" not defined', Status.ERRORED),
        (HUGO, 'WARN Module "theme" is not compatible with this Hugo version\nERROR x', Status.ERRORED),
        (JEKYLL, "Configuration file: /w/_config.yml\n  Liquid Exception: Unknown tag 'x' in a.md", Status.FAILED),
        (JEKYLL, "Could not find gem 'jekyll' in locally installed gems.", Status.ERRORED),
        (JEKYLL, "Configuration file: /w/_config.yml\n  Dependency Error: Yikes!", Status.ERRORED),
    ],
)
def test_a_failure_that_the_version_of_the_machine_may_cause_is_no_verdict(
    site: Site, output: str, status: Status
) -> None:
    build = check(site, *PROGRAMS).commands[0]

    assert judge(build, Exit(code=1, stdout=output), None).status is status


def test_each_generator_names_the_programs_that_it_needs() -> None:
    assert all(each.programs and each.advice for each in GENERATORS.values())
