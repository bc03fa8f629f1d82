"""Recognises the commands of a deploy by their words: wrangler's upload, calls of scripts, and builds."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.discovery.calls.arguments import is_open
from tasks.discovery.calls.shell import without_directory

MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun"})
# The package manager that runs the script.
_EXECPATH = re.compile(r"^\$\{?npm_execpath\}?$")
_RUNNERS = frozenset({"npx", "pnpx", "bunx"})
_EXECUTES = frozenset({"exec", "x", "dlx"})
_WRAPPERS = frozenset({"cross-env", "dotenv", "dotenvx", "env", "env-cmd", "infisical", "doppler", "op", "varlock"})
# OpenNext's command uploads with wrangler, and passes the rest of its options on.
_UPLOADERS = frozenset({"wrangler", "opennextjs-cloudflare"})
_UPLOADS = frozenset({"deploy", "publish", "upload"})
_INSTALLS = frozenset({"ci", "i", "install", "add", "clean-install"})
_SEVERAL = frozenset({"run-s", "run-p", "npm-run-all", "npm-run-all2"})
_TESTERS = frozenset({"ava", "cypress", "jest", "mocha", "playwright", "tap", "uvu", "vitest"})
_LINTERS = frozenset({"biome", "eslint", "knip", "oxlint", "prettier", "stylelint", "xo"})
# Words of a shell's own, which do nothing that a later command needs. `cd` and `export` are read.
_SHELL = frozenset({":", "[", "echo", "exit", "false", "printf", "set", "sleep", "true", "wait"})
# Programs that build, or move files.
_BUILDERS_TEXT = (
    "astro cargo copyfiles cp cpx docusaurus eleventy esbuild gatsby go graphql-codegen gulp grunt hugo lage "
    "lerna ln mkdir mkdirp moon mv ncp next next-on-pages nitro nuxi nuxt nx opennextjs-cloudflare panda "
    "paraglide-js parcel postcss qwik react-router react-scripts remix rimraf rm rolldown rollup rsbuild "
    "rspack sass sed shx snowpack solid-start svelte-kit svelte-package swc tailwindcss tsc tsdown tsgo tsup "
    "turbo unbuild unocss vike vinxi vite vitepress vue-tsc wasm-pack waku webpack worker-build"
)
_BUILDERS = frozenset(_BUILDERS_TEXT.split())
# A script of unknown work that has such a name makes files.
_MAKES = re.compile(
    r"build|bundle|generat|codegen|compile|copy|prepare|inline|prerender|assets|sitemap|version|transform|minif|"
    r"typegen|types|icons|css|embed|concat|postprocess|patch",
    re.IGNORECASE,
)
# What uploads, migrates or publishes in its name, even if it also builds.
_REACHES = re.compile(r"deploy|upload|publish|remote|secret|purge|notify|release|provision|setup|push", re.IGNORECASE)
_GENERATES = {"prisma": "generate", "drizzle-kit": "generate", "wrangler": "types"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The options of a call of `wrangler deploy`, without the environment and the configuration."""

    environment: str | None = None
    config: str = ""
    directory: str = ""
    options: tuple[str, ...] = ()


_TARGETS = ("--env=", "-e=", "--config=", "-c=", "--cwd=")
_VALUED_TEXT = (
    "--name --compatibility-date --compatibility-flags --compatibility-flag --var --define --alias --assets "
    "--site --site-include --site-exclude --tsconfig --jsx-factory --jsx-fragment --base-dir"
)
_VALUED = frozenset(_VALUED_TEXT.split())
_PLAIN_TEXT = "--minify --no-bundle --node-compat --legacy-env --no-legacy-env --keep-vars --latest"
PLAIN = frozenset(_PLAIN_TEXT.split())
_LISTS = frozenset({"--compatibility-flags", "--compatibility-flag", "--var", "--define", "--alias"})


