"""Makes the pictures of the documents: a red report in a terminal and as a page, and a run in Prefect's UI.

Run it in a checkout, with Chromium on the PATH: `./just pictures`. It validates copies of the sample, with a home and a
Prefect server of its own, and overwrites the files in `docs/images/`.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LARGEST = 200_000
"""Bytes of a picture: pages with larger ones load slowly."""
WIDTH = 80
MARGINS, ROW = 36, 20.25
"""Pixels above and below the text of PAGE, and of one of its lines."""
MODELS = Path("apps/web/inbox/models.py")
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 18px 22px; background: {background}; color: {foreground}; }}
pre {{ margin: 0; font: 15px/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; }}
{stylesheet}</style><pre>{code}</pre>"""


def find_browser() -> str:
    """The path of Chromium. Ends the program where none is installed."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    sys.exit("pictures: no Chromium was found. Install it, for example: apt-get install chromium")


def take_picture(
    browser: str, url: str, image: Path, *, width: int, height: int, settle: int, entrance: str = ""
) -> None:
    """Saves a screenshot. `settle` is the time that the page has to fetch its data, in milliseconds.

    `entrance` is a page to open before, in the same profile of the browser: its cookie gives access to the other one.
    """
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", f"--user-data-dir={profile}"]
        if entrance:
            subprocess.run([browser, *flags, "--dump-dom", entrance], check=True, capture_output=True, timeout=180)
        window = [f"--window-size={width},{height}", f"--virtual-time-budget={settle}", f"--screenshot={image}"]
        subprocess.run([browser, *flags, *window, url], check=True, capture_output=True, timeout=180)
    if image.stat().st_size > LARGEST:
        sys.exit(
            f"pictures: {image.name} has {image.stat().st_size} bytes, more than {LARGEST}. Make the window smaller."
        )
    print(f"{image.relative_to(ROOT)}  {image.stat().st_size} bytes")


def copy_sample(stack: Path) -> None:
    """The sample as a repository of its own, with two commits: the first is the deployed one."""
    shutil.copytree(ROOT / "examples/cafe", stack, ignore=shutil.ignore_patterns(".predeploy", "node_modules", "dist"))
    author = ["-c", "user.name=A Developer", "-c", "user.email=developer@example.com"]
    commit = [*author, "commit", "-q", "--allow-empty", "-m"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*commit, "Open the shop"], [*commit, "Say hello"]):
        subprocess.run(["git", *words], cwd=stack, check=True)


def validate(stack: Path, environ: Mapping[str, str], *flags: str) -> str:
    """What the command prints for a person at a terminal with colours."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "flows.predeploy",
        stack.name,
        "--engine",
        "local",
        "--output",
        "human",
        *flags,
    ]
    done = subprocess.run(command, cwd=stack.parent, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(f"pictures: the run gave no verdict:\n{done.stdout}{done.stderr}")
    return done.stdout


def find_entrance(environ: Mapping[str, str]) -> str:
    """The link that gives a browser access to the user's Prefect server."""
    command = [sys.executable, "-P", "-m", "flows.predeploy", "ui"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    (link,) = re.findall(r"http://\S+", done.stdout)
    return str(link)


def as_page(output: str) -> str:
    """A terminal's output as an HTML page."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
    console.print(Text.from_ansi(output.rstrip()), soft_wrap=True)
    return console.export_html(theme=MONOKAI, code_format=PAGE, inline_styles=False)


def picture_of_a_red_report(browser: str, stack: Path, environ: Mapping[str, str]) -> None:
    """Two letters are swapped in a model, and three checks are asked for."""
    model = stack / MODELS
    model.write_text(model.read_text().replace("handled=", "handeld=", 1))
    output = validate(stack, environ, "--only", "mypy", "--only", "pytest", "--only", "migrations_missing")
    page = stack.parent / "red.html"
    page.write_text(as_page(output), encoding="utf-8")
    lines = Text.from_ansi(output.rstrip()).plain.splitlines()
    rows = sum(max(1, math.ceil(len(line) / WIDTH)) for line in lines)
    height = math.ceil(MARGINS + ROW * rows)
    take_picture(browser, page.as_uri(), IMAGES / "red-report.png", width=820, height=height, settle=1000)


def picture_of_a_page(browser: str, stack: Path) -> None:
    """The page of the newest report."""
    page = stack / ".predeploy/latest/report.html"
    take_picture(browser, page.as_uri(), IMAGES / "report-page.png", width=1000, height=1250, settle=1000)


def picture_of_a_run(browser: str, stack: Path, environ: Mapping[str, str]) -> None:
    """A whole run, as Prefect's UI shows it."""
    validate(stack, environ)
    report = json.loads((stack / ".predeploy/latest/report.json").read_text())
    url = report["run"]["url"] or sys.exit(f"pictures: Prefect has no record: {report['run']['unrecorded']}")
    entrance = find_entrance(environ)
    take_picture(browser, url, IMAGES / "prefect-run.png", width=1280, height=860, settle=20_000, entrance=entrance)


def main() -> None:
    """All pictures."""
    browser = find_browser()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        stack = Path(place) / "cafe"
        copy_sample(stack)
        home = {"XDG_DATA_HOME": f"{place}/data", "PREDEPLOY_SERVER_IDLE_SECONDS": "60"}
        plain = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "CLAUDECODE"}}
        colours = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        environ = plain | home | colours | {"PREDEPLOY_CALLED_AS": "predeploy"}
        picture_of_a_run(browser, stack, environ)
        picture_of_a_red_report(browser, stack, environ)
        picture_of_a_page(browser, stack)


if __name__ == "__main__":
    main()
