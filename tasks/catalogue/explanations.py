"""What each reason code means, and what usually fixes it: for `predeploy explain` and for the documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.reason_codes import ReasonCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A reason code with its meaning and what usually fixes it, both as Markdown without a full stop."""

    code: str
    meaning: str
    advice: str


ADVICE: Mapping[ReasonCode, str] = {
    ReasonCode.TIMEOUT: "look for a hang at the end of the log; else raise the limit in `limits`",
    ReasonCode.CRASH: "look at the end of the log; often a native package does not fit this machine",
    ReasonCode.KILLED: "find what ended the program, and run again",
    ReasonCode.UNKNOWN_EXIT: "the log has what the command printed; its version may be newer than predeploy knows",
    ReasonCode.TOOL_MISSING: "add the program to the packages of the stack, or to the image",
    ReasonCode.NO_EVIDENCE: "run the command of the log by hand; it may be a wrapper that does nothing",
    ReasonCode.NOTHING_SELECTED: "correct the words: `--list` has the checks, and the report the ids of tests",
    ReasonCode.NOT_STARTED: "the reason has the system's own error",
    ReasonCode.NOT_READY: "the log of the server has its error",
    ReasonCode.SERVICE_ENDED: "run again; if it happens twice, report it",
    ReasonCode.LOCK_STALE: "make the lock again with its package manager, and commit it",
    ReasonCode.HASH_MISMATCH: "make the lock again; if it comes back, the registry or a proxy changes packages",
    ReasonCode.NOT_FOUND: "correct the version in the manifest, and make the lock again",
    ReasonCode.UNSATISFIABLE: "loosen one of the requirements that the log names",
    ReasonCode.SCRIPTS_REFUSED: "allow or refuse each script: `pnpm approve-builds`",
    ReasonCode.PATCH_FAILED: "make the patch again for the version in the lock",
    ReasonCode.MANIFEST_BROKEN: "correct the file at the line that the reason names",
    ReasonCode.REGISTRY: "wait and run again; check the proxy: `predeploy doctor`",
    ReasonCode.BUILD_FAILED: "install the compiler or header that the reason names, or use `--engine dagger`",
    ReasonCode.PRIVATE_SOURCE: "give the credentials in the setting that the reason names",
    ReasonCode.ACQUIRE: "the log has the installer's own error",
    ReasonCode.TOOLCHAIN: "install the version that the reason names, or use `--engine dagger`",
    ReasonCode.UNSUPPORTED: "name another package manager, install the generator, or use the other engine",
    ReasonCode.OTHER_PYTHON: "install production's version of Python, or use `--engine dagger`",
    ReasonCode.SYSTEM_PACKAGE: "install the package that the reason names, or use `--engine dagger`",
    ReasonCode.NETWORK: "allow the host, or do not connect at import and in tests",
    ReasonCode.FRONTEND_UNBUILT: "use `--engine dagger`, which builds the image with the frontend",
    ReasonCode.BASE_IMAGE: "correct the name in `FROM`, or log in to the registry",
    ReasonCode.IMAGE_BUILD: "the log has the failed instruction of the Dockerfile",
    ReasonCode.DELIVERY: "correct the target; the checks have passed",
    ReasonCode.ENGINE: "run again; `predeploy doctor` checks the engine",
    ReasonCode.ENGINE_ABSENT: "start Docker, or use `--engine local`",
    ReasonCode.ENGINE_HUNG: "restart the container engine",
    ReasonCode.ENGINE_LOST: "restart the container engine, and run again",
    ReasonCode.ENGINE_VERSION: "update the engine to the version that the reason names",
    ReasonCode.DISK_FULL: "free disk space: `predeploy maintain`",
    ReasonCode.OUT_OF_MEMORY: "give the machine or the engine more memory, or use `--jobs 1`",
    ReasonCode.LOG_LOST: "free disk space, and run again",
    ReasonCode.PORT_TAKEN: "end the other program, or run again",
    ReasonCode.UNSHARE: "allow user namespaces, or run as another user",
    ReasonCode.WORKSPACE: "make the cache directory writable: `predeploy doctor`",
    ReasonCode.TREE_CHANGED: "run again, and do not edit files meanwhile",
    ReasonCode.POSTGRES: "the log of Postgres is next to the report; `predeploy doctor` checks it",
    ReasonCode.SERVICE_LOST: "run again; if it happens twice, look for too little memory",
    ReasonCode.EXTENSION_ABSENT: "set `[images] postgres` to one that has the extension, with `--engine dagger`",
    ReasonCode.VARIABLE_ABSENT: "write the line that the reason names into `predeploy.toml`",
    ReasonCode.SERVICE_ABSENT: "configure the code for tests without the service, or skip the check",
    ReasonCode.NO_BASE: "fetch the whole history, or name the commit: `--base REF`",
    ReasonCode.NOT_IN_BASE: "nothing: a new component has no upgrade",
    ReasonCode.BASE_BROKEN: "name another commit: `--base REF`",
    ReasonCode.SECRETS: "set the value in Doppler, or list the name in `optional_secrets`",
    ReasonCode.SECRETS_MISSING: "set the values in Doppler for the target",
    ReasonCode.SECRETS_MISSHAPEN: "correct the value in Doppler: the reason has the expected form",
    ReasonCode.NO_NAMES: "nothing, or declare names in `secrets`",
    ReasonCode.NO_TARGET: "name it: `--environment NAME`",
    ReasonCode.NO_DOPPLER: "set `DOPPLER_TOKEN`",
    ReasonCode.TOKEN: "create the block that the reason names",
    ReasonCode.NEEDS: "fix the check that it needs",
    ReasonCode.FAIL_FAST: "fix the red check, or leave out `--fail-fast`",
    ReasonCode.BUDGET: "give a larger `--budget`, or run the rest: `predeploy rerun`",
    ReasonCode.INTERRUPTED: "run the rest: `predeploy rerun`",
    ReasonCode.TERMINATED: "run the rest: `predeploy rerun`",
    ReasonCode.USAGE: "the message has the nearest correct name",
    ReasonCode.DIRTY: "commit the files, or name a commit: `--commit REF`",
    ReasonCode.INTERNAL: "run again with `--debug`, and report the traceback",
    ReasonCode.CHECKOUT: "check the URL, the ref and the credentials of the worker",
    ReasonCode.CLONE: "check that the repository is whole: `git fsck`",
    ReasonCode.STATUS: "check the token for GitHub and its permissions",
    ReasonCode.REPORT: "validate the stack again",
    ReasonCode.REPORT_DIRECTORY: "make the directory writable, or free disk space",
    ReasonCode.PREFECT: "check `PREFECT_API_URL`: the verdict does not depend on it",
    ReasonCode.SHARD_LOST: "check the worker's machine, and run again",
    ReasonCode.SHARD_UNCLAIMED: "start a worker: `predeploy worker shards`",
    ReasonCode.SHARD_DEPLOYMENT: "create it: `predeploy deploy`",
    ReasonCode.SHARD_ENDED: "the worker's log has the reason",
    ReasonCode.SHARD_PLAN: "use the same version of predeploy on all machines",
    ReasonCode.SHARD_RESULT: "use the same version of predeploy on all machines",
}
"""What usually fixes each shared code."""
CHECK_CODES: Mapping[str, tuple[str, str]] = {
    # quality
    "findings": ("the tool reports findings", "fix them at their lines; some tools do it themselves (`fix`)"),
    "type_errors": ("the type checker reports errors", "fix them at their lines"),
    "tests_failed": ("tests fail", "run one alone: `--only CHECK -- TEST`"),
    "collection_error": ("the test runner cannot load the tests", "fix the import or the syntax error that it names"),
    "tool_config": ("the tool does not accept its configuration", "correct the file and key that it names"),
    "internal_error": ("the tool itself fails", "look at the plugin that the traceback names"),
    "no_test_runner": ("tests exist, but no locked package runs them", "add the runner to the development packages"),
    "no_test_settings": (
        "the tree lacks the settings module of the tests",
        "name another: `manage.py test --settings=…`",
    ),
    # build
    "import_error": ("the server's modules do not import", "fix the import at the line that the traceback names"),
    "static_files": ("the static files cannot be collected", "fix the reference that the reason names"),
    "deploy_command": (
        "a command of manage.py that the deploy runs cannot run",
        "correct the command, or add what the reason names",
    ),
    "lock_inconsistent": ("the locked packages contradict each other", "make the lock again"),
    "lock_unknown": ("whether the lock fits its manifest is unknown", "use a lock format that predeploy reads"),
    "lock_unread": ("the lock has a format that predeploy does not read", "use a lock format that predeploy reads"),
    "dockerfile": ("the Dockerfile cannot be read", "correct the line that the reason names"),
    "image_broken": (
        "the image lacks what its server needs, or cannot start it",
        "correct it in the Dockerfile or the script",
    ),
    "no_python": ("the image has no Python", "correct the base image or the path"),
    "no_shell": ("the image has no shell", "use the exec form of `CMD`, or another base image"),
    "secret_absent": ("the build needs a secret that this run lacks", "set it, or declare it in `build_secrets`"),
    "generated_code": ("code that the build generates is absent", "let the script that generates it run before"),
    "bundle_failed": ("the bundle of the Worker does not build", "fix the error at its line"),
    "missing_binding": ("the Worker uses a binding that its configuration lacks", "add it to the wrangler file"),
    "deploy_refused": ("Cloudflare would refuse the deploy", "correct the wrangler file at the line of the finding"),
    "unfilled_id": ("a placeholder stands for an id", "write the id, or let the program that fills it run before"),
    "functions_failed": ("the functions of Pages do not build", "fix the error at its line"),
    "no_pages": ("the build made no page", "name the directory of the pages: `output`"),
    "broken_links": ("links lead to pages that do not exist", "correct the links or the names of the pages"),
    "remote_binding": ("the Worker needs a service of Cloudflare", "use a binding that runs on this machine"),
    "runtime": ("the Workers runtime does not start here", "use `--engine dagger`"),
    # integration
    "unhealthy": ("the server answers with an error", "the traceback in the log names the line"),
    "image_unhealthy": ("the HEALTHCHECK of the image fails", "correct it, or what it asks"),
    "healthcheck_unclear": ("the HEALTHCHECK could not run", "the log has its output"),
    "no_health_path": ("no path answers a request for health", "name one: `health` of the component"),
    "rows_absent": ("a page needs a row that only production has", "name a path that works without it: `health`"),
    "unspoken": ("the server does not speak HTTP", "correct the command that starts it"),
    "unexpected_answer": ("the Worker answers in an unexpected way", "compare the answer in the log with the form"),
    "unknown_host": ("the Worker asks a host that no service answers for", "name the host in the Worker's settings"),
    "throwaway_value": ("the Worker needs a real value for a variable", "give it as a secret, or in `predeploy.toml`"),
    "no_row": ("the form made no row in the database", "look at the Worker's requests in the log"),
    "wrong_row": ("the row differs from what was sent", "correct the query or the columns"),
    "duplicate_row": ("the form made more than one row", "send one query for each form"),
    "invalid_accepted": ("a wrong form was accepted", "validate it, or say so: `invalid = []`"),
    "key_ignored": ("a wrong key was accepted", 'check the key, or say so: `key = ""`'),
    "no_table": ("the table of the form is unknown", "name it: `table` of the form"),
    "no_key": ("the key of the form is unknown", "give it: `key` of the form"),
    "no_model": ("no model of Django has the table", "name the model's table"),
    "rate_limited": ("the Worker limits the requests of the check", "raise the limit for the run"),
    "database_error": ("the database refused the Worker's query", "the log has the query and the error"),
    "unreadable_row": ("Django's model cannot read the row", "let the Worker write what the model expects"),
    "scheduled_failed": ("the `scheduled` handler fails", "fix the error that the log names"),
    "other_database": ("the settings use another database than the run's", "let them read `DATABASE_URL`"),
    "unsupported_database": ("the database is neither Postgres nor SQLite", "validate the other checks: `--skip`"),
    "slow": ("an answer takes too long", "look for a query or request that waits"),
    "too_slow": ("a migration takes too long on rows", "split it, or build the index concurrently"),
    "upgrade_failed": ("a migration fails on rows", "give a default, or change the rows in a migration before"),
    "migration_removed": ("an applied migration is gone", "restore it: production has applied it"),
    "schema_differs": ("an applied migration was edited", "restore it, and write a new one"),
    "base_lost": ("the rows of the deployed commit are gone", "run again"),
}
"""By code: its meaning and what usually fixes it, both as Markdown."""


def shared_codes() -> Iterator[Explanation]:
    """The codes that all checks and engines share."""
    return (Explanation(code=code.value, meaning=code.meaning, advice=ADVICE[code]) for code in ReasonCode)


def check_codes() -> Iterator[Explanation]:
    """The codes of single checks."""
    return (Explanation(code=code, meaning=meaning, advice=fix) for code, (meaning, fix) in CHECK_CODES.items())


def explanations() -> Mapping[str, Explanation]:
    """All of them by code."""
    return {each.code: each for each in (*shared_codes(), *check_codes())}
