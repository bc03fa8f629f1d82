"""The command that finds what Cloudflare refuses of a deploy, and wrangler's dry run does not."""

import json
import posixpath
from collections.abc import Mapping
from dataclasses import replace

from tasks.discovery.worker.targets import given_by
from tasks.steps import PROBES, PYTHON, Command
from tasks.worker import Worker


def rules_command(worker: Worker, directory: str, plan: str, bundle: str = "") -> Command:
    """Returns the command that reads the wrangler file, or the bundle in a folder and the assets.

    The wrangler file is that of the tree, and what the steps before wrangler have made of it. `directory` is the one in
    which wrangler runs. The command reads the date, so that no result of an earlier day counts.
    """
    deployed = ("--deployed", worker.deploy.config) if worker.deploy.config else ()
    given = given_by(worker.deploy.options)
    replaced = ("--given", json.dumps(given, sort_keys=True)) if given else ()
    environment = ("--environment", worker.environment) if worker.environment else ()
    return Command(
        argv=(
            *(PYTHON, f"{PROBES}/wrangler/refused.py", "--within", directory),
            *("--config", posixpath.relpath(worker.config, directory)),
            *deployed,
            *environment,
            *replaced,
            *("--plan", plan),
            *(("--bundle", bundle) if bundle else ()),
        ),
        label="rules for the bundle" if bundle else "rules for the wrangler file",
        cwd=directory,
        verdicts=((1, "deploy_refused"),),
        unfit=((5, "unfilled_id"),),
        explained=("unfilled_id",),
        parser="probe",
        limit=120,
        volatile=True,
        daily=True,
    )


def entrypoints_command(worker: Worker, directory: str, bundles: Mapping[str, str]) -> Command:
    """Returns the command that finds entrypoints of other Workers which these do not export, by names and bundles."""
    command = rules_command(worker, directory, "paid")
    words = (word for name, folder in bundles.items() for word in ("--bound", name, folder))
    return replace(command, argv=(*command.argv, *words), label="entrypoints of other Workers")
