"""Parsers of uv, pnpm and npm. All three use the same rules for errors of locks and manifests."""

import re
from collections.abc import Iterator

from tasks.diagnostics.missing_parts import missing_part, unbuilt_package
from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, first_line, shortened, toml_place
from tasks.diagnostics.tracebacks import traces
from tasks.models import Diagnostic, Severity

# Patterns of an installer's messages by rule. The first match counts.
_WORDS = {
    "hash_mismatch": "hash mismatch|EINTEGRITY|TARBALL_INTEGRITY|expected checksum|Integrity check failed",
    "lock_missing": "unable to find lockfile|ERR_PNPM_NO_LOCKFILE|only install with an existing package-lock",
    "lock_stale": "needs to be updated|OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|are in sync"
    "|would have been modified|lockfile had changes",
    "not_found": "not found in the package registry|FETCH_404|E404|404 not found|NO_MATCHING_VERSION|ETARGET"
    "|couldn't find (?:package|any versions)|: Not found\"|no candidates found|package not found|no version matching"
    "|failed to resolve| - 404$",
    "manifest_broken": "failed to parse|parse requirement|parsing included|must be pep508|JSON_?PARSE|in JSON at"
    "|BROKEN_LOCKFILE|BAD_PACKAGE_JSON|UNSUPPORTEDPROTOCOL",
    "hash_missing": "must have a hash|no trusted hash was provided",
    "unsatisfiable": "no solution found|unsatisfiable|ERESOLVE|UNSUPPORTED_ENGINE|EBAD(?:ENGINE|PLATFORM)"
    "|no interpreter found|is incompatible with this module",
    "build_failed": "failed to build|failed to generate package metadata|backend returned|ELIFECYCLE|command failed",
    "unreachable": "failed to fetch|request failed|error sending request|META_FETCH_FAIL|ECONN|ENOTFOUND|ETIMEDOUT"
    "|EAI_AGAIN",
}
_RULES = tuple((rule, re.compile(words, re.IGNORECASE)) for rule, words in _WORDS.items())

_UV = re.compile(r"^(?:error: |  \u00d7 )(?P<head>.+)(?P<body>(?:\n(?!error: |warning: |hint: ).*)*)", re.MULTILINE)
_UV_CAUSE = re.compile(
    r"^[ \t]*(?:cause:|Caused by:|[├╰]─▶|│[ \t]*╰─▶) ?(?P<text>.+(?:\n {4,}(?![\[\d|]).+)*)", re.MULTILINE
)
_UV_FILE = re.compile(
    r"(?:^|(?<=[\s`]))(?P<path>[^\s`]*(?:uv\.lock|pyproject\.toml|uv\.toml|[\w.-]+\.txt|requirements[\w.-]*\.(?:in|lock)))`?"
    r"(?::(?P<line>\d+):(?P<column>\d+))?"
)
_UV_WARNING = re.compile(r"^warning: (?P<head>.+)(?P<body>(?:\n[ \t]+.*)*)", re.MULTILINE)
_UV_COUNT = re.compile(r"^(?:Resolved|Installed|Checked|Audited) \d+ packages?", re.MULTILINE)

# pnpm 11 prints the code in brackets
_PNPM = re.compile(r"^\s?\[?(?P<code>ERR_PNPM_\w+|ELIFECYCLE|ERROR)\]?\s{1,2}(?P<message>\S.*)$", re.MULTILINE)
_PNPM_MISMATCH = re.compile(r"^\* \d+ dependencies were (?:added|removed): .+$|^  - .+ \(lockfile: .+\)$", re.MULTILINE)
_PNPM_FILE = re.compile(r"(?:at|in) \"?(?P<path>/[^\s\"]+?)\"?(?:$| is broken|:)")
# A patch that the manifest names, as pnpm and bun report it.
_NO_PATCH = re.compile(r"(?:ENOENT: no such file or directory, open|patch file not found:) '(?P<path>[^'\n]+\.patch)'")
_POSITION = re.compile(r"\((\d+):(\d+)\)|\(line (\d+) column (\d+)\)")
_PNPM_DONE = re.compile(r"^Done in .+$|^Already up to date$|^Packages: .+$", re.MULTILINE)

