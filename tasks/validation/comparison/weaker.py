"""What makes the checks of a stack find less than before: a function of changed files. Pure."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tasks.comparison import Weakening
from tasks.validation.comparison.changes import FileChange
from tasks.validation.comparison.looser import looser
from tasks.validation.comparison.suppressions import Silenced, changed_marks, defined_tests
from tasks.validation.comparison.tool_settings import is_settings, settings_of

_NAMED = 3


def weakenings(changes: Sequence[FileChange]) -> tuple[Weakening, ...]:
    """Returns everything that got weaker, in the order of files. What only moved to another place does not count."""
    found = [*_new_marks(changes), *_fewer_tests(changes), *_looser_settings(changes)]
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.text)))


def _new_marks(changes: Sequence[FileChange]) -> Iterator[Weakening]:
    """Comments that silence a tool, and skipped tests, that a file has more of than before."""
    marks = {change.path: changed_marks(change.path, change.before or "", change.after or "") for change in changes}
    moved = Counter(each for before, after in marks.values() for each in _excess(before, after))
    for path, (before, after) in marks.items():
        new: dict[tuple[str, str, int], list[Silenced]] = defaultdict(list)
        for each, count in _excess(after, before).items():
            taken = min(count, moved[each])
            moved[each] -= taken
            lines = [one for one in after if (one.key, one.text) == each][taken:count]
            for one in lines:
                new[one.mark.kind, one.mark.name, one.line].append(one)
        groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for (kind, name, line), ones in new.items():
            codes = ", ".join(dict.fromkeys(one.code for one in ones if one.code))
            groups[kind, name, codes].append(line)
        for (kind, name, codes), numbers in groups.items():
            yield Weakening(kind=kind, text=_mark_text(name, codes, len(numbers)), file=path, line=min(numbers))


def _excess(some: Sequence[Silenced], others: Sequence[Silenced]) -> Counter[tuple[tuple[str, str], str]]:
    """The marks that `some` has more of than `others`, by what they silence and their line's text.

    A line that only changed its code keeps its mark, so no more of a kind are counted than there are more of it.
    """
    more = Counter(each.key for each in some) - Counter(each.key for each in others)
    lines = Counter((each.key, each.text) for each in some) - Counter((each.key, each.text) for each in others)
    found: Counter[tuple[tuple[str, str], str]] = Counter()
    for (key, text), count in lines.items():
        taken = min(count, more[key])
        more[key] -= taken
        if taken:
            found[key, text] = taken
    return found


def _mark_text(name: str, codes: str, count: int) -> str:
    shown = name if "`" in name or name.startswith(("a ", "an ")) else f"`{name}{f': {codes}' if codes else ''}`"
    if shown == name and codes:
        shown = f"{name}: `{codes}`"
    return f"new: {shown}" if count == 1 else f"{count} new: {shown}"


def _fewer_tests(changes: Sequence[FileChange]) -> Iterator[Weakening]:
    """Test functions that are gone, if there are fewer of them. One that moved or got another name is not gone."""
    names = {
        change.path: (defined_tests(change.path, change.before or ""), defined_tests(change.path, change.after or ""))
        for change in changes
    }
    if sum(len(before) - len(after) for before, after in names.values()) <= 0:
        return
    appeared = sum((Counter(after) - Counter(before) for before, after in names.values()), Counter[str]())
    for path, (before, after) in names.items():
        gone = Counter(before) - Counter(after)
        moved = gone & appeared
        appeared -= moved
        left = list((gone - moved).elements())
        count = min(len(left), len(before) - len(after) - moved.total())
        if count > 0:
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            what = "1 test less" if count == 1 else f"{count} tests less"
            yield Weakening(kind="fewer_tests", text=f"{what}: {', '.join(left[:_NAMED])}{more}", file=path)


def _looser_settings(changes: Sequence[FileChange]) -> Iterator[Weakening]:
    """Settings of tools. The files of a directory are read as one: a setting may move between them."""
    directories: dict[str, list[FileChange]] = defaultdict(list)
    for change in changes:
        if is_settings(change.path):
            directories[posixpath.dirname(change.path)].append(change)
    for files in directories.values():
        before = {key: value for file in files for key, value in settings_of(file.path, file.before or "").items()}
        after = {key: value for file in files for key, value in settings_of(file.path, file.after or "").items()}
        for kind, key, said in looser(before, after):
            path, line = _place(files, key)
            yield Weakening(kind=kind, text=f"`{key}` {said}", file=path, line=line)


def _place(files: Sequence[FileChange], key: str) -> tuple[str, int]:
    """The file that has the setting, or had it; and its line, if it is still there."""
    for file in files:
        if file.after and key in settings_of(file.path, file.after):
            name = re.escape(key.rpartition(".")[2])
            lines = file.after.split("\n")
            found = (number for number, line in enumerate(lines, 1) if re.match(rf"\s*[\"']?{name}[\"']?\s*[=:]", line))
            return file.path, next(found, 0)
    had = (file.path for file in files if file.before and key in settings_of(file.path, file.before))
    return next(had, files[0].path), 0
