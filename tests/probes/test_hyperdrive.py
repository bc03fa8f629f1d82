"""A Worker that reaches the run's Postgres by Hyperdrive, with a driver of npm, the real wrangler and Miniflare."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engines.conformance.packages import node_packages
from tests.probes.test_bindings import IDS, configure, shop
from tests.probes.test_serve_worker import PACKAGES, Stage, served
from tests.support.benches import Bench, cache_below

__all__ = ["shop"]
pytestmark = [pytest.mark.real, pytest.mark.network]

BODY = """
  const sql = postgres(env.DB.connectionString, { max: 1 });
  await sql`CREATE TABLE menu (name text)`;
  await sql`INSERT INTO menu VALUES (${"tea"})`;
  const [{ name }] = await sql`SELECT name FROM menu`;
  await sql.end();
  return new Response(name);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def driver(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package `postgres`, as an engine installs it."""
    base = tmp_path_factory.mktemp("driver")
    bench = Bench(root=PACKAGES, base=base, cache=cache_below(shared_home))
    async with bench.engine("driver") as engine:
        step = bench.step("sh", "-c", f"cp -RL node_modules/postgres {base}/postgres", environment=node_packages(bench))
        done = await engine.run(step, bench.log)
    assert done.code == 0, done
    return base / "postgres"


def test_a_value_is_stored_in_the_run_s_postgres(shop: Stage, driver: Path, database: str) -> None:
    hyperdrive = {"hyperdrive": [{"binding": "DB", "id": IDS}]}
    configure(shop, {**hyperdrive, "compatibility_flags": ["nodejs_compat"]}, BODY)
    shop.facts.update(flags=["nodejs_compat"], bindings=hyperdrive)
    source = (shop.root / "out/bundle/index.js").read_text()
    (shop.root / "src").mkdir()
    (shop.root / "src/index.js").write_text(f'import postgres from "postgres";\n{source}')
    (shop.root / "node_modules/postgres").symlink_to(driver)
    shutil.rmtree(shop.root / "out/bundle")
    program = shop.root / "node_modules/wrangler/bin/wrangler.js"
    argv = [shop.node, str(program), "deploy", "src/index.js", "--dry-run", "--outdir", "out/bundle"]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "WRANGLER_SEND_METRICS": "false"}
    subprocess.run(argv, cwd=shop.root, env=env, check=True, capture_output=True, timeout=120)

    with served(shop, PREDEPLOY_HYPERDRIVE=database) as lines:
        status, headers, answer = shop.ask()

    assert (status, answer) == (200, "tea"), lines
    assert headers["X-Predeploy"] == "n0nce Miniflare (Hyperdrive)"