def program_of(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Returns the program that a command starts, without runners and wrappers before it, and its arguments."""
    rest = [*words]
    while rest:
        name = posixpath.basename(_EXECPATH.sub("npm", rest[0])).partition("@")[0] or rest[0]
        if name in _RUNNERS or (name in MANAGERS and rest[1:2] and rest[1] in _EXECUTES):
            rest = _after_options(rest[1 if name in _RUNNERS else 2 :])
        elif name in _WRAPPERS and "--" in rest:
            rest = rest[rest.index("--") + 1 :]
        elif name in _WRAPPERS and rest[1:]:
            rest = [*_after_assignments(rest[1:])]
        else:
            return name, tuple(rest[1:])
    return "", ()


def _after_options(words: Sequence[str]) -> list[str]:
    index = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    return [*words[index:]]


def _after_assignments(words: Sequence[str]) -> Sequence[str]:
    index = next((index for index, word in enumerate(words) if not re.match(r"^(?:-|\w+=)", word)), len(words))
    return words[index:]


def upload_of(words: Sequence[str]) -> Upload | None:
    """Returns the upload that a command is; None for other commands, Pages and a dry run."""
    program, arguments = program_of(words)
    if program in MANAGERS and arguments[:1] and arguments[0] in _UPLOADERS:  # yarn and pnpm start programs, too
        program, arguments = arguments[0], arguments[1:]
    if program not in _UPLOADERS or "--dry-run" in arguments or "pages" in arguments:
        return None
    named = [index for index, word in enumerate(arguments) if word in _UPLOADS]
    plain = [word for word in arguments[: named[0]] if not word.startswith("-")] if named else []
    if not named or not {*plain} <= {"versions"} | _values(arguments):
        return None
    named_target = _values(arguments) | {word.partition("=")[2] for word in arguments if word.startswith(_TARGETS)}
    if any(map(is_open, named_target)):  # CI or a shell completes the target
        return None
    return read_options((*arguments[: named[0]], *arguments[named[0] + 1 :]))


def _values(arguments: Sequence[str]) -> set[str]:
    """Returns the words after the options that name the target."""
    return {
        arguments[index + 1]
        for index, word in enumerate(arguments[:-1])
        if word in {"-e", "--env", "-c", "--config", "--cwd"}
    }


def read_options(words: Sequence[str]) -> Upload:
    """Reads the options of an upload. Those that only production can use are left out."""
    environment, config, directory = None, "", ""
    options: list[str] = []
    rest = [*words]
    while rest:
        word = rest.pop(0)
        name, equals, given = word.partition("=")
        value = given if equals else (rest[0] if rest else "")
        if name in {"-e", "--env", "-c", "--config", "--cwd"}:
            rest = rest if equals else rest[1:]
            environment = value if name in {"-e", "--env"} else environment
            directory = value if name == "--cwd" else directory
            config = value if name in {"-c", "--config"} else config
        elif name in _VALUED:
            taken = [value] if equals else _taken(rest, several=name in _LISTS)
            rest = rest if equals else rest[len(taken) :]
            options += [] if any(map(is_open, taken)) else [name, *taken]
        elif name in PLAIN or (not word.startswith("-") and re.search(r"\.(?:[cm]?[jt]sx?|py)$", word)):
            options.append(word)
    return Upload(environment=environment, config=config, directory=directory, options=tuple(options))


def _taken(rest: Sequence[str], *, several: bool) -> list[str]:
    """Returns the values after an option."""
    if not several:
        return [*rest[:1]]
    index = next((index for index, word in enumerate(rest) if word.startswith("-")), len(rest))
    return [*rest[:index]]


def scripts_of(words: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Returns the scripts of a package.json that a command calls, of those that are `known`."""
    program, arguments = program_of(words)
    if program in _SEVERAL:
        return tuple(word for word in arguments if word in known)
    if program == "node" and arguments[:1] == ("--run",):
        return tuple(word for word in arguments[1:2] if word in known)
    if program not in MANAGERS:
        return ()
    plain = [word for word in arguments if not word.startswith("-")]
    named = plain[1:2] if plain[:1] and plain[0] in {"run", "run-script"} else plain[:1]
    return tuple({"t": "test"}.get(word, word) for word in named if {"t": "test"}.get(word, word) in known)


def is_idle(words: Sequence[str]) -> bool:
    """Whether a command does nothing for a build: it installs packages again, or only prints."""
    program, arguments = program_of(without_directory(words)[0])
    if program in MANAGERS:
        return not arguments or arguments[0] in _INSTALLS or arguments[0].startswith("-")
    return not program or program in _SHELL or program == "corepack"


def work_of(words: Sequence[str], script: str = "") -> Literal["build", "quality", "outward"]:
    """Returns the kind of a command's work. `script` is the name of the script that has the command.

    A program of unknown work makes files if its name, or that of the script, says so. Otherwise it may need accounts.
    """
    program, arguments = program_of(words)
    if program in _GENERATES:
        is_local = _GENERATES[program] in arguments or (program == "wrangler" and _is_dry(arguments))
        return "build" if is_local else "outward"
    if program in _TESTERS or program in _LINTERS or _is_test(program, arguments):
        return "quality"
    if program in _BUILDERS:
        return "build"
    hint = " ".join((program, *(word for word in arguments if not word.startswith("-"))))
    return "build" if _MAKES.search(f"{script} {hint}") and not _REACHES.search(hint) else "outward"


def _is_dry(arguments: Sequence[str]) -> bool:
    return "--dry-run" in arguments or arguments[:1] in {("build",), ("check",)} or "functions" in arguments


def _is_test(program: str, arguments: Sequence[str]) -> bool:
    return (program in MANAGERS and arguments[:1] in {("test",), ("t",)}) or (
        program == "node" and "--test" in arguments
    )
