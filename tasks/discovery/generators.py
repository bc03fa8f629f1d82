"""Static site generators as rows: how to recognise each, and where its configuration names the output directory."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """One generator.

    A package uses it if `package` is among its dependencies. `configs` has the names of its configuration file without
    the extension. `command` builds the site if no script does. `output` and `base` are keys of the configuration,
    `output_flag` and `base_flag` options of the command line. Without the option `base_with` no `base` counts.
    `default` is the default output directory. A generator that can also build servers has `static` or `static_script`:
    patterns that a static site matches in its configuration or in a script. `host` is the key with the URL of the site,
    `lenient` a pattern of the setting that accepts broken links.
    """

    name: str
    package: str
    configs: tuple[str, ...]
    command: tuple[str, ...]
    default: str
    output: str = ""
    base: str = ""
    output_flag: str = ""
    base_flag: str = ""
    base_with: str = ""
    static: str = ""
    static_script: str = ""
    word: str = ""
    """The text that a build script contains; `command` if empty."""
    host: str = ""
    lenient: str = ""
    takes_folder: bool = False
    """Whether the command takes the working folder as an argument."""


# The order of the search. Vite is last, because most of the others depend on it.
GENERATORS = (
    Generator(
        name="astro",
        package="astro",
        configs=("astro.config",),
        command=("astro", "build"),
        default="dist",
        output="outDir",
        base="base",
        output_flag="--outDir",
        base_flag="--base",
        host="site",
    ),
    Generator(
        name="next",
        package="next",
        configs=("next.config",),
        command=("next", "build"),
        default="out",
        output="distDir",
        base="basePath",
        static=r"""\boutput\s*:\s*["']export["']""",
        static_script=r"\bnext export\b",
        takes_folder=True,
    ),
    Generator(
        name="nuxt",
        package="nuxt",
        configs=("nuxt.config",),
        command=("nuxt", "generate"),
        default=".output/public",
        base="baseURL",
        static=r"""\bpreset\s*:\s*["'](?:static|github[-_]pages)["']""",
        static_script=r"\bnuxt(?:i)? generate\b",
        word="nuxt generate",
    ),
    Generator(
        name="sveltekit",
        package="@sveltejs/kit",
        configs=("svelte.config", "vite.config"),
        command=("vite", "build"),
        default="build",
        output="pages",
        base="base",
        static=r"@sveltejs/adapter-static",
    ),
    Generator(
        name="gatsby",
        package="gatsby",
        configs=("gatsby-config",),
        command=("gatsby", "build"),
        default="public",
        base="pathPrefix",
        base_with="--prefix-paths",
    ),
    Generator(
        name="docusaurus",
        package="@docusaurus/core",
        configs=("docusaurus.config",),
        command=("docusaurus", "build"),
        default="build",
        base="baseUrl",
        output_flag="--out-dir",
        host="url",
        lenient=r"""\bonBrokenLinks["']?\s*:\s*["'](?:warn|log|ignore)["']""",
        takes_folder=True,
    ),
    Generator(
        name="eleventy",
        package="@11ty/eleventy",
        configs=(".eleventy", "eleventy.config"),
        command=("eleventy",),
        default="_site",
        output="output",
        base="pathPrefix",
        output_flag="--output",
        base_flag="--pathprefix",
        word="eleventy",
    ),
    Generator(
        name="vitepress",
        package="vitepress",
        configs=(".vitepress/config",),
        command=("vitepress", "build"),
        default=".vitepress/dist",
        output="outDir",
        base="base",
        host="hostname",
        lenient=r"""\bignoreDeadLinks["']?\s*:\s*(?!false)\S""",
        output_flag="--outDir",
        base_flag="--base",
        takes_folder=True,
    ),
    Generator(
        name="create-react-app",
        package="react-scripts",
        configs=(),
        command=("react-scripts", "build"),
        default="build",
    ),
    Generator(name="angular", package="@angular/core", configs=(), command=("ng", "build"), default="dist"),
    Generator(
        name="react-router",
        package="@react-router/dev",
        configs=("react-router.config",),
        command=("react-router", "build"),
        default="build/client",
        base="basename",
        static=r"\bssr\s*:\s*false",
    ),
    Generator(
        name="remix",
        package="@remix-run/dev",
        configs=("vite.config",),
        command=("remix", "vite:build"),
        default="build/client",
        base="basename",
        static=r"\bssr\s*:\s*false",
    ),
    *(
        Generator(
            name="hugo",
            package=package,
            configs=(),
            command=("hugo",),
            default="public",
            output_flag="--destination",
            word="hugo",
        )
        for package in ("hugo-bin", "hugo-extended")
    ),
    Generator(
        name="vite",
        package="vite",
        configs=("vite.config",),
        command=("vite", "build"),
        default="dist",
        output="outDir",
        base="base",
        output_flag="--outDir",
        base_flag="--base",
        takes_folder=True,
    ),
)

ENDINGS = (".mjs", ".js", ".ts", ".mts", ".cjs", ".cts")
_COMMENTS = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|//[^\n]*|/\*.*?\*/""", re.DOTALL)


def without_comments(source: str) -> str:
    """Returns JavaScript without comments, so that an option in a comment does not count."""
    return _COMMENTS.sub(lambda match: match.group(1) or " ", source)


def literal(source: str, key: str) -> str:
    """Returns the value of `key: "…"` in a configuration, or an empty text if it is no plain string."""
    if not key:
        return ""
    match = re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*:\s*(["'`])([^"'`$\n]*)\1""", source)
    return match.group(2) if match else ""


def is_computed(source: str, key: str) -> bool:
    """Whether a configuration sets a key to something else than a plain string."""
    if not key or literal(source, key):
        return False
    return re.search(rf"""(?<![\w.$]){re.escape(key)}["']?\s*(?::(?!\s*(["'])\1)|,)""", source) is not None


def flag(script: str, name: str) -> str:
    """Returns the value of an option in a script, or an empty text."""
    match = re.search(rf"{re.escape(name)}[= ]([^\s;&|]+)", script) if name else None
    return match.group(1).strip("\"'") if match else ""
