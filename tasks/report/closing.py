"""The text for people below the verdict: reasons, warnings, deliveries, what to fix first, what to run next."""

from collections.abc import Iterator

from tasks.models import Outcome, Report
from tasks.report.compared import compared_blocks
from tasks.report.facts import cached_line, gap_texts, image_lines, untracked_line
from tasks.report.folding import COMMAND
from tasks.report.inspection import production_lines
from tasks.report.layout import cells, clean_line, fold, hang, shorten
from tasks.report.ranking import Fix, affected, numbers, rank_fixes, red_checks
from tasks.report.style import Style

_WHOLE = 5  # the causes in more than one line
_LINES = 5  # for one fix


def closing(report: Report, style: Style) -> Iterator[list[str]]:
    """The blocks below the box. The most important one is the last, because a terminal shows the end."""
    verdict = report.verdict
    if verdict.outcome is Outcome.ERRORED and verdict.gaps:
        yield [*hang(style.spell(f"No verdict: {clean_line(verdict.reason)}:"), "", style.width), *_gaps(report, style)]
    elif said := [line for line in (clean_line(verdict.reason), numbers(report)) if line]:
        yield [line for text in said for line in hang(style.spell(text), "", style.width)]
    if report.warnings:
        warnings = (hang(style.spell(clean_line(text)), "  ! ", style.width) for text in report.warnings)
        yield ["Warnings:", *(line for lines in warnings for line in lines)]
    yield from _compared(report, style)
    if taken := [*production_lines(report.production)]:
        lines = (hang(style.spell(text), "  ", style.width) for text in taken)
        yield ["Taken as production's:", *(line for each in lines for line in each)]
    if handed := image_lines(report):
        yield [line for text in handed for line in hang(style.spell(clean_line(text)), "", style.width)]
    if cached := cached_line(report):
        yield hang(style.spell(cached), "", style.width)
    if untracked := untracked_line(report):
        yield hang(style.spell(untracked), "", style.width)
    yield from _fix_first(report, style)
    if report.rerun and verdict.outcome is not Outcome.PASSED:
        title = "Run the red checks again:" if red_checks(report) else "Run the other checks:"
        yield [title, *_command(style.spell(clean_line(report.rerun)), style)]
    if verdict.outcome is Outcome.PASSED:
        yield ["Ready to deploy!"] if verdict.ready else _partial(report, style)


def _compared(report: Report, style: Style) -> Iterator[list[str]]:
    """What is different from before, and where the gate got weaker."""
    for title, texts in compared_blocks(report):
        lead = "  ! " if title else ""
        lines = [line for text in texts for line in hang(style.spell(text), lead, style.width)]
        yield [*(hang(style.spell(title), "", style.width) if title else []), *lines]


def _partial(report: Report, style: Style) -> list[str]:
    """One reason in the line itself, several below it."""
    gaps = gap_texts(report)
    if len(gaps) == 1:
        return hang(style.spell(f"PASSED (partial: {gaps[0]})"), "", style.width)
    head = f"PASSED (partial: {len(gaps)} reasons why the proof is not full):"
    return [*hang(head, "", style.width), *_gaps(report, style)]


def _gaps(report: Report, style: Style) -> list[str]:
    """A line for each reason why the proof is not full."""
    return [line for gap in gap_texts(report) for line in hang(style.spell(gap), "  - ", style.width)]


def _fix_first(report: Report, style: Style) -> Iterator[list[str]]:
    fixes, more = rank_fixes(report)
    if not fixes:
        return
    lines = [style.paint(style.bold, "Fix first:")]
    for number, fix in enumerate(fixes, 1):
        lead = f"  {number}. "
        width = style.width - cells(lead)
        first, *rest = _fix(fix, width, style) if number <= _WHOLE else [_short(fix, width, style)]
        lines += [lead + first, *(" " * cells(lead) + line for line in rest)]
    if more:
        lines.append(f"  and {more} more")
    yield lines


def _short(fix: Fix, width: int, style: Style) -> str:
    """One line: the place and the beginning of the text. An advice is never cut."""
    head = clean_line(fix.text)
    text = style.spell(f"{clean_line(fix.location)}  {head}" if fix.location else head)
    return text if fix.is_advice or COMMAND.search(head) else shorten(text, width, style.spell("…"))


def _fix(fix: Fix, width: int, style: Style) -> list[str]:
    """A few lines at most, the checks at their end. A path, a command or an advice is never cut."""
    where = style.spell(f" ({affected(fix)})")
    head = clean_line(fix.text)
    text = style.spell(f"{clean_line(fix.location)}  {head}" if fix.location else head)
    lines = fold(text + where, width)
    if len(lines) <= _LINES or fix.is_advice or COMMAND.search(head):
        return lines
    first, *rest = fold(text, width)
    if 2 * cells(where) > width:
        second = [shorten(" ".join(rest), width, style.spell("…"))] if rest else []
        return [first, *second, *fold(where.strip(), width)]
    return [first, shorten(" ".join(rest), width - cells(where), style.spell("…")) + where]


def _command(command: str, style: Style) -> list[str]:
    """The command on as few lines as fit, ready to paste: it is broken before options, with a backslash."""
    lines: list[str] = []
    for part in command.replace(" --", "\n--").split("\n"):
        if lines and cells(lines[-1]) + cells(part) + 3 <= style.width:
            lines[-1] += f" {part}"
        else:
            lines.append(f"  {'  ' * bool(lines)}{part}")
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
