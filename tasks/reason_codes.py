"""The reason codes of engines, services, registries and runs. Rows of the catalogue have their own codes."""

from enum import StrEnum
from typing import Self


class ReasonCode(StrEnum):
    """A stable code for programs, with its meaning in one line for people."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Makes a member that equals its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    # the end of a command
    TIMEOUT = "timeout", "a command ran longer than its limit"
    CRASH = "crash", "a program ended itself with a signal such as SIGSEGV"
    KILLED = "killed", "a signal from outside ended a program"
    UNKNOWN_EXIT = "unknown_exit", "a command ended with an exit code that its row does not know"
    TOOL_MISSING = "tool_missing", "a program was not found, or is not executable"
    NO_EVIDENCE = "no_evidence", "a command ended with 0, and its output does not show that it did its work"
    NOTHING_SELECTED = "nothing_selected", "no test matches the words after `--`"
    NOT_STARTED = "not_started", "the operating system did not start a program"
    NOT_READY = "not_ready", "a server of the stack ended while it was needed"
    SERVICE_ENDED = "service_ended", "a server of predeploy ended while it was needed"
    # packages
    LOCK_STALE = "lock_stale", "the lock does not fit the manifest"
    HASH_MISMATCH = "hash_mismatch", "a package is not the one that the lock names"
    PATCH_FAILED = "patch_failed", "a patch of the stack does not fit the locked package"
    SCRIPTS_REFUSED = "scripts_refused", "the package manager refuses install scripts that the stack does not allow"
    NOT_FOUND = "not_found", "the registry does not have a package or version"
    UNSATISFIABLE = "unsatisfiable", "no set of versions satisfies all requirements"
    MANIFEST_BROKEN = "manifest_broken", "a manifest or lock cannot be read"
    REGISTRY = "registry", "the package registry does not answer"
    BUILD_FAILED = "build_failed", "a package could not be built on this machine"
    PRIVATE_SOURCE = "private_source", "a private index or repository gives this machine no packages"
    ACQUIRE = "acquire", "an installation failed for an unknown reason"
    TOOLCHAIN = "toolchain", "no version of Python or Node fits the stack"
    UNSUPPORTED = "unsupported", "the engine does not have the stack's package manager or site generator"
    # this machine
    OTHER_PYTHON = "other_python", "the code needs another Python than the one that runs it here"
    SYSTEM_PACKAGE = "system_package", "this machine does not have a system library or program that the code needs"
    NETWORK = "network", "the code needs a host that this machine does not reach"
    FRONTEND_UNBUILT = "frontend_unbuilt", "the deploy builds files that this run does not have"
    # images
    BASE_IMAGE = "base_image", "a base image is not available"
    IMAGE_BUILD = "image_build", "the engine could not build an image"
    DELIVERY = "delivery", "an image or built files could not be exported"
    # engine and machine
    ENGINE = "engine", "the engine could not run a command"
    ENGINE_ABSENT = "engine_absent", "no container engine is available"
    ENGINE_HUNG = "engine_hung", "the container engine did not answer in time"
    ENGINE_LOST = "engine_lost", "the connection to the engine was lost"
    ENGINE_VERSION = "engine_version", "the container engine has another version than the client needs"
    DISK_FULL = "disk_full", "no space is left on the disk"
    OUT_OF_MEMORY = "out_of_memory", "the system ended a program that used too much memory"
    LOG_LOST = "log_lost", "the log of a command could not be written"
    PORT_TAKEN = "port_taken", "another program uses the port of a server"
    UNSHARE = "unshare", "the operating system does not allow a new namespace"
    WORKSPACE = "workspace", "a workspace could not be made"
    TREE_CHANGED = "tree_changed", "the files of the stack changed during the run"
    # database
    POSTGRES = "postgres", "Postgres did not start"
    SERVICE_LOST = "service_lost", "the Postgres of the run is gone"
    EXTENSION_ABSENT = "extension_absent", "the Postgres of the run does not have an extension"
    # what only production has
    VARIABLE_ABSENT = "variable_absent", "the settings need a variable or a file that only production has"
    SERVICE_ABSENT = "service_absent", "the code connects to a service that the run does not have"
    # the deployed commit
    NO_BASE = "no_base", "no deployed commit is known, or its files are not available"
    NOT_IN_BASE = "not_in_base", "the deployed commit does not have this component"
    BASE_BROKEN = "base_broken", "the deployed commit does not install or migrate"
    # secrets
    SECRETS = "secrets", "the provider of secrets does not have or does not give a value"
    SECRETS_MISSING = "secrets_missing", "the deploy target does not have a secret that the deploy needs"
    SECRETS_MISSHAPEN = "secrets_misshapen", "a secret of the deploy target does not have the form of its kind"
    NO_NAMES = "no_names", "the deploy needs no secret"
    NO_TARGET = "no_target", "no deploy target is named"
    NO_DOPPLER = "no_doppler", "no token for Doppler is set"
    TOKEN = "token", "a secret block of Prefect is missing"
    # the run
    NEEDS = "needs", "a check that this one needs did not pass"
    FAIL_FAST = "fail_fast", "the run ended at the first failed check"
    BUDGET = "budget", "the time budget of the run ended"
    INTERRUPTED = "interrupted", "SIGINT ended the run"
    TERMINATED = "terminated", "SIGTERM ended the run"
    USAGE = "usage", "the command line or the configuration is wrong"
    DIRTY = "dirty", "the gate found files that the commit does not have"
    INTERNAL = "internal", "predeploy itself made an error"
    # commits, reports and shards
    CHECKOUT = "checkout", "a commit could not be fetched"
    CLONE = "clone", "a commit could not be cloned"
    STATUS = "status", "GitHub did not accept a commit status"
    REPORT = "report", "a report cannot be read"
    REPORT_DIRECTORY = "report_directory", "the report could not be written"
    PREFECT = "prefect", "Prefect's server does not answer"
    SHARD_LOST = "shard_lost", "a shard gave no sign of life"
    SHARD_UNCLAIMED = "shard_unclaimed", "no worker took a shard"
    SHARD_DEPLOYMENT = "shard_deployment", "the deployment of the shards is not available"
    SHARD_ENDED = "shard_ended", "a shard ended without a result"
    SHARD_PLAN = "shard_plan", "a shard ran another check than planned"
    SHARD_RESULT = "shard_result", "the result of a shard cannot be read"
