"""How a stack deploys its Workers: the steps before wrangler, wrangler's options, and the target."""

import json

import pytest

from tests.discovery.trees import package, worker

WRANGLER = {"wrangler.jsonc": '{"name": "w", "main": "src/index.ts"}', "src/index.ts": ""}
BUILT = {"wrangler.jsonc": '{"name": "w", "main": "dist/index.js"}'}
TARGETS = {
    "wrangler.jsonc": json.dumps(
        {"name": "w", "main": "src/index.ts", "env": {"production": {}, "staging": {}, "preview": {}}}
    ),
    "src/index.ts": "",
}
Files = dict[str, str]


def scripts(**named: str) -> Files:
    return {"package.json": package(name="w", scripts={name.replace("_", ":"): line for name, line in named.items()})}


def steps(files: Files) -> list[tuple[str, ...]]:
    return [step.argv for step in worker(files).deploy.steps]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("wrangler deploy", []),
        ("npm run build && wrangler deploy", [("npm", "run", "build")]),
        ("pnpm build && npx wrangler@4 deploy", [("npm", "run", "build")]),
        ("$npm_execpath run build && wrangler deploy", [("npm", "run", "build")]),
        ("run-s build upload", [("npm", "run", "build")]),
        ("vite build && doppler run -- wrangler deploy", [("vite", "build")]),
        ("NODE_ENV=production npx vite build; wrangler publish", [("vite", "build")]),
        (
            "rm -rf dist/* && vite build > log && wrangler deploy",
            [("sh", "-c", "rm -rf dist/*"), ("sh", "-c", "vite build > log")],
        ),
        ("cp a b || true && wrangler deploy", [("sh", "-c", "cp a b || true")]),
        ("(cd web && vite build) && wrangler deploy", [("sh", "-c", "(cd web && vite build)")]),
        ("opennextjs-cloudflare build && opennextjs-cloudflare deploy", [("opennextjs-cloudflare", "build")]),
        ("npm ci && set -e && echo go && node scripts/build.mjs && wrangler deploy", [("node", "scripts/build.mjs")]),
    ],
)
def test_what_runs_before_wrangler(line: str, expected: list[tuple[str, ...]]) -> None:
    manifest = scripts(deploy=line, build="tsc -b && vite build", upload="wrangler deploy")

    assert steps(WRANGLER | manifest) == expected


def test_a_script_with_the_prefix_pre_runs_before() -> None:
    assert steps(WRANGLER | scripts(deploy="wrangler deploy", predeploy="vite build")) == [("vite", "build")]


@pytest.mark.parametrize(
    ("text", "is_step"),
    [
        ('import { writeFileSync } from "node:fs"; writeFileSync("src/routes.ts", "");', True),
        ('await fs.writeFile("id", await (await fetch("https://x.example")).text());', False),
        ('execSync("wrangler kv key put"); fs.writeFileSync("x", "");', False),
        ("console.log(1);", False),
        ("", False),
    ],
)
def test_a_program_of_the_stack_that_only_writes_files_runs_before(text: str, is_step: bool) -> None:
    manifest = scripts(deploy="tsx tools/gen.mjs && wrangler deploy")

    assert bool(steps(WRANGLER | manifest | {"tools/gen.mjs": text})) is is_step


@pytest.mark.parametrize(
    "line",
    [
        "wrangler d1 migrations apply DB --remote",
        "git push",
        "node scripts/setup.js",
        "tsx scripts/deploy-tenants.ts",
        "vitest run",
        "npm run lint",
    ],
)
def test_commands_that_reach_other_systems_or_only_test_are_left_out(line: str) -> None:
    found = worker(WRANGLER | scripts(deploy=f"{line} && wrangler deploy", lint="eslint .")).deploy

    assert found.steps == ()
    assert [(step.text, step.found.place) for step in found.left_out] == [
        ("eslint ." if line == "npm run lint" else line, "package.json:1")
    ]


@pytest.mark.parametrize("option", ["--prefix", "-C", "--cwd"])
def test_a_build_with_packages_of_its_own_runs_in_its_directory(option: str) -> None:
    web = {"web/package.json": package(name="web", scripts={"build": "vite build"}), "web/package-lock.json": "{}"}
    line = f"npm {option} web ci && npm {option} web run build && wrangler deploy"

    found = worker(WRANGLER | web | scripts(deploy=line)).deploy

    assert [(step.argv, step.directory) for step in found.steps] == [(("npm", "run", "build"), "web")]
    assert found.left_out == ()


def test_a_build_in_a_member_of_the_workspace_runs() -> None:
    member = {"web/package.json": package(name="web", scripts={"build": "vite build"})}
    manifest = package(
        name="w", scripts={"deploy": "npm --prefix web run build && wrangler deploy"}, workspaces=["web"]
    )

    assert steps(WRANGLER | member | {"package.json": manifest, "package-lock.json": "{}"}) == [("npm", "run", "build")]


def test_a_build_that_also_lints_runs_whole() -> None:
    manifest = scripts(deploy="npm run build && wrangler deploy", build="eslint . && vite build")

    assert steps(WRANGLER | manifest) == [("npm", "run", "build")]