_NPM = re.compile(r"^npm (?:error|ERR!) ?(?P<text>.*)$", re.MULTILINE)
_NPM_CODE = re.compile(r"^code (?P<code>\w+)$")
_NPM_PATH = re.compile(r"^path (?P<path>.+)$")
_NPM_ITEM = re.compile(r"^(?:Missing|Invalid): .+$")
# The package that refuses the Node or the manager, the range that it wants, and the version that is there.
_PNPM_ENGINE = re.compile(
    r"^(?P<what>Your (?:Node|pnpm) version is incompatible with .+)\n+(?P<range>Expected version: .+)\n"
    r"(?P<got>Got: .+)$",
    re.MULTILINE,
)
_NPM_ENGINE = re.compile(r"notsup (?P<what>Required: .+)\n.*?notsup (?P<got>Actual: .+)")
_NPM_SENTENCE = re.compile(
    r"^(?:\d{3} |notarget |notsup (?=Unsupported platform)|JSON\.parse |engine |ERESOLVE )?\s*(?P<text>[A-Z`'].+)$"
)
_NPM_LOG = "A complete log"
# The error that ends a script: its type, or the host that it did not reach.
_NPM_CAUSE = re.compile(r"\w*Error: |.*\b(?:getaddrinfo|connect) E[A-Z_]+ \S")
_NPM_FOUND = re.compile(r"^Found: (?P<package>\S+)$")
_NPM_PEER = re.compile(r"^(?:peer(?:Optional)?|dev|optional)? ?(?P<wanted>\S+@\"[^\"]*\") from (?P<owner>.+)$")
_NPM_DONE = re.compile(r"^(?:added|up to date|changed).+$", re.MULTILINE)


def rule_of(text: str) -> str | None:
    """Returns the rule of an installer's message, or None."""
    return next((rule for rule, words in _RULES if words.search(text)), None)


def uv(output: ToolOutput) -> Parsed:
    """Reads `uv lock`, `uv sync` and `uv pip install`."""
    found = [_uv_error(match, output.mapper) for match in _UV.finditer(output.stderr)]
    known = {(finding.file, finding.line) for finding in found}
    for match in _UV_WARNING.finditer(output.stderr):
        line, column, message = toml_place(match["body"])
        file = _UV_FILE.search(match["head"])
        place = output.mapper.relative(file["path"]) if file else None
        if message and (place, line) not in known:
            found.append(
                Diagnostic(
                    tool="uv",
                    message=shortened(message),
                    file=place,
                    line=line,
                    column=column,
                    severity=Severity.WARNING,
                    rule="manifest_broken",
                )
            )
    done = _UV_COUNT.findall(output.stderr)
    return Parsed(diagnostics=deduplicated(found), summary=done[-1].lower() if done else "")


def _uv_error(match: re.Match[str], mapper: PathMapper) -> Diagnostic:
    head, body = match["head"].strip(), match["body"]
    whole = f"{head}\n{body}"
    line, column, toml = toml_place(whole)
    causes = [" ".join(cause.split()) for cause in _UV_CAUSE.findall(body)]
    # A build's own traceback is more exact than "the build backend returned an error".
    inner = traces(body)
    raised = next((f"{trace.name}: {trace.message}" for trace in reversed(inner) if trace.type), "")
    file = _UV_FILE.search(whole)
    rule = rule_of(whole)
    message = toml or raised or (causes[-1] if rule in {"unsatisfiable", "not_found"} and causes else "")
    if not message:
        message = ". ".join([head, *causes[:1]])
    if rule == "build_failed":
        message = _unbuilt(whole, message)
    path = file["path"] if file else "uv.lock" if rule in {"lock_stale", "lock_missing"} else ""
    return Diagnostic(
        tool="uv",
        message=shortened(message),
        file=mapper.relative(path) if rule not in {"unreachable", "unsatisfiable", "not_found"} else None,
        line=line or (int(file["line"]) if file and file["line"] else None),
        column=column or (int(file["column"]) if file and file["column"] else None),
        rule=rule,
    )


def _unbuilt(text: str, message: str) -> str:
    """Returns the message of a failed build, with the package and what this machine lacks for it."""
    name, part = unbuilt_package(text), missing_part(text)
    if part:
        return f"{name or 'a package'} could not be built: {part.name} is missing"
    return message if not name or name in message else f"{name}: {message}"


def pnpm(output: ToolOutput) -> Parsed:
    """Reads `pnpm install --frozen-lockfile`, which prints its errors on stdout."""
    found = [finding for match in _PNPM.finditer(output.text) for finding in _pnpm_error(match, output)]
    found += absent_patches(output, "pnpm")
    done = _PNPM_DONE.findall(output.stdout)
    return Parsed(diagnostics=deduplicated(found), summary=first_line(done[-1]) if done and not found else "")


def absent_patches(output: ToolOutput, tool: str) -> list[Diagnostic]:
    """Returns the patches that a manifest names and the tree lacks."""
    paths = dict.fromkeys(output.mapper.own(match["path"]) for match in _NO_PATCH.finditer(output.text))
    return [
        Diagnostic(
            tool=tool,
            message=f"No such file or directory: '{path}'. `patchedDependencies` names it",
            file=path,
            rule="manifest_broken",
        )
        for path in paths
        if path
    ]


def _pnpm_error(match: re.Match[str], output: ToolOutput) -> Iterator[Diagnostic]:
    rule = rule_of(match[0])
    file, place = _PNPM_FILE.search(match["message"]), _POSITION.search(match["message"])
    path = file["path"] if file else "pnpm-lock.yaml" if rule in {"lock_stale", "lock_missing", "hash_mismatch"} else ""
    numbers = [int(group) for group in place.groups() if group] if place else [None, None]
    details = _PNPM_MISMATCH.findall(output.text) if rule == "lock_stale" else []
    details += [
        f"{refused['what']} {refused['range']}. {refused['got']}" for refused in _PNPM_ENGINE.finditer(output.text)
    ][:1]
    code = "" if match["code"] == "ERROR" else f"{match['code']}: "
    mismatches = "; ".join(detail.strip(" *-") for detail in details)
    yield Diagnostic(
        tool="pnpm",
        message=shortened(f"{code}{match['message']}{f'. {mismatches}' if mismatches else ''}"),
        file=output.mapper.own(path) if path else None,
        line=numbers[0],
        column=numbers[1],
        rule=rule,
    )


def npm(output: ToolOutput) -> Parsed:
    """Reads `npm ci`."""
    lines = [match["text"].strip() for match in _NPM.finditer(output.text)]
    if not lines:
        done = _NPM_DONE.search(output.stdout)
        return Parsed(summary=done[0] if done else "")
    code = next((match["code"] for line in lines if (match := _NPM_CODE.match(line))), "")
    path = next((match["path"] for line in lines if (match := _NPM_PATH.match(line))), "")
    sentences = [
        match["text"] for line in lines if (match := _NPM_SENTENCE.match(line)) and not line.startswith(_NPM_LOG)
    ]
    mismatches = [line for line in lines if _NPM_ITEM.match(line)]
    rule = rule_of(f"{code} {' '.join(lines[:6])}") or ("build_failed" if code.isdigit() else None)
    place = _POSITION.search(" ".join(sentences))
    numbers = [int(group) for group in place.groups() if group] if place else [None, None]
    if rule in {"lock_stale", "lock_missing", "hash_mismatch"} or code == "EBADPLATFORM":
        path = "package-lock.json"
    refused = _NPM_ENGINE.search(output.text)
    conflict = _npm_conflict(lines) if code == "ERESOLVE" else ""
    path = "package.json" if conflict else path
    command = [_npm_script(line, path, lines) for line in lines if line.startswith("command sh")]
    command += [line for line in lines if line.startswith("network request to")]
    messages = (
        [conflict]
        if conflict
        else [f"{sentences[0] if sentences else 'engine'}. {refused['what']}. {refused['got']}"]
        if refused
        else mismatches or command or sentences[:1] or [next((line for line in lines if line != f"code {code}"), code)]
    )
    found = [
        Diagnostic(
            tool="npm",
            message=shortened(message if mismatches or not code or code.isdigit() else f"{code}: {message}"),
            file=output.mapper.own(path) if path.endswith(".json") else None,
            line=numbers[0],
            column=numbers[1],
            rule=rule,
        )
        for message in messages
    ]
    return Parsed(diagnostics=deduplicated(found))


def _npm_script(line: str, path: str, lines: list[str]) -> str:
    """Returns the script of a package that failed, with the name of the package and the script's own error."""
    package = path.rpartition("node_modules/")[2] if "node_modules/" in path else ""
    error = next((each for each in lines if _NPM_CAUSE.match(each)), "")
    return ": ".join(filter(None, (package, line.removeprefix("command "), error.removeprefix(f"{package}: "))))


def _npm_conflict(lines: list[str]) -> str:
    """Returns both packages of a conflict between peers: the one that is found, and the one that needs another."""
    found = next((match["package"] for line in lines if (match := _NPM_FOUND.match(line))), "")
    unresolved = next((at for at, line in enumerate(lines) if line.startswith("Could not resolve dependency")), None)
    if not found or unresolved is None:
        return ""
    peer = next((match for line in lines[unresolved + 1 :] if (match := _NPM_PEER.match(line))), None)
    return f"{peer['owner']} needs {peer['wanted']}, and {found} is found" if peer else ""
