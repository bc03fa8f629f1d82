"""Searches a form in a text: every place of it, in time that grows with the text alone."""

Span = tuple[int, int]
FIRST_STEP = 64


def occurrences(form: bytes, data: bytes) -> list[Span]:
    """Where a form stands. Places that overlap by the form's own period are one span."""
    found: list[Span] = []
    period = 0
    place = data.find(form)
    while place >= 0:
        end = place + len(form)
        period = period or period_of(form)
        if period < len(form):
            end += (run_length(data, place, period) - len(form)) // period * period
        found.append((place, end))
        place = data.find(form, end - len(form) + 1)
    return found


def period_of(form: bytes) -> int:
    """The shortest shift that lays the form over itself; its length if there is none."""
    borders = [0]
    border = 0
    for byte in form[1:]:
        while border and byte != form[border]:
            border = borders[border - 1]
        border += byte == form[border]
        borders.append(border)
    return len(form) - border


def run_length(data: bytes, begin: int, period: int) -> int:
    """How many bytes from `begin` on repeat with that period."""
    end, step, grows = begin + period, FIRST_STEP, True
    while step:
        before, after = data[end - period : end - period + step], data[end : end + step]
        if after and before == after:
            end, step = end + step, step * 2 if grows else step
        else:
            step, grows = step // 2, False
    return end - begin


def united(spans: list[Span]) -> list[Span]:
    """Spans in order, those that overlap as one."""
    result: list[Span] = []
    for begin, end in sorted(spans):
        if result and begin < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result