@pytest.mark.parametrize(
    "manifest",
    [
        scripts(build="vite build", deploy="wrangler deploy"),
        scripts(build="vite build"),
        scripts(build="vite build", wrap="cp a dist/b", deploy="npm run build && npm run wrap && wrangler deploy"),
    ],
)
def test_a_worker_that_a_build_makes_is_built_first(manifest: Files) -> None:
    found = worker(BUILT | manifest)

    assert found.is_built
    assert found.deploy.steps[0].argv == ("npm", "run", "build")
    assert found.deploy.implied == ("wrap" not in manifest["package.json"])


def test_the_output_of_open_next_is_built_by_its_own_command() -> None:
    files = {"wrangler.jsonc": '{"name": "w", "main": ".open-next/worker.js"}'} | scripts(build="next build")

    assert steps(files) == [("opennextjs-cloudflare", "build")]


def test_a_plugin_bundles_the_worker() -> None:
    manifest = {
        "package.json": package(scripts={"build": "vite build"}, devDependencies={"@cloudflare/vite-plugin": "1"})
    }

    found = worker(WRANGLER | manifest)

    assert (found.is_built, steps(WRANGLER | manifest)) == (True, [("npm", "run", "build")])


def test_a_worker_with_its_own_source_needs_no_build() -> None:
    assert steps(WRANGLER | scripts(build="vite build", deploy="wrangler deploy")) == []


@pytest.mark.parametrize(
    ("line", "environment", "options"),
    [
        ("wrangler deploy", "", ()),
        ("wrangler deploy --env production --minify", "production", ("--minify",)),
        ("wrangler deploy -e=staging --var A:1 B:2 --upload-source-maps", "staging", ("--var", "A:1", "B:2")),
        ("wrangler --env production deploy src/other.ts", "production", ("src/other.ts",)),
        ("CLOUDFLARE_ENV=production vite build && wrangler deploy", "production", ()),
        ("wrangler versions upload --env production --tag x", "production", ()),
    ],
)
def test_the_options_of_wrangler(line: str, environment: str, options: tuple[str, ...]) -> None:
    found = worker(TARGETS | scripts(deploy=line))

    assert (found.environment, found.deploy.options) == (environment, options)


@pytest.mark.parametrize(
    "line", ["wrangler deploy --dry-run", "wrangler pages deploy dist", "wrangler dev", "wrangler deploy -c other.toml"]
)
def test_other_commands_are_no_deploy(line: str) -> None:
    files = WRANGLER | {"other.toml": ""} | scripts(deploy=f"vite build && {line}")

    assert (worker(files).deploy.steps, worker(files).deploy.found.place) == ((), "")


def test_production_is_preferred_to_other_targets() -> None:
    manifest = scripts(
        deploy_staging="wrangler deploy --env staging", deploy_production="wrangler deploy -e production"
    )

    assert worker(TARGETS | manifest).environment == "production"


def test_a_deploy_in_ci_is_preferred_to_a_script() -> None:
    workflow = """
on: { push: { branches: [main] } }
jobs:
  deploy:
    env: { PUBLIC_URL: "https://x.example", TOKEN: "${{ secrets.TOKEN }}" }
    steps:
      - run: npm ci
      - run: npm test
      - run: npm run build
      - uses: cloudflare/wrangler-action@v3
        with: { command: "deploy --env production" }
"""
    files = TARGETS | scripts(deploy="wrangler deploy --env staging", build="vite build", test="vitest")

    found = worker(files | {".github/workflows/deploy.yml": workflow}).deploy

    assert (found.environment, found.found.place) == ("production", ".github/workflows/deploy.yml:10")
    assert [(step.argv, step.env) for step in found.steps] == [
        (("npm", "run", "build"), (("PUBLIC_URL", "https://x.example"),))
    ]
    assert [step.text for step in found.left_out] == ["vitest"]


@pytest.mark.parametrize(
    "workflow",
    [
        "on: pull_request\njobs: { a: { steps: [{ run: wrangler deploy --env preview }] } }",
        'on: push\njobs: { a: { steps: [{ run: "wrangler deploy --env ${{ matrix.target }}" }] } }',
        'on: push\njobs: { a: { steps: [{ run: "if x; then\\nwrangler deploy --env preview\\nfi" }] } }',
    ],
)
def test_a_job_that_is_not_plain_is_no_source(workflow: str) -> None:
    files = TARGETS | scripts(deploy="wrangler deploy -e staging") | {".github/workflows/a.yml": workflow}

    assert worker(files).environment == "staging"


def test_a_deploy_in_a_makefile() -> None:
    makefile = "deploy: build\n\tcd w && npx wrangler deploy --env production\nbuild:\n\tcd w && npm run build\n"
    inner = {f"w/{path}": text for path, text in (TARGETS | scripts(build="vite build")).items()}

    found = worker(inner | {"Makefile": makefile}).deploy

    assert (found.environment, found.directory) == ("production", "w")
    assert [(step.argv, step.directory) for step in found.steps] == [(("npm", "run", "build"), "w")]
