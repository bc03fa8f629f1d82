"""Finds the directories that an image makes, such as one for logs: git keeps no empty directory."""

import posixpath
from collections.abc import Iterator

from tasks.discovery.calls.arguments import is_open
from tasks.discovery.calls.shell import read_script
from tasks.discovery.file_view import is_within, join, relative
from tasks.discovery.image.dockerfile import BuildStage
from tasks.discovery.image.files import Places


def made_directories(stage: BuildStage, script: str, places: Places) -> tuple[str, ...]:
    """Returns the directories of the tree that `mkdir` makes in a stage or in the script that it starts."""
    texts = (*(each.text for each in stage.runs), script)
    found = (_in_tree(path, places) for text in texts for path in _made(text, stage.workdir or "/"))
    return tuple(sorted({path for path in found if path and not path.startswith("..")}))


def _made(text: str, directory: str) -> Iterator[str]:
    for command in read_script(text, directory):
        if command.words[0] == "mkdir":
            plain = (word for word in command.words[1:] if not word.startswith("-") and not is_open(word))
            yield from (posixpath.join(command.directory, word) for word in plain if "{" not in word)


def _in_tree(path: str, places: Places) -> str:
    normal = posixpath.normpath(path)
    return next((join(source, relative(normal, there)) for there, source in places if is_within(normal, there)), "")
