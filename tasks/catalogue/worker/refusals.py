"""Finds in a Worker's code what it refuses: forms without a field, wrong mail addresses, and requests without a key.

A column that is NOT NULL is no proof that the form needs the field: the Worker may fill it. Only its code is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.discovery.worker.worker_env import COMMENT

REFUSES_FORM = re.compile(r"\b(?:400|413|415|422)\b|\b\w*[vV]alidator\(")
REFUSES_KEY = re.compile(r"\b40[13]\b|\b(?:bearer|basic)Auth\(")
MAIL = re.compile(r"\.email\(|is_?email|valid\w*e?mail|e?mail_?problem|includes\([\"']@|\[\^[^\]\n]*@", re.IGNORECASE)
# How code shows that it needs the field `{name}`: a test for emptiness, a schema, a rule, a list of needed fields.
NEEDS = (
    r"![ \t]*(?!e(?:rr|rror|x)?\b)(?:[\w$]+\??\.)*{name}\b(?!\s*\()",
    r"\b{name}\b(?:\??\.(?:trim\(\)|length))*\s*(?:[!=]==?|<)\s*(?:null|undefined|\"\"|''|\d)",
    r"typeof\s+(?:[\w$]+\??\.)*{name}\b",
    r"\b{name}\b[\"']?\s*:\s*(?:z|v|t|s|S|yup|Joi|Type|vine|schema)\.(?![^\n]*(?:optional|nullish|nullable|default))",
    r"\b{name}\b[\"']?\s*:\s*\{{[^{{}}]*\brequired[\"']?\s*:\s*true",
    r"(?:[rR]equired\w*|REQUIRED\w*|\bof)\b[^\[\]\n;]{{0,40}}\[[^\[\]]*[\"']{name}[\"']",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What the code shows that it refuses: forms without one of the fields `needed`, and wrong mail addresses."""

    needed: tuple[str, ...]
    mail: bool


def refusals(code: str, fields: Iterable[str]) -> Refusals:
    """Returns what the code shows that it refuses of a form with these fields."""
    text = COMMENT.sub(" ", code)
    if not REFUSES_FORM.search(text):
        return Refusals(needed=(), mail=False)
    needed = tuple(name for name in fields if any(re.search(each.format(name=re.escape(name)), text) for each in NEEDS))
    return Refusals(needed=needed, mail=MAIL.search(text) is not None)


def uses(code: str, variable: str) -> bool:
    """Whether the code reads a variable. A declaration in a type is no use."""
    name = re.escape(variable)
    return (
        re.search(rf"\.{name}\b|\[[\"']{name}[\"']\]|\{{[^{{}};]*\b{name}\b[^{{}};]*\}}\s*=", COMMENT.sub(" ", code))
        is not None
    )


def refuses_key(code: str) -> bool:
    """Whether the code shows that it refuses a request without the right key."""
    return REFUSES_KEY.search(COMMENT.sub(" ", code)) is not None
