"""Reading trees: the files of a tree, the errors, and the digests that are cached between runs."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import TreeError, UsageError
from tasks.source import tree as tree_module
from tasks.source.selection import select
from tasks.source.tree import Tree, digest_of, read_tree
from tasks.steps import Inputs

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


def git(directory: Path, *arguments: str) -> str:
    own = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *own, "-C", str(directory), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "stack"
    write(root, web__manage="print()", README="hello", old="x")
    (root / ".gitignore").write_text("ignored\n*.log\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def names(tree: Tree) -> set[str]:
    return set(tree.files)


def test_clean_checkout_is_its_commit(repository: Path) -> None:
    tree = read_tree(repository, None)

    assert names(tree) == {".gitignore", "README", "old", "web/manage"}
    assert tree.commit == git(repository, "rev-parse", "HEAD")
    assert not tree.changed
    assert tree.untracked == ()
    assert tree.digest == digest_of(tree.files)


def test_tree_has_the_files_of_the_working_tree_not_of_the_index(repository: Path) -> None:
    before = read_tree(repository, None)

    (repository / "old").unlink()
    (repository / "README").write_text("other")
    write(repository, new="n", ignored="i", web__a_log="kept")
    (repository / "web" / "x.log").write_text("ignored")
    tree = read_tree(repository, None)

    assert names(tree) == {".gitignore", "README", "new", "web/a_log", "web/manage"}
    assert tree.untracked == ("new", "web/a_log")
    assert tree.changed
    assert tree.files["README"] != before.files["README"]
    assert tree.files["web/manage"] == before.files["web/manage"]


def test_untracked_file_alone_is_a_change(repository: Path) -> None:
    write(repository, new="n")

    assert read_tree(repository, None).changed


def test_mode_is_part_of_the_digest(repository: Path) -> None:
    before = read_tree(repository, None)

    (repository / "README").chmod(0o755)
    after = read_tree(repository, None)

    assert (before.files["README"].mode, after.files["README"].mode) == (0o100644, 0o100755)
    assert before.digest != after.digest


def test_subdirectory_of_a_repository(repository: Path) -> None:
    (repository / "README").write_text("a change elsewhere")
    write(repository, web__new="n", web__sub__file="f")

    tree = read_tree(repository / "web", None)

    assert names(tree) == {"manage", "new", "sub/file"}
    assert tree.untracked == ("new", "sub/file")
    assert tree.commit


def test_change_outside_of_the_subdirectory_is_ignored(repository: Path) -> None:
    (repository / "README").write_text("a change elsewhere")

    assert not read_tree(repository / "web", None).changed


def test_directory_without_a_repository_follows_the_same_rules(tmp_path: Path) -> None:
    write(tmp_path, a="1", sub__b="2", sub__ignored="3")
    (tmp_path / "sub" / ".gitignore").write_text("ignored\n")

    tree = read_tree(tmp_path, None)

    assert names(tree) == {"a", "sub/b", "sub/.gitignore"}
    assert (tree.commit, tree.changed, tree.untracked) == (None, True, ())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "sub"]


def test_directory_ignored_by_its_repository_is_read(repository: Path) -> None:
    write(repository, ignored__stack__a="1")

    tree = read_tree(repository / "ignored" / "stack", None)

    assert names(tree) == {"a"}
    assert tree.commit is None


def test_repository_without_a_commit_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, a="1")

    tree = read_tree(tmp_path, None)

    assert (tree.commit, tree.changed, tree.untracked) == (None, True, ("a",))


def test_directories_of_predeploy_and_git_are_excluded(repository: Path) -> None:
    write(repository, **{".predeploy__runs__x": "1", "web__.predeploy__y": "2"})

    assert not [path for path in names(read_tree(repository, None)) if ".predeploy" in path or ".git/" in path]


@pytest.mark.parametrize("what", ["directory", "link", "submodule"])
@pytest.mark.parametrize("above", ["", "web/"])
def test_reports_that_git_tracks_are_no_part_of_a_stack(repository: Path, above: str, what: str) -> None:
    reports = repository / f"{above}.predeploy"
    if what == "link":
        reports.symlink_to("elsewhere")
    else:
        (reports / "latest").mkdir(parents=True)
        (reports / "latest/report.json").write_text('{"result": "passed"}')
        (reports / "latest/other").write_text("x")
    if what == "submodule":
        git(reports, "init", "-q")
        git(reports, "add", ".")
        git(reports, "commit", "-q", "-m", "x")
    git(repository, "add", "--force", f"{above}.predeploy")
    if what == "directory":  # a tracked report that is deleted here still exists in every clone
        shutil.rmtree(reports)

    with pytest.raises(TreeError) as caught:
        read_tree(repository, None)

    assert str(caught.value) == (
        f"{above}.predeploy: git tracks it, and a committed report may be mistaken for that of a run."
        f" Run `git rm -r --cached {above}.predeploy`, and commit that."
    )


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", "tab\tname", "-dash", "ünicode", b"\xff\xfe".decode("utf-8", "surrogateescape")]
)
def test_unusual_file_names_are_kept(repository: Path, tmp_path: Path, name: str) -> None:
    (repository / name).write_text("tracked")
    git(repository, "add", "--", name)
    (repository / f"{name}2").write_text("untracked")

    for _ in range(2):
        tree = read_tree(repository, tmp_path / "cache")

        assert {name, f"{name}2"} <= names(tree)
        assert tree.untracked == (f"{name}2",)


def test_file_and_directory_can_replace_each_other(repository: Path) -> None:
    (repository / "old").unlink()
    write(repository, old__inner="1")
    shutil.rmtree(repository / "web")
    (repository / "web").write_text("a file now")

    assert names(read_tree(repository, None)) == {".gitignore", "README", "old/inner", "web"}


def test_symlink_can_replace_a_directory(repository: Path) -> None:
    (repository / "web").rename(repository / "moved")
    (repository / "web").symlink_to("moved")

    tree = read_tree(repository, None)

    assert names(tree) == {".gitignore", "README", "old", "moved/manage", "web"}
    assert tree.files["web"].mode == 0o120000


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../outside", "web/../../outside", "loop/../../outside", "../stack/README"]
)
def test_symlink_out_of_the_stack_is_an_error(repository: Path, target: str) -> None:
    (repository / "loop").symlink_to(".")
    (repository / "web" / "..link").symlink_to("../README")
    (repository / "bad").symlink_to(target)

    with pytest.raises(TreeError, match=r"^bad: a symlink to .*, outside of the stack.* Make it a relative link"):
        read_tree(repository, None)


@pytest.mark.parametrize("target", ["README", "web/../README", "nowhere", "web"])
def test_symlink_inside_the_stack_is_a_separate_file(repository: Path, target: str) -> None:
    (repository / "link").symlink_to(target)

    tree = read_tree(repository, None)

    assert (tree.files["link"].mode, tree.files["link"].size) == (0o120000, len(target))


def test_all_lfs_pointers_are_reported_with_and_without_cache(repository: Path, tmp_path: Path) -> None:
    write(repository, one=POINTER, web__two=POINTER, docs=f"A pointer looks like this:\n{POINTER}")
    past = time.time() - 100
    os.utime(repository / "one", (past, past))

    for _ in range(2):
        with pytest.raises(TreeError, match=r"one: it is a Git LFS pointer(.|\n)*web/two: it is a Git LFS") as caught:
            read_tree(repository, tmp_path / "cache")
        assert "docs" not in str(caught.value)


def test_sockets_and_fifos_are_no_files(repository: Path) -> None:
    os.mkfifo(repository / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(repository / "socket"))
        assert names(read_tree(repository, None)) == {".gitignore", "README", "old", "web/manage"}

    (repository / "old").unlink()
    os.mkfifo(repository / "old")
    with pytest.raises(TreeError, match="old: neither a file nor a symlink"):
        read_tree(repository, None)


def test_unreadable_file_is_an_error(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: str) -> tuple[str, int, bytes]:
        if place.endswith("README"):
            raise PermissionError(13, "Permission denied", place)
        return "0" * 64, 1, b""

    monkeypatch.setattr(tree_module, "_read_digest", refuse)

    with pytest.raises(TreeError, match=r"README: cannot be read \(Permission denied\)\. Make it readable"):
        read_tree(repository, None)


@pytest.fixture
def with_submodule(repository: Path, tmp_path: Path) -> Path:
    library = tmp_path / "library"
    write(library, source="lib", deep__file="d")
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-qm", "library")
    git(repository, "submodule", "--quiet", "add", str(library), "vendor/library")
    git(repository, "commit", "-qm", "with a library")
    return repository


def test_files_of_a_submodule_are_in_the_tree(with_submodule: Path) -> None:
    tree = read_tree(with_submodule, None)

    assert {"vendor/library/source", "vendor/library/deep/file"} <= names(tree)
    assert not any("/.git" in path for path in names(tree))
    assert not tree.changed


def test_submodule_at_another_commit_is_a_change(with_submodule: Path) -> None:
    library = with_submodule / "vendor" / "library"
    (library / "source").write_text("newer")
    git(library, "commit", "-qam", "newer")

    assert read_tree(with_submodule, None).changed


def test_submodule_with_edits_is_a_change(with_submodule: Path) -> None:
    write(with_submodule, vendor__library__new="untracked")
    tree = read_tree(with_submodule, None)

    assert tree.changed
    assert tree.untracked == ("vendor/library/new",)


def test_missing_submodule_is_an_error(with_submodule: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(with_submodule), str(tmp_path / "clone"))
    write(tmp_path / "clone", pointer=POINTER)

    with pytest.raises(
        TreeError, match=r"(?s)pointer: it is a Git LFS.*vendor/library: the submodule is not checked out.*--init"
    ):
        read_tree(tmp_path / "clone", None)


@pytest.mark.parametrize("has_checkout", [True, False])
def test_gitlink_that_gitmodules_does_not_name_is_an_error(with_submodule: Path, has_checkout: bool) -> None:
    git(with_submodule, "rm", "-q", "--cached", ".gitmodules")
    (with_submodule / ".gitmodules").write_text('[submodule "other"]\n\tpath = vendor/other\n\turl = /nowhere\n')
    git(with_submodule, "add", ".gitmodules")
    git(with_submodule, "commit", "-qm", "a clone inside, without its declaration")
    if not has_checkout:
        shutil.rmtree(with_submodule / "vendor/library")
        (with_submodule / "vendor/library").mkdir()

    with pytest.raises(
        TreeError, match=r"vendor/library: git records a commit .*\.gitmodules does not name it"
    ) as caught:
        read_tree(with_submodule, None)

    assert "git submodule add URL vendor/library" in str(caught.value)
    assert str(caught.value).count("vendor/library: ") == 1


def test_submodule_is_declared_above_the_stack(with_submodule: Path) -> None:
    tree = read_tree(with_submodule / "vendor", None)

    assert "library/source" in names(tree)


def test_nested_repository_that_is_no_submodule_is_untracked_files(repository: Path) -> None:
    write(repository, inner__file="1")
    git(repository / "inner", "init", "-q")
    git(repository / "inner", "add", ".")

    tree = read_tree(repository, None)

    assert tree.untracked == ("inner/file",)
    assert "inner/file" in tree.files


def test_git_configuration_of_the_user_has_no_effect(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(trap, hooks / "post-index-change")
    for name, value in {
        "core.fsmonitor": trap,
        "core.hooksPath": hooks,
        "filter.x.clean": trap,
        "diff.external": trap,
    }.items():
        git(repository, "config", name, str(value))
    (repository / ".gitattributes").write_text("* filter=x\n")
    (repository / "README").touch()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF"):
        monkeypatch.setenv(name, str(trap))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[broken\n")
    monkeypatch.setenv("HOME", str(home))
    index = (repository / ".git" / "index").read_bytes()

    tree = read_tree(repository, None)

    assert {"README", ".gitattributes"} <= names(tree)
    assert not (tmp_path / "sprung").exists()
    assert (repository / ".git" / "index").read_bytes() == index


def test_global_ignores_of_the_user_apply(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    write(home, ignores="*.swp\n")
    (home / ".gitconfig").write_text("[core]\n\texcludesFile = ~/ignores\n")
    monkeypatch.setenv("HOME", str(home))
    (repository / "x.swp").write_text("")

    assert read_tree(repository, None).untracked == ()


def test_checkout_of_another_user_is_read(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(repository, 12345, 12345)
    os.chown(repository / ".git", 12345, 12345)

    assert read_tree(repository, None).commit


def test_missing_git_is_an_error(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match=r"git was not found on PATH.*Install git"):
        read_tree(repository, None)


def test_broken_repository_is_an_error(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    (repository / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")

    with pytest.raises(TreeError, match="git cannot read the repository"):
        read_tree(repository, None)


def test_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a directory"):
        read_tree(tmp_path / "nowhere", None)


@pytest.fixture
def count_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    read: list[str] = []
    real = tree_module._read_digest

    def counting(place: str) -> tuple[str, int, bytes]:
        read.append(Path(place).name)
        return real(place)

    def take() -> list[str]:
        taken = sorted(read)
        read.clear()
        return taken

    monkeypatch.setattr(tree_module, "_read_digest", counting)
    return take


def test_known_files_are_not_read_again(
    repository: Path, tmp_path: Path, count_reads: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_time = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real_time() + 10_000_000_000)
    cache = tmp_path / "cache"
    first = read_tree(repository, cache)
    count_reads()

    second = read_tree(repository, cache)
    assert count_reads() == []
    assert second == first

    (repository / "README").write_text("hellO")
    third = read_tree(repository, cache)
    assert count_reads() == ["README"]
    assert third.digest != first.digest


def test_digests_of_fresh_files_are_not_reused(
    repository: Path, tmp_path: Path, count_reads: Callable[[], list[str]]
) -> None:
    cache = tmp_path / "cache"
    read_tree(repository, cache)
    count_reads()
    found = (repository / "README").stat()

    (repository / "README").write_text("HELLO")  # an edit with the same size and the same time
    os.utime(repository / "README", ns=(found.st_atime_ns, found.st_mtime_ns))
    tree = read_tree(repository, cache)

    assert "README" in count_reads()
    assert tree.digest == read_tree(repository, None).digest


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1, "stamp": 9, "files": 3}', b"\xff"])
def test_broken_cache_is_ignored(repository: Path, tmp_path: Path, content: bytes) -> None:
    expected = read_tree(repository, tmp_path / "cache")
    (memory,) = (tmp_path / "cache").iterdir()
    memory.write_bytes(content)

    assert read_tree(repository, tmp_path / "cache") == expected


def test_cache_that_cannot_be_written_is_ignored(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert read_tree(repository, tmp_path / "file").files


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (Inputs(), {".gitignore", "README", "old", "web/manage"}),
        (Inputs(include=("web",)), {"web/manage"}),
        (Inputs(include=("./web/", "old")), {"web/manage", "old"}),
        (Inputs(include=("we",)), set()),
        (Inputs(exclude=("web",)), {".gitignore", "README", "old"}),
        (Inputs(include=("web",), exclude=("web/manage",)), set()),
    ],
)
def test_selected_paths_are_returned(repository: Path, inputs: Inputs, expected: set[str]) -> None:
    assert set(select(read_tree(repository, None), inputs)) == expected
