"""Files of a tree as text."""

from pathlib import Path

import pytest

from tasks.source.tree import read_tree
from tasks.validation.stack_settings import read_text
from tests.support.validate import commit


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_has_no_mark_of_its_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "requirements.txt").write_bytes("django==5.2\r\ngünicorn\n".encode(encoding))
    commit(tmp_path)

    assert read_text(read_tree(tmp_path, tmp_path.parent), "requirements.txt") == "django==5.2\ngünicorn\n"
