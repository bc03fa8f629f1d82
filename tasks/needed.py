"""A name that a deploy needs: what the catalogue finds, and the check of a deploy's secrets looks for."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A name that a deploy needs, or can use. `by` says who asks for it, `file` and `line` where.

    `example` is the value that the example has: in production it is none.
    """

    name: str
    by: str
    file: str = ""
    line: int | None = None
    optional: bool = False
    example: str = field(default="", repr=False)
