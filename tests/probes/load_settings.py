"""Loads many settings modules in one process, as the processes of a run do, and prints what happened as JSON lines.

load_settings.py CASES     a JSON list of {"root": DIRECTORY, "module": NAME, "env": VARIABLES}
"""

import json
import os
import sys
from pathlib import Path

import django.conf
import predeploy_settings


def main() -> None:
    plain, modules, path = dict(os.environ), set(sys.modules), list(sys.path)
    said: list[dict[str, object]] = []
    predeploy_settings.say = lambda kind, **facts: said.append({"kind": kind, **facts})
    for case in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        os.environ.clear()
        os.environ.update({**plain, **case["env"]})
        sys.path[:] = [case["root"], *path]
        os.chdir(case["root"])
        error, databases = "", {}
        said.clear()
        try:
            settings = django.conf.Settings(case["module"])
            databases = settings.DATABASES
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
        document = {"error": error, "said": list(said), "databases": databases}
        sys.stdout.write(json.dumps(document, default=str) + "\n")
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(case["root"]):
                del sys.modules[name]


if __name__ == "__main__":
    main()
