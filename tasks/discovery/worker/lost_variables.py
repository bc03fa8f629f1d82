"""Finds reads of variables that the deployed section of a wrangler file lacks: sections do not inherit `vars`."""

import re
from collections.abc import Collection, Iterator, Mapping

from tasks.discovery.documents import Table, parse_dotenv, strings, table
from tasks.discovery.file_view import FileView, parent
from tasks.discovery.worker.lost_bindings import code_of, is_tested
from tasks.discovery.worker.targets import target_of, with_options
from tasks.discovery.worker.worker_env import DESTRUCTURED, bound_names, worker_examples
from tasks.worker import Deploy, LostBinding

# The top level may have a secret's value for development, and Cloudflare the real one.
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|SALT|DSN|CREDENTIAL|PRIVATE|DATABASE|POSTGRES|CONNECTION|WEBHOOK|_PAT$")
_ENV = r"(?<![\w.])(?!(?:\w+\.)*process\.|import\.)(?:\w+\.)*(?:\w*[eE]nv|Bindings)"
# Calls that accept `undefined`, and so do all of the console.
_TOLERANT = r"(?<!\bBoolean)(?<!\bString)(?<!\bNumber)(?<!\bparseInt)(?<!\bparseFloat)(?<!\blog)(?<!\binfo)(?<!\bwarn)"
# Files whose commands may give the Worker a variable or a secret.
_SCRIPTS = re.compile(r"\.(?:ya?ml|sh|tf|mk)$|(?<!\.config)\.[cm]js$|(?:^|/)(?:package\.json|Makefile|[jJ]ustfile)$")


def lost_variables(
    tree: FileView, config: str, paths: Collection[str], document: Table, environment: str, deploy: Deploy
) -> tuple[LostBinding, ...]:
    """Returns the first read of each variable that the top level of a wrangler file sets, and the target lacks.

    The code must need the variable. A name that may be a secret of the target does not count, and none does if the
    deploy keeps the variables of Cloudflare's dashboard.
    """
    here = with_options(target_of(document, environment), deploy.options)
    if environment not in table(document, "env") or here.get("keep_vars") or "--keep-vars" in deploy.options:
        return ()
    bound = {name for section in here.values() for name in bound_names(section)}
    missing = table(document, "vars").keys() - table(here, "vars").keys() - bound
    missing -= {*strings(document, "secrets", "required"), *strings(here, "secrets", "required")}
    texts = code_of(tree, paths) if missing else {}
    needed = {name: place for name in sorted(missing) if (place := _needed_at(texts, name))}
    return tuple(
        LostBinding(name=name, section="vars", file=file, line=line)
        for name, (file, line) in needed.items()
        if not _may_be_secret(tree, config, name, paths)
    )


def _may_be_secret(tree: FileView, config: str, name: str, paths: Collection[str]) -> bool:
    """Whether the target may have a value that the wrangler file does not show: an example or a script names it."""
    examples = worker_examples(parent(config), tree.has)
    if _SECRET.search(name) or any(name in parse_dotenv(tree.text(path)) for path in examples):
        return True
    named = re.compile(rf"\b{re.escape(name)}\b")
    scripts = (path for path in tree.where(_is_script) if path != config and path not in paths)
    return any(named.search(tree.text(path)) for path in scripts)


def _is_script(path: str) -> bool:
    return bool(_SCRIPTS.search(path)) and "node_modules/" not in path


def _needed_at(texts: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """Returns the first place where code fails or sends a wrong text without a variable; None if it tests it."""
    if any(is_tested(text, name) for text in texts.values()):
        return None
    return next(((path, line) for path, text in texts.items() for line in _reads(text, name)), None)


def _reads(text: str, name: str) -> Iterator[int]:
    """Yields the lines that need a variable: its members, a call with it, and a text that it is a part of."""
    word = re.escape(name)
    read = rf"{_ENV}\.{word}\b"
    uses = (rf"{read}\s*[.\[]", rf"{_TOLERANT}\(\s*{read}\s*[,)]", rf"\$\{{\s*{read}\s*\}}", rf"{read}\s*\+")
    made = rf"\bnew \w+\([^()\n]*,\s*{read}\s*[,)]"
    for match in re.finditer("|".join((*uses, made)), text):
        yield text.count("\n", 0, match.start()) + 1
    for match in DESTRUCTURED.finditer(text):
        inside = re.search(rf"\b{word}\b\s*(?:,|$)", match["names"])
        if inside and re.search(rf"(?<![\w.]){word}\s*[.\[]|\$\{{\s*{word}\s*\}}", text[match.end() :]):
            yield text.count("\n", 0, match.start()) + 1
