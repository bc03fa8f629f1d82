"""The size of the text that a coding agent reads."""

from benchmarks.stacks import BenchStack
from benchmarks.ways import NotGreenError

EDITED = "apps/web/menu/views.py"
MISTAKES = {
    "apps/web/menu/views.py": ("on_the_menu()", "on_menu()"),
    "workers/intake/wrangler.jsonc": ('"CLIENTS"', '"CLIENT"'),
    "sites/coffee-shop/src/pages/index.astro": ('"/coffees/"', '"/coffee/"'),
}
"""Mistakes in the sample."""


def text_sizes(bench: BenchStack) -> str:
    """Returns the bytes of the text of a green run of the sample, and of a red one with three mistakes."""
    bench.edit(EDITED)
    green = len(bench.call_ours("--output", "agent").encode())
    for name, (before, after) in MISTAKES.items():
        place = bench.stack / name
        place.write_text(place.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    try:
        red = bench.call_ours("--output", "agent")
    except NotGreenError as error:
        red = error.output
    return f"text for agents: {green} bytes of a green run, {len(red.encode())} bytes of a red one"
