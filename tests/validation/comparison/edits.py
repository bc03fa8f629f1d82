"""Edits that make the checks of a stack weaker, or do not, and what is said. docs/checks.md has them as a table."""

from dataclasses import dataclass

from tasks.validation.comparison.changes import FileChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit in words, its files as path, text before and text after, and the lines that are said."""

    what: str
    files: tuple[tuple[str, str | None, str | None], ...]
    said: tuple[str, ...]

    @property
    def changes(self) -> tuple[FileChange, ...]:
        return tuple(FileChange(path=path, before=before, after=after) for path, before, after in self.files)


def edit(what: str, path: str, before: str | None, after: str | None, *said: str) -> Edit:
    return Edit(what=what, files=((path, before, after),), said=said)


MYPY = "[tool.mypy]\nstrict = true\n"
LINT = '[tool.ruff.lint]\nselect = ["E", "F", "S"]\nignore = []\n'
EDITS = (
    edit(
        "a line gets `# noqa: F401`", "a.py", "import os\n", "import os  # noqa: F401\n", "a.py:1 new: `# noqa: F401`"
    ),
    edit(
        "a rule is added to a `noqa`",
        "a.py",
        "import os  # noqa: F401\n",
        "import os  # noqa: F401, E501\n",
        "a.py:1 new: `# noqa: E501`",
    ),
    edit("a `noqa` loses its rule", "a.py", "x = 1  # noqa: E501\n", "x = 1  # noqa\n", "a.py:1 new: `# noqa`"),
    edit("the code of a line with `noqa` changes", "a.py", "x = 1  # noqa\n", "y = 2  # noqa\n"),
    Edit(
        what="a line with `noqa` moves to another file",
        files=(("a.py", "import os  # noqa\n", ""), ("b.py", None, "import os  # noqa\n")),
        said=(),
    ),
    edit("a text of Python has the words", "a.py", "", 'say = "# noqa"\n'),
    edit(
        "two lines get `# type: ignore[arg-type]`",
        "a.py",
        "f(1)\ng(1)\n",
        "f(1)  # type: ignore[arg-type]\ng(1)  # type: ignore[arg-type]\n",
        "a.py:1 2 new: `# type: ignore: arg-type`",
    ),
    edit("a line gets `@ts-ignore`", "src/a.ts", "f(1);\n", "// @ts-ignore\nf(1);\n", "src/a.ts:1 new: `@ts-ignore`"),
    edit(
        "a line gets `eslint-disable-next-line`",
        "src/a.ts",
        "eval(x);\n",
        "// eslint-disable-next-line no-eval -- it is safe\neval(x);\n",
        "src/a.ts:1 new: `eslint-disable: no-eval`",
    ),
    edit(
        "a test is skipped",
        "tests/test_a.py",
        "def test_a(): ...\n",
        '@pytest.mark.skip("later")\ndef test_a(): ...\n',
        "tests/test_a.py:1 new: `pytest.mark.skip`",
    ),
    edit(
        "a test is expected to fail",
        "tests/test_a.py",
        "def test_a(): ...\n",
        "@pytest.mark.xfail\ndef test_a(): ...\n",
        "tests/test_a.py:1 new: `pytest.mark.xfail`",
    ),
    edit(
        "one test of vitest gets `.only`",
        "src/a.test.ts",
        "it('a', f);\nit('b', f);\n",
        "it.only('a', f);\nit('b', f);\n",
        "src/a.test.ts:1 new: `.only`, which skips the other tests of the file",
    ),
    edit(
        "a test is deleted",
        "tests/test_a.py",
        "def test_a(): ...\ndef test_b(): ...\n",
        "def test_b(): ...\n",
        "tests/test_a.py 1 test less: test_a",
    ),
    edit("a test is renamed", "tests/test_a.py", "def test_a(): ...\n", "def test_price(): ...\n"),
    Edit(
        what="a test moves to another file",
        files=(("test_a.py", "def test_a(): ...\n", None), ("test_b.py", None, "def test_a(): ...\n")),
        said=(),
    ),
    edit(
        "ruff gets fewer rules",
        "pyproject.toml",
        LINT,
        LINT.replace(', "S"', ""),
        "pyproject.toml:2 `ruff.lint.select` lacks `S`",
    ),
    edit(
        "ruff ignores a rule",
        "pyproject.toml",
        LINT,
        LINT.replace("[]", '["E501"]'),
        "pyproject.toml:3 `ruff.lint.ignore` has `E501`",
    ),
    edit(
        "ruff's limit of complexity is raised",
        "ruff.toml",
        "[lint.mccabe]\nmax-complexity = 10\n",
        "[lint.mccabe]\nmax-complexity = 20\n",
        "ruff.toml:2 `ruff.lint.mccabe.max-complexity` is 20 instead of 10",
    ),
    edit(
        "mypy is not strict any more",
        "pyproject.toml",
        MYPY,
        "[tool.mypy]\nfiles = ['a']\n",
        "pyproject.toml `mypy.strict` is off",
    ),
    Edit(
        what="mypy's settings move to another file",
        files=(("pyproject.toml", MYPY, ""), ("mypy.ini", None, "[mypy]\nstrict = True\n")),
        said=(),
    ),
    edit(
        "mypy ignores the errors of a package",
        "pyproject.toml",
        MYPY,
        f'{MYPY}[[tool.mypy.overrides]]\nmodule = "shop.*"\nignore_errors = true\n',
        "pyproject.toml:5 `mypy.overrides.shop.*.ignore_errors` is on",
    ),
    edit(
        "pytest leaves out a directory",
        "pytest.ini",
        "[pytest]\naddopts = --strict-markers\n",
        "[pytest]\naddopts = --ignore=tests/slow\n",
        "pytest.ini:2 `pytest.addopts` has `--ignore`",
        "pytest.ini:2 `pytest.addopts` lacks `--strict-markers`",
    ),
    edit(
        "the limit of coverage is lowered",
        "pyproject.toml",
        "[tool.coverage.report]\nfail_under = 90\n",
        "[tool.coverage.report]\nfail_under = 70\n",
        "pyproject.toml:2 `coverage.report.fail_under` is 70 instead of 90",
    ),
    edit(
        "TypeScript is not strict any more",
        "tsconfig.json",
        '{"compilerOptions": {\n"strict": true}}',
        '{"compilerOptions": {\n"strict": false}} // later',
        "tsconfig.json:2 `tsconfig.compilerOptions.strict` is off",
    ),
    edit(
        "a rule of eslint becomes a warning",
        ".eslintrc.json",
        '{"rules": {"no-eval": "error"}}',
        '{"rules": {"no-eval": ["warn"]}}',
        ".eslintrc.json `eslint.rules.no-eval` is a warning",
    ),
    edit(
        "a rule of eslint is off",
        "eslint.config.js",
        "export default [{ rules: {} }];\n",
        "export default [{ rules: { 'no-eval': 'off' } }];\n",
        "eslint.config.js:1 new: an eslint rule without errors: `no-eval`",
    ),
    edit(
        "a script of checks is gone",
        "package.json",
        '{"scripts": {"lint": "eslint .", "build": "vite build"}}',
        '{"scripts": {"build": "vite build"}}',
        "package.json `package.scripts.lint` is gone",
    ),
    edit(
        "a job hides its failure",
        ".github/workflows/ci.yml",
        "steps:\n- run: pytest\n",
        "steps:\n- run: pytest || true\n",
        ".github/workflows/ci.yml:2 new: `|| true`, which hides a failure",
    ),
    edit(
        "an own check is gone",
        "predeploy.toml",
        '[[check]]\nname = "words"\nrun = "./words"\n[[check]]\nname = "links"\nrun = "./links"\n',
        '[[check]]\nname = "links"\nrun = "./links"\n',
        "predeploy.toml `predeploy.check.words.run` is gone",
    ),
    edit(
        "a check is skipped by `predeploy.toml`",
        "predeploy.toml",
        "jobs = 2\n",
        'skip = ["mypy"]\n',
        "predeploy.toml:1 `predeploy.skip` has `mypy`",
    ),
)
