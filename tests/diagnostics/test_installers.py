"""What is read in the output of uv, pnpm and npm."""

import pytest

from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "npm/broken": (
        "error i/npm/package-lock.json [lock_missing] EUSAGE: The `npm ci` command can only install with an e",
    ),
    "npm/clean": (),
    "npm/integrity": (
        "error i/npm/package-lock.json [hash_mismatch] EINTEGRITY: Integrity checksum failed when using sha51",
    ),
    "npm/no_lock": (
        "error i/npm/package-lock.json [lock_missing] EUSAGE: The `npm ci` command can only install with an e",
    ),
    "npm/no_version": ("error - [not_found] ETARGET: No matching version found for ms@99.",),
    "npm/not_found": ("error - [not_found] E404: Not Found - GET https://registry.example/nosuchpackage-zzz-qq",),
    "npm/package_json": (
        "error i/npm/package.json:2:63 [manifest_broken] EJSONPARSE: Expected double-quoted property name in",
    ),
    "npm/script": ('error - [build_failed] 3: sh -c node -e "process.exit(3)"',),
    "npm/sync": (
        "error i/npm/package-lock.json [lock_stale] Missing: isarray@2.0.5 from lock file",
        "error i/npm/package-lock.json [lock_stale] Invalid: lock file's ms@2.1.3 does not satisfy ms@2.1.2",
    ),
    "pnpm/broken": (
        'error i/pnpm/pnpm-lock.yaml:2:3 [manifest_broken] ERR_PNPM_BROKEN_LOCKFILE: The lockfile at "i/pnpm/',
    ),
    "pnpm/clean": (),
    "pnpm/engine": (
        "error - [unsatisfiable] ERR_PNPM_UNSUPPORTED_ENGINE: Unsupported environment (bad pnpm and/or Node.j",
    ),
    "pnpm/integrity": (
        "error i/pnpm/pnpm-lock.yaml [hash_mismatch] ERR_PNPM_TARBALL_INTEGRITY: Got unexpected checksum for",
    ),
    "pnpm/no_lock": (
        'error i/pnpm/pnpm-lock.yaml [lock_missing] ERR_PNPM_NO_LOCKFILE: Cannot install with "frozen-lockfil',
    ),
    "pnpm/no_version": (
        "error - [not_found] ERR_PNPM_NO_MATCHING_VERSION: No matching version found for ms@99 while fetching",
    ),
    "pnpm/not_found": (
        "error - [not_found] ERR_PNPM_FETCH_404: GET https://registry.example/nosuchpackage-zzz-qq: Not Found",
    ),
    "pnpm/outdated": (
        'error i/pnpm/pnpm-lock.yaml [lock_stale] ERR_PNPM_OUTDATED_LOCKFILE: Cannot install with "frozen-loc',
    ),
    "pnpm/package_json": (
        "error i/pnpm/package.json:1:57 [manifest_broken] Expected double-quoted property name in JSON at pos",
    ),
    "pnpm/script": ("error - [build_failed] ELIFECYCLE: Command failed with exit code 3.",),
    "uv/bad_requirement": (
        "error i/uv/pyproject.toml [manifest_broken] ValueError: invalid pyproject.toml config: `project.depe",
    ),
    "uv/lock_clean": (),
    "uv/lock_outdated": (
        "error i/uv/uv.lock [lock_stale] The lockfile at `uv.lock` needs to be updated, but `--check` was pro",
    ),
    "uv/lock_outdated_0_5": (
        "error i/uv/uv.lock [lock_stale] The lockfile at `uv.lock` needs to be updated, but `--locked` was pr",
    ),
    "uv/lock_syntax": ("error i/uv/uv.lock:3:19 [manifest_broken] extra `=`, expected nothing",),
    "uv/lock_syntax_check": ("error i/uv/uv.lock:3:19 [manifest_broken] extra `=`, expected nothing",),
    "uv/no_lock": (
        "error i/uv/uv.lock [lock_missing] Unable to find lockfile at `uv.lock`, but `--frozen` was provided.",
    ),
    "uv/no_lock_check": (
        "error i/uv/uv.lock [lock_missing] Unable to find lockfile at `uv.lock`, but `--check` was provided.",
    ),
    "uv/no_python": (
        "error - [unsatisfiable] No interpreter found for Python >=3.99 in managed installations or search pa",
    ),
    "uv/not_found": (
        "error - [not_found] Because nosuchpackage-zzz-qq was not found in the package registry and your proj",
    ),
    "uv/pip_conflict": (
        "error - [unsatisfiable] Because you require iniconfig==2.0.0 and iniconfig==1.1.1, we can conclude t",
    ),
    "uv/pip_hash": (
        "error - [hash_mismatch] Failed to download `iniconfig==2.0.0`. Hash mismatch for `iniconfig==2.0.0`",
    ),
    "uv/pip_missing_file": (
        "error i/uv/requirements.txt [manifest_broken] Error parsing included file in `requirements.txt` at p",
    ),
    "uv/pip_no_hash": (
        "error - [hash_missing] In `--require-hashes` mode, all requirements must have a hash, but none were",
    ),
    "uv/pip_not_found": (
        "error - [not_found] Because nosuchpackage-zzz-qq was not found in the package registry and you requi",
    ),
    "uv/pip_syntax": (
        "error i/uv/requirements.txt [manifest_broken] Couldn't parse requirement in `requirements.txt` at po",
    ),
    "uv/pyproject_syntax": ("error i/uv/pyproject.toml:5:28 [manifest_broken] unclosed array, expected `]`",),
    "uv/pyproject_syntax_0_5": ("error i/uv/pyproject.toml:5:28 [manifest_broken] invalid basic string",),
    "uv/pyproject_tool": (
        "warning i/uv/pyproject.toml:7:1 [manifest_broken] unknown field `nosuch`, expected one of `required-",
    ),
    "uv/registry_down": (
        "error - [unreachable] Request failed after 3 retries in 6.7s. Failed to fetch: https://registry.exam",
    ),
    "uv/sync_frozen": (),
    "uv/sync_hash": (
        "error - [hash_mismatch] Failed to download `iniconfig==2.3.1`. Hash mismatch for `iniconfig==2.3.1`",
    ),
    "uv/sync_locked": (
        "error i/uv/uv.lock [lock_stale] The lockfile at `uv.lock` needs to be updated, but `--locked` was pr",
    ),
    "uv/unsatisfiable": (
        "error - [unsatisfiable] Because only iniconfig<=2.3.1 is available and your project depends on inico",
    ),
    "uv/unsatisfiable_0_5": (
        "error - [unsatisfiable] Because only iniconfig<=2.3.1 is available and your project depends on inico",
    ),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "npm/clean": ("added 1 package in 346ms", None),
    "pnpm/clean": ("Done in 472ms using pnpm v10.34.9", None),
    "uv/lock_clean": ("resolved 2 packages", None),
    "uv/lock_outdated": ("resolved 3 packages", None),
    "uv/lock_outdated_0_5": ("resolved 3 packages", None),
    "uv/pip_hash": ("resolved 1 package", None),
    "uv/pyproject_tool": ("resolved 2 packages", None),
    "uv/sync_frozen": ("installed 1 package", None),
    "uv/sync_locked": ("resolved 3 packages", None),
}


@pytest.mark.parametrize("name", names("uv", "pnpm", "npm"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts
