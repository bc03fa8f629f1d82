"""An environment variable that the code of a stack reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable that Django code reads.

    `shape` is what the code makes of the text: `text`, `number`, `boolean`, `list`, `json`, `url`, `path`, `database`
    (a database's URL) and the like. `required`: without a value the code raises an error. `default` is the literal
    default. `choices` are the texts that the code compares the value with. `role` is the key of DATABASES that gets the
    value: ENGINE, HOST, PORT, NAME, USER or PASSWORD. `bare` means that the code adds `django.db.backends.` to it.
    """

    name: str
    shape: str = "text"
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    role: str = ""
    bare: bool = False
    file: str = ""
    line: int = 0
