"""The row that builds a Worker: its steps, wrangler's options, and what it does not cover."""

import json
from dataclasses import replace
from typing import Any

from tasks.catalogue import CatalogueContext, make_catalogue
from tasks.production import Sourced
from tasks.settings import Settings
from tasks.stack import Component, Site
from tasks.steps import OUT, Check, Command
from tasks.worker import Deploy, DeployStep, LostBinding
from tests.support.factories import make_node_project, make_scene, make_stack, make_worker

PLACE = Sourced(file="package.json", line=7)
BUILD = DeployStep(
    text="npm run build", argv=("npm", "run", "build"), directory="workers/intake", env=(("A", "step"), ("B", "step"))
)
DEPLOY = Deploy(steps=(BUILD,), directory="workers/intake")
DRY_RUN = ("wrangler", "deploy", "--dry-run", "--outdir", f"{OUT}/bundle")


def checks(worker: Component, **settings: Any) -> dict[str, Check]:
    context: CatalogueContext = make_scene(make_stack(worker), {}, Settings.model_validate({"jobs": 1, **settings}))
    return {check.name: check for check in make_catalogue(context).checks}


def commands(worker: Component, **settings: Any) -> tuple[Command, ...]:
    """The commands without those for Cloudflare's rules."""
    found = checks(worker, **settings)["worker_container"].commands
    return tuple(command for command in found if not command.label.startswith("rules for"))


def test_the_steps_run_before_wrangler_with_their_variables() -> None:
    settings = {"component": {"workers/intake": {"env": {"B": "configured"}}}}

    build, bundle = commands(make_worker(deploy=DEPLOY), **settings)

    assert (build.argv, bundle.argv) == (("npm", "run", "build"), DRY_RUN)
    assert (build.cwd, build.env) == ("workers/intake", (("A", "step"), ("B", "configured")))
    assert dict(build.verdicts)[1] == "build_failed"


def test_a_configured_build_replaces_the_steps() -> None:
    settings = {"component": {"workers/intake": {"build": "build:edge"}}}

    assert commands(make_worker(deploy=DEPLOY), **settings)[0].argv == ("pnpm", "run", "build:edge")


def test_wrangler_gets_the_target_as_the_stack_names_it() -> None:
    deploy = Deploy(environment="production", is_named=True, config="w.toml", options=("--minify",), directory="ops")
    bundle = commands(make_worker(deploy=deploy, environment="production"))[-1]

    assert bundle.argv == (*DRY_RUN, "--env=production", "--config=w.toml", "--minify")
    assert bundle.cwd == "ops"


def test_a_target_of_the_build_alone_is_no_option() -> None:
    deploy = replace(DEPLOY, environment="production", env=(("CLOUDFLARE_ENV", "production"),))
    bundle = commands(make_worker(deploy=deploy, environment="production"))[-1]

    assert (bundle.argv, bundle.env) == (DRY_RUN, (("CLOUDFLARE_ENV", "production"),))


def test_a_section_that_predeploy_chose_is_an_option() -> None:
    assert commands(make_worker(environment="production"))[-1].argv == (*DRY_RUN, "--env=production")


CONFIG = '[vars]\nAPI = "x"\n\n[[env.production.routes]]\npattern = "cafe.example"\n'
DB = LostBinding(name="DB", section="d1_databases", file="workers/intake/src/app.ts", line=3)
API = LostBinding(name="API", section="vars", file="workers/intake/src/app.ts", line=5)


def findings(worker: Component, config: str, **settings: Any) -> list[dict[str, Any]]:
    scene = make_scene(make_stack(worker), {"workers/intake/wrangler.toml": config}, Settings.model_validate(settings))
    found = next(each for each in make_catalogue(scene).checks if each.name == "worker_container").commands[-1]
    assert found.verdicts == ((1, "missing_binding"),)
    return list(json.loads(dict(found.env)["PREDEPLOY_FINDINGS"]))


def test_a_lost_binding_is_a_finding_at_the_line_of_its_target() -> None:
    binding, variable = findings(make_worker(lost=(DB, API), environment="production"), CONFIG)

    assert (
        (binding["file"], binding["line"])
        == (variable["file"], variable["line"])
        == ("workers/intake/wrangler.toml", 4)
    )
    assert "src/app.ts:3 reads the binding DB, but env.production of workers/intake/wrangler.toml" in binding["message"]
    assert "src/app.ts:5 reads the variable API" in variable["message"]
    assert "lacks it in vars. Sections do not inherit variables: add it there" in variable["message"]


def test_a_lost_binding_is_a_finding_at_its_read_without_a_line_of_its_target() -> None:
    for worker in (make_worker(lost=(DB,)), make_worker(lost=(DB,), environment="staging")):
        (finding,) = findings(worker, CONFIG)

        assert (finding["file"], finding["line"]) == ("workers/intake/src/app.ts", 3)


def test_a_lost_variable_that_predeploy_toml_names_is_no_finding() -> None:
    worker = make_worker(lost=(DB, API), environment="production")
    settings = {"component": {"workers/intake": {"secrets": ["API"]}}}

    assert [each["message"].partition(",")[0][-10:] for each in findings(worker, CONFIG, **settings)] == ["binding DB"]


def test_what_is_left_out_makes_a_pass_partial() -> None:
    left_out = tuple(DeployStep(text=text, argv=(text,), found=PLACE) for text in ("vitest run", "node setup.js"))
    worker = make_worker(deploy=Deploy(left_out=left_out, directory="workers/intake"))

    # vitest has a check of its own
    assert [gap for _, gap in checks(worker)["worker_container"].requires] == [
        "`node setup.js` runs before the deploy of workers/intake (package.json:7), and did not run here"
    ]


def test_a_worker_with_pages_is_built_once() -> None:
    node = make_node_project("workers/intake", dependencies={"astro": "^5", "wrangler": "^4"})
    worker = make_worker(node=node, deploy=DEPLOY, is_built=True, tsconfig=None, main="dist/_worker.js/index.js")
    both = replace(worker, site=Site(generator="astro", output="dist", script="build", server=True))

    site = checks(both)["site_intake"]

    assert [each.argv[0] for each in commands(both)] == ["npm", "wrangler"]
    assert (site.needs, site.workspace_of) == (
        ("worker_container[workers/intake]",),
        "worker_container[workers/intake]",
    )
    assert [each.label for each in site.commands] == ["pages and links"]
    assert {"--pageless", "--deployed"} <= {*site.commands[0].argv}


def test_a_worker_in_python_is_bundled_and_not_started() -> None:
    found = checks(make_worker(main="src/entry.py", crons=("0 * * * *",)))

    assert [name for name in found if name.startswith("worker_")] == ["worker_container"]
    assert [gap for _, gap in found["worker_container"].requires] == [
        "workers/intake is a Worker in Python: predeploy bundles it, and does not start it"
    ]
