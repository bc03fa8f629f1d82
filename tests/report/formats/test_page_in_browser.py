"""The page of a report in Chromium: no error, no request, and no violation that axe finds."""

import html
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tasks.report.formats.page import render_page
from tests.report.formats.test_page import SOURCES
from tests.report.hostile import everything

AXE = "axe-core@4.14.1"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
AUDIT = """
axe.run(document, { resultTypes: ["violations"] }).then((found) => {
  const result = document.createElement("pre");
  result.id = "audit";
  result.textContent = JSON.stringify(found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]));
  document.body.append(result);
});
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(not BROWSER or not shutil.which("npm"), reason="Chromium and npm are needed"),
]


def browse(page: Path, *flags: str) -> tuple[str, str]:
    """What the page has become, and what Chromium logged."""
    profile = f"--user-data-dir={page.parent / 'profile'}"
    fixed = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", profile]
    command = [str(BROWSER), *fixed, "--virtual-time-budget=8000", *flags, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", AXE, "--silent"], cwd=place, check=True, capture_output=True, timeout=180)
    (archive,) = place.glob("*.tgz")
    with tarfile.open(archive) as opened:
        member = opened.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


@pytest.mark.parametrize("width", [400, 820, 1400])
@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_axe_finds_no_violation(axe: str, width: int, scheme: int, tmp_path: Path) -> None:
    text = re.sub("<meta http-equiv[^>]+>", "", render_page(everything(), SOURCES))
    assert axe.count("</script") == 0
    page = tmp_path / "report.html"
    page.write_text(text.replace("</body>", f"<script>{axe}</script><script>{AUDIT}</script></body>"))

    dom, _ = browse(page, f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},1200")

    found = re.search('<pre id="audit">(.*?)</pre>', dom, re.DOTALL)
    assert found, "axe did not end"
    assert json.loads(html.unescape(found[1])) == []


def test_page_logs_no_error_and_runs_its_script(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(everything(), SOURCES))

    dom, log = browse(page)

    assert "CONSOLE" not in log, log
    assert '<html lang="en" class="scripted">' in dom
