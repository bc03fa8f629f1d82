"""Attacks by the disk: the cache, the stack, the data or the temporary files of a run have only a few MB."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.attacks.attack import Attack
from tests.attacks.scene import PATIENCE, Scene, last_line, scene_below

SIZES = ("64k", "512k", "2m", "8m", "60m")
PLACES = ("cache", "data", "stack", "temp")
FILLS = "head -c 100000000 /dev/zero > filling; echo {place}; exit 0"
"""A check that fills its own disk, and passes whether it could or not."""


def disk_attacks(place: Path) -> Iterator[Attack]:
    """Small disks of each size for each place. They need the right to mount a file system."""
    if not can_mount(place / "probe"):
        return
    for where in PLACES:
        for size in SIZES:
            survives = partial(run_on_small_disk, place / f"d{where}{size}", where, size)
            yield Attack(category="small disks", name=f"{where} {size}", survives=survives)


def can_mount(place: Path) -> bool:
    """Whether this process may mount a small disk."""
    try:
        with small_disk(place, "64k"):
            return True
    except OSError:
        return False


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """Mounts a file system in memory for the block. Raises OSError if that is forbidden."""
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def run_on_small_disk(place: Path, where: str, size: str) -> None:
    """Runs on a small disk. The end is a pass, or an error that names the disk. With more space, a run passes."""
    with scene_below(place) as scene:
        home = scene.caller.home
        mounted = {
            "cache": home / ".cache",
            "data": home / ".local/share",
            "stack": scene.stack.root / ".predeploy",
            "temp": scene.temp,
        }[where]
        scene.stack.has("words", "echo words > words; grep -q words words; touch $1/quick")
        scene.stack.has("fills", FILLS.format(place=where), needs="words")
        before = scene.stack.content()
        with small_disk(mounted, size):
            assert_right_end(scene, mounted)
            fill(mounted)
            assert_right_end(scene, mounted)
        scene.caller.run(scene.stack.root, limit=PATIENCE).assert_ended(0, "PASSED")
        scene.assert_nothing_left()
        scene.assert_whole()
        assert scene.stack.content() == before


def fill(place: Path) -> None:
    """Leaves no byte free on a disk."""
    with suppress(OSError), (place / "full").open("wb") as file:
        while True:
            file.write(b"\0" * 65536)
            file.flush()


def assert_right_end(scene: Scene, mounted: Path) -> None:
    """A pass, or exit code 3 and a text with the disk. No traceback, and nothing half-written."""
    ended = scene.caller.run(scene.stack.root, limit=PATIENCE)
    last = last_line(ended)
    assert ended.code in {0, 3}, ended.transcript
    assert int(last["exit"]) == ended.code, ended.transcript
    assert "Traceback" not in ended.stdout + ended.stderr, ended.transcript
    if ended.code == 3:
        text = (ended.stdout + ended.stderr).lower()
        assert "no space left" in text or "the disk of" in text, ended.transcript
    scene.assert_no_process(ended)
    assert scene.stack.hidden == [], scene.stack.hidden
    if os.path.ismount(mounted):
        scene.assert_whole()
