"""Archives of packages, as registries have them."""

import io
import tarfile
from collections.abc import Mapping


def packed(files: Mapping[str, str], root: str, mode: int = 0o644) -> bytes:
    """Returns a .tar.gz with the files below the directory `root`."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size, member.mode = len(text.encode()), mode
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()
