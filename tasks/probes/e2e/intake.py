"""Sends a form to a running Worker, and looks for the one row that it must leave in the database.

    intake.py HOST PORT --outbound HOST:PORT --proof WORD

`PREDEPLOY_FORM` has the form and the expected row, `DATABASE_URL` is the real database behind the Worker's. The Worker
must refuse invalid forms and wrong keys, and must store nothing for them. The row that the form left is stored as the
table's comment, for stored_row.py. Prints one JSON document. Exit codes:

    0 passed                         10 no row                      16 a wrong key was accepted
    1 an unexpected answer           11 more than one row           20 there is no such table
    4 a program did not listen       12 the row differs             21 the Worker needs a key that is not
    6 another program answered       13 an error of Postgres           configured
    7 an unsupported request         14 a request to a host that    22 the Worker limits the rate of requests
      to the database                   was refused
    8 the database was lost          15 an invalid form was accepted
   23 an unexpected answer, which a binding that exists only at Cloudflare may cause (`--remote`)
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException

import psycopg
from form import LIMITED, WRONG_KEY, Form, FormAnswer, Sender, new_token, places, read_form, renewed
from outbound_log import findings, listens, read_log, without_bindings, without_verdict
from table import Table, open_table, same
from visitor import share

PATIENCE = 5.0
"""Seconds to wait for the row: a Worker may answer before it writes."""
CODES = {"unspoken": 7, "lost": 8}
Finding = Mapping[str, object]


class EndError(Exception):
    """Ends the check with an exit code and its findings."""

    def __init__(self, code: int, *found: Finding) -> None:
        self.code, self.found = code, found
        super().__init__(code)


def finding(rule: str, message: str, place: Mapping[str, object] | None = None) -> Finding:
    return {"tool": "intake", "rule": rule, "message": message, **(place or {})}


class Visit:
    """One run of a form against one Worker and one table."""

    def __init__(self, form: Form, sender: Sender, outbound: str, proof: str, token: str, table: Table) -> None:
        self.form, self.sender, self.outbound, self.proof, self.token = form, sender, outbound, proof, token
        self.table, self.before, self.runtime = table, table.count(), ""
        self.key = os.environ.get(form.key, "") if form.key else ""

    def run(self) -> str:
        """Runs all steps in order. Returns the summary of a pass. Raises EndError."""
        answer = self.send(self.form.payload)
        self.look_outside(answer)
        row = self.only_row(answer)
        self.compare(row)
        wrong, keys = list(self.wrong_forms()), list(self.wrong_keys())
        for what, payload in wrong:
            self.refused(what, payload)
        for what, key in keys:
            self.locked(what, key)
        self.look_outside(answer)
        if self.table.count() != self.before + 1:
            raise EndError(11, self.about_table("duplicate_row", f"{self.added()} new rows for one form"))
        self.table.remember(row)
        refused = f"{len(wrong)} invalid forms" + (f" and {len(keys)} wrong keys" if keys else "")
        return f"POST {self.form.path} {answer.status}, a row in {self.table.name}, {refused} refused, {self.runtime}"

    def send(self, payload: Mapping[str, object], key: str | None = None) -> FormAnswer:
        """Sends a payload. Returns the answer, which is certain to be the Worker's. Raises EndError."""
        key = self.key if key is None else key
        try:
            answer = self.sender.send(self.form, payload, self.form.keys(key) if key else {})
        except (OSError, HTTPException) as error:
            said = f"POST {self.form.path} got no answer: {str(error) or type(error).__name__}"
            raise EndError(1, finding("no_answer", said), *findings(read_log(self.outbound))) from error
        proof, _, self.runtime = answer.mark.partition(" ")
        if proof != self.proof:
            raise EndError(6, finding("another_program", "another program answered, not the Worker of this check"))
        return answer

    def look_outside(self, answer: FormAnswer) -> None:
        """Raises EndError if the Worker sent an outbound request that has no verdict, or that was refused."""
        asked = read_log(self.outbound)
        undecided = without_verdict(asked)
        if undecided is not None:
            said = finding("answer", f"POST {self.form.path} answered {answer.words}")
            raise EndError(CODES[undecided[0]], undecided[1], said)
        found = [each for each in findings(asked) if each["rule"] == "unknown_host"]
        if found:
            hosts = dict.fromkeys(each.host for each in asked if each.kind == "refused")
            placed = zip(found, map(self.place, map(re.escape, hosts)), strict=True)
            raise EndError(14, *({**each, **place} for each, place in placed))

    def only_row(self, answer: FormAnswer) -> dict[str, object]:
        """Returns the only row that the form left. Raises EndError."""
        if not self.form.takes(answer.status):
            self.not_taken(answer)
        rows = self.wait_for_row()
        if len(rows) > 1:
            raise EndError(11, self.about_table("duplicate_row", f"{len(rows)} rows for one form"))
        if not rows and self.added() > 0:
            said = f"the new row of {self.table.name} does not hold {self.token}, which the form had"
            raise EndError(12, self.about_table("wrong_row", said))
        if not rows:
            self.no_row(answer)
        return rows[0]

    def not_taken(self, answer: FormAnswer) -> None:
        said = f"POST {self.form.path} answered {answer.words}; {self.form.answers} was expected"
        if answer.status in WRONG_KEY and not self.key:
            hint = f"{said}. Name the Worker's variable with the key for senders: key in {self.form.section}"
            raise EndError(21, finding("no_key", hint))
        errors = self.errors()
        if errors:
            raise EndError(13, *errors, finding("answer", said))
        raise EndError(1, finding("unexpected_answer", said))

    def no_row(self, answer: FormAnswer) -> None:
        answered = f"POST {self.form.path} answered {answer.status}"
        if not self.table.columns and not self.errors():
            hint = f"{answered}, and there is no table {self.table.name}. Name it: table in {self.form.section}"
            raise EndError(20, finding("no_table", hint))
        said = self.about_table("no_row", f"{answered}, and {self.table.name} has no new row")
        raise EndError(10, *self.errors(), said)

    def wait_for_row(self) -> list[dict[str, object]]:
        deadline = time.monotonic() + PATIENCE
        while not (rows := self.table.rows(self.token)) and time.monotonic() < deadline and not self.added():
            if self.errors():
                break
            time.sleep(0.05)
        return rows

    def added(self) -> int:
        return self.table.count() - self.before

    def errors(self) -> list[Finding]:
        """Returns the errors of Postgres, with the place of the statement in the code."""
        found = (each for each in findings(read_log(self.outbound)) if each["tool"] == "postgres")
        return [{**each, **self.statement()} for each in found]

    def compare(self, row: Mapping[str, object]) -> None:
        """Raises EndError if a column differs. Columns guessed from field names may differ in case and outer spaces."""
        guessed = {name: value for name, value in self.form.payload.items() if name in row}
        differs = [
            f"{name} is {row.get(name)!r}, not {value!r}"
            for name, value in (self.form.columns or guessed).items()
            if not same(row.get(name), value, exact=bool(self.form.columns))
        ]
        if differs:
            raise EndError(12, self.about_table("wrong_row", f"in {self.table.name} {'; '.join(differs)}"))

    def wrong_forms(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yields the payloads that configuration or code of the Worker show to be refused, each with a description."""
        payload = self.form.payload
        if self.form.invalid is not None:
            yield from ((f"a form with {json.dumps(each)}", {**payload, **each}) for each in self.form.invalid)
            return
        needed = [name for name in self.form.needed if self.table.columns.get(name)]
        yield from [("an empty form", {})] * bool(needed)
        yield from ((f"a form without {name}", self.form.without(name)) for name in needed)
        if "email" in payload and self.form.mail:
            yield "a form with an invalid email", {**payload, "email": f"{self.token} is no address"}

    def send_wrong(self, what: str, payload: Mapping[str, object], key: str | None = None) -> FormAnswer:
        """Sends a payload that must be refused. Its token is new: a duplicate could be refused for that alone."""
        answer = self.send(renewed(payload, self.token, new_token()), key)
        if answer.status == LIMITED and self.added() == 1:
            said = f"{what} was answered {answer.words}: the Worker limits the rate. Allow more requests in its `env`"
            raise EndError(22, finding("rate_limited", said))
        return answer

    def refused(self, what: str, payload: Mapping[str, object]) -> None:
        answer = self.send_wrong(what, payload)
        if self.form.refuses(answer.status) and self.added() == 1:
            return
        left = ", and left a row" if self.added() > 1 else ""
        said = f"{what} was answered {answer.words}{left}; {self.form.refusals} was expected, and no row"
        if self.form.invalid is None:
            said += f". If the Worker is right, list the invalid forms: invalid in {self.form.section}"
        raise EndError(15 if left or answer.status < 400 else 1, finding("invalid_accepted", said), *self.errors())

    def wrong_keys(self) -> Iterator[tuple[str, str]]:
        """Yields wrong keys, each with a description, if the Worker has a key."""
        if self.key and self.form.locked:
            yield "a wrong key", f"wrong-{self.token}"
            yield "no key", ""

    def locked(self, what: str, key: str) -> None:
        answer = self.send_wrong(f"{what} instead of {self.form.key}", self.form.payload, key)
        if answer.status in WRONG_KEY and self.added() == 1:
            return
        said = f"{what} instead of {self.form.key} was answered {answer.words}; 401 or 403 was expected, and no row"
        raise EndError(16, finding("key_ignored", said, self.place(re.escape(self.form.key))))

    def place(self, pattern: str) -> dict[str, object]:
        return next(places(pattern, self.form.sources), {})

    def statement(self) -> dict[str, object]:
        """Returns the place where the Worker's code writes to the table, or an empty dictionary."""
        name = re.escape(self.table.name.rpartition(".")[2])
        return self.place(rf"\binsert\s+into\s+[\w\".]*{name}\b") or self.place(rf"\b{name}\b")

    def about_table(self, rule: str, message: str) -> Finding:
        return finding(rule, message, self.statement())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--outbound", required=True)
    parser.add_argument("--proof", required=True)
    parser.add_argument("--wait", type=float, default=30)
    parser.add_argument("--within", type=float, default=0, help="the limit of this step: a longer one extends the wait")
    parser.add_argument("--remote", action="append", default=[], help="a binding that exists only at Cloudflare")
    options = parser.parse_args()
    options.wait = share(options.within, options.wait)
    token = new_token()
    form, code, summary = read_form(os.environ["PREDEPLOY_FORM"], token), 0, ""
    found: tuple[Finding, ...] = ()
    for address in (options.outbound, f"{options.host}:{options.port}"):
        if not listens(address, options.wait):
            print(json.dumps({"diagnostics": [finding("not_ready", f"nothing listened within {options.wait:g} s")]}))
            return 4
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        sender, table = Sender(options.host, options.port), open_table(connection, form.table)
        try:
            summary = Visit(form, sender, options.outbound, options.proof, token, table).run()
        except EndError as end:
            code, found = end.code, end.found
    if code == 1 and options.remote:
        code, found = 23, (without_bindings(options.remote), *found)
    print(json.dumps({"diagnostics": found, "summary": summary, "gaps": form.gaps}))
    return code


if __name__ == "__main__":
    sys.exit(main())
