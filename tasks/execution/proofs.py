"""Patterns in the output of installers that prove a fault of the stack's own files. Pure."""

import re

from tasks.reason_codes import ReasonCode

# By reason code, output of installers that proves a fault in the stack's own files.
PROOFS: tuple[tuple[ReasonCode, re.Pattern[str]], ...] = (
    (
        ReasonCode.LOCK_STALE,
        re.compile(
            r"ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"
            r"|package\.json and package-lock\.json.*in sync"
            r"|lockfile.* needs to be updated|`--locked` was provided|in `--require-hashes` mode, all requirements"
            r"|no trusted hash was provided|Missing: .* from lock file"
            r"|ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY|ERR_PNPM_NO_LOCKFILE|lockfile would have been modified"
            r"|lockfile had changes, but lockfile is frozen",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.HASH_MISMATCH,
        re.compile(
            r"hash mismatch|EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|do not match the hash"
            r"|archive doesn't match the expected checksum|Integrity check failed",
            re.IGNORECASE,
        ),
    ),
    (ReasonCode.SCRIPTS_REFUSED, re.compile(r"ERR_PNPM_IGNORED_BUILDS")),
    (
        ReasonCode.PATCH_FAILED,
        re.compile(
            r"command sh -c patch-package|Failed to apply patch|ERR_PNPM_PATCH_(?:FAILED|NOT_APPLIED)|YN0066"
            r"|Cannot apply hunk"
        ),
    ),
    (
        ReasonCode.NOT_FOUND,
        re.compile(
            r"was not found in the package registry|ERR_PNPM_FETCH_404|ERR_PNPM_NO_MATCHING_VERSION|\bE404\b|ETARGET"
            r"|there (?:is|are) no versions? of|no version of|Couldn't find (?:package|any versions)"
            r"|No candidates found|YN0035: .*not found|No version matching|error: GET \S+ - 404|: Not found\"",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.UNSATISFIABLE,
        re.compile(
            r"No solution found|unsatisfiable|ERESOLVE|is incompatible with this module"
            r"|requires-python.*(?:does not|not satisf|incompatible)"
            # a package for another system than that of servers
            r"|notsup Unsupported platform for [^\n]*wanted \{(?![^}]*linux)",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.MANIFEST_BROKEN,
        re.compile(
            r"Failed to parse|TOML parse error|EJSONPARSE|ERR_PNPM_BROKEN_LOCKFILE|ERR_PNPM_JSON_PARSE|JSON_PARSE"
            r"|ERR_PNPM_BAD_PACKAGE_JSON|EUNSUPPORTEDPROTOCOL|Couldn't parse requirement|EUSAGE|File not found: `"
            # a patch that the manifest names
            r"|ENOENT: no such file or directory, open '[^'\n]+\.patch'|patch file not found: '"
            # paths that `pip freeze` wrote on the machine of a developer or of conda
            r"|Distribution not found at: file:///(?:[^\n]*(?:conda-bld|feedstock_root|/?croot/|tmp/build/|/abs_)|[A-Z]:)",
            re.IGNORECASE,
        ),
    ),
)
# Proofs that hold even if the registry does not answer.
LOCAL_PROOFS = frozenset(
    {ReasonCode.LOCK_STALE, ReasonCode.MANIFEST_BROKEN, ReasonCode.PATCH_FAILED, ReasonCode.SCRIPTS_REFUSED}
)
# A failed compilation proves nothing: production's image may have the missing compiler or library.
UNBUILT = re.compile(r"Failed to build|build backend returned an error|ELIFECYCLE|lifecycle script", re.IGNORECASE)
