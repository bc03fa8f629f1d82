"""Sorts the arguments of a quality tool: options that matter, paths, and what only changes the output."""

import re
from collections.abc import Mapping, Sequence

DJANGO_TEST = "manage.py test"
TOOLS = ("ruff check", "ruff format", "black", "isort", "flake8", "mypy", "pyright", "pytest", DJANGO_TEST)

# A word that only a shell, make, just, tox or a template can complete.
_OPEN = re.compile(r"[$`]|\{\{|\{\w*posargs|^\*$|^[<>&]|^\d?>")
# Options with their value in the next word.
_VALUED: Mapping[str, str] = {
    "ruff check": "--select --ignore --extend-select --extend-ignore --exclude --extend-exclude --config "
    "--target-version --line-length --output-format --output-file --fixable --unfixable --per-file-ignores "
    "--format --cache-dir --stdin-filename",
    "ruff format": "--exclude --extend-exclude --config --target-version --line-length --cache-dir --output-format",
    "black": "-l --line-length -t --target-version --include --exclude --extend-exclude --force-exclude --config "
    "-W --workers --required-version",
    "isort": "--profile --settings-path --sp --settings-file --skip -s --extend-skip --skip-glob --sg "
    "--extend-skip-glob --src --src-path -l --line-length -p --project --jobs -j",
    "flake8": "--select --ignore --extend-select --extend-ignore --exclude --extend-exclude --filename --config "
    "--append-config --max-line-length --max-complexity --max-doc-length --per-file-ignores --format --output-file "
    "--jobs -j --builtins",
    "mypy": "--config-file -p --package -m --module --exclude --python-version --platform --follow-imports "
    "--cache-dir --junit-xml --html-report --txt-report --cobertura-xml-report --python-executable "
    "--enable-error-code --disable-error-code --enable-incomplete-feature --always-true --always-false --output -O "
    "--untyped-calls-exclude",
    "pyright": "-p --project --pythonpath --pythonplatform --pythonversion -v --venvpath --venv-path -t "
    "--typeshedpath --level",
    "pytest": "-m -k -n --numprocesses -o --override-ini -p -c --config-file -W --pythonwarnings --ds --dc --rootdir "
    "--tb --junitxml --junit-xml --maxfail --durations --color --cov-report --cov-config --ignore --ignore-glob "
    "--deselect --import-mode --dist --maxprocesses -r --confcutdir --timeout --splits --group --html "
    "--reruns --log-level --log-cli-level --basetemp",
    DJANGO_TEST: "--settings --pythonpath -v --verbosity -p --pattern -t --top-level-directory --tag --exclude-tag -k "
    "--testrunner --shard --durations",
}
# Options that change the output, write files, end early or correct code, but not what is looked at.
_IGNORED: Mapping[str, str] = {
    "ruff check": "--fix --no-fix --fix-only --unsafe-fixes --show-fixes --show-files --statistics --diff --quiet -q "
    "--output-format --output-file --format --no-cache --cache-dir --exit-non-zero-on-fix --watch -w --verbose -v "
    "--silent -s --force-exclude --show-source -n --no-show-fixes",
    "ruff format": "--check --diff --quiet -q --no-cache --cache-dir --verbose -v --silent -s --force-exclude "
    "--output-format --exit-non-zero-on-format",
    "black": "--check --diff --color --no-color -q --quiet -v --verbose -W --workers --fast --safe",
    "isort": "--check --check-only -c --diff --quiet -q --verbose -v --color --jobs -j --atomic --show-files --df "
    "--interactive --overwrite-in-place",
    "flake8": "--count --show-source --no-show-source --statistics --format --output-file --tee --color --jobs -j -q "
    "--quiet -v --verbose --benchmark",
    "mypy": "--show-traceback --tb --pretty --no-pretty --color-output --no-color-output --error-summary "
    "--no-error-summary --hide-error-context --show-error-context --show-column-numbers --hide-column-numbers "
    "--show-error-codes --hide-error-codes --show-error-end --cache-dir --junit-xml --html-report --txt-report "
    "--cobertura-xml-report --install-types --non-interactive --verbose -v --sqlite-cache --skip-cache-mtime-checks "
    "--incremental --no-incremental --show-absolute-path --output -O --python-executable --any-exprs-report "
    "--linecount-report --linecoverage-report --cache-fine-grained --fast-module-lookup",
    "pyright": "--outputjson --stats --verbose --watch -w --pythonpath --venvpath --venv-path --threads",
    "pytest": "-v -vv -vvv -q -qq -s -x -l -ra -rA -rf -rs -rx -r -sv -vs -xv -svv -vvs --verbose --quiet "
    "--capture=no --tb --junitxml --junit-xml --maxfail --durations --durations-min --color --cov-report --html "
    "--self-contained-html --exitfirst --lf --ff --last-failed --failed-first --nf --sw --stepwise --pdb "
    "--showlocals --no-header --no-summary --log-level --log-cli-level --basetemp --cache-clear --instafail --pastebin "
    "--reuse-db --create-db",
    DJANGO_TEST: "-v -v0 -v1 -v2 -v3 --verbosity --noinput --no-input --keepdb --failfast --timing --no-color "
    "--force-color --traceback --buffer -b --pdb --durations --debug-sql --reverse -r",
}
# With these the tool checks nothing, or its owner ignores its findings.
_VOID = frozenset(
    {"--version", "-V", "--help", "-h", "--exit-zero", "--collect-only", "--co", "--fixtures", "--markers"}
)
# Settings of pytest's `-o` that change only a report.
_REPORTS = re.compile(r"^(?:junit|log_|console_output|cache_dir)")


def is_open(word: str) -> bool:
    """Whether a word has a variable, a template or a redirection, so that its value is unknown."""
    return bool(_OPEN.search(word))


def sort_arguments(tool: str, words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Returns the options that matter and the paths (or labels) of a call; None if the call checks nothing."""
    valued, ignored = frozenset(_VALUED[tool].split()), frozenset(_IGNORED[tool].split())
    options: list[str] = []
    paths: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name = word.partition("=")[0]
        if word in _VOID:
            return None
        if is_redirection(word):
            rest = rest[1:] if word.endswith(">") else rest
        elif word == "--":
            paths += [each for each in rest if not is_open(each)]
            break
        elif not word.startswith("-"):
            paths += [] if is_open(word) else [word]
        elif name == "--parallel" and rest and rest[0].isdigit():
            options += [word, rest.pop(0)]
        else:
            value = [rest.pop(0)] if word in valued and rest else []
            if not _is_ignored(name, value, ignored) and not any(map(is_open, (word, *value))):
                options += [word, *value]
    return tuple(options), tuple(paths)


def is_redirection(word: str) -> bool:
    """Whether a word sends output elsewhere: `>`, `2>&1`, `>file`."""
    return bool(re.match(r"^(?:\d|&)?>", word))


def _is_ignored(name: str, value: Sequence[str], ignored: frozenset[str]) -> bool:
    if name in {"-o", "--override-ini"} and value:
        return bool(_REPORTS.match(value[0]))
    return name in ignored
