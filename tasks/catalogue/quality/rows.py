"""Rows for quality tools of Python and Node: each tool that the stack uses, as the stack calls it."""

from tasks.catalogue.quality import linters, node_tools, node_types, runners, type_checkers
from tasks.catalogue.quality.usage import absence
from tasks.catalogue.row import Row
from tasks.models import Stage
from tasks.stack import Kind

NODE = (Kind.WORKER, Kind.SITE)
WEB = (Kind.WEB,)
ROWS = (
    Row(
        name="ruff_check",
        title="ruff check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=linters.ruff_check,
        absent=lambda component, context: absence(component, context, "ruff", "ruff check", "ruff format"),
    ),
    Row(
        name="ruff_format",
        title="ruff format --check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=linters.ruff_format,
        absent=linters.format_absent,
    ),
    Row(
        name="black",
        title="black --check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=linters.black,
        absent=lambda component, context: absence(component, context, "black"),
    ),
    Row(
        name="isort",
        title="isort --check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=linters.isort,
        absent=lambda component, context: absence(component, context, "isort"),
    ),
    Row(
        name="flake8",
        title="flake8",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=linters.flake8,
        absent=lambda component, context: absence(component, context, "flake8"),
    ),
    Row(
        name="mypy",
        title="mypy",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=type_checkers.mypy,
        absent=lambda component, context: absence(component, context, "mypy"),
    ),
    Row(
        name="pyright",
        title="pyright",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=type_checkers.pyright,
        absent=lambda component, context: absence(component, context, "pyright"),
    ),
    Row(
        name="pytest",
        title="pytest",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=runners.pytest,
        absent=runners.pytest_absent,
        skip_reason=runners.pytest_skip_reason,
        database="empty",
    ),
    Row(
        name="django_test",
        title="manage.py test",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=runners.django_test,
        absent=runners.django_test_absent,
        skip_reason=runners.django_test_skip_reason,
        database="empty",
    ),
    Row(
        name="tsc",
        title="tsc",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=node_types.tsc,
        absent=node_types.tsc_absent,
    ),
    Row(
        name="vue_tsc",
        title="vue-tsc",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=node_types.vue_tsc,
        absent=node_types.vue_tsc_absent,
    ),
    Row(
        name="svelte_check",
        title="svelte-check",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=node_types.svelte_check,
        absent=lambda component, _: node_tools.node_absent("svelte-check", component),
    ),
    Row(
        name="eslint",
        title="eslint",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=node_tools.eslint,
        absent=node_tools.eslint_absent,
    ),
    Row(
        name="vitest",
        title="vitest",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=node_tools.vitest,
        absent=lambda component, _: node_tools.node_absent("vitest", component),
    ),
    Row(
        name="astro_check",
        title="astro check",
        stage=Stage.QUALITY,
        kinds=(Kind.SITE,),
        commands=node_tools.astro_check,
        absent=lambda component, _: node_tools.node_absent("@astrojs/check", component),
    ),
)
