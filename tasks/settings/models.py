"""The settings of a run, frozen. Nothing here reads a file or the environment."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from tasks.models import Stage
from tasks.settings.flags import Flag, Group, flags_of
from tasks.settings.stack_power import ANY, BELOW, NEVER, NOT_ENVIRONMENT, rules_of
from tasks.settings.tables import ComponentSettings, CustomCheck, WorkerSettings
from tasks.settings.values import (
    BaseImages,
    CheckName,
    Hours,
    RelativePath,
    Seconds,
    Slug,
    VariableName,
    Variables,
)

MYSQL_VARIABLE = "PREDEPLOY_MYSQL_URL"
"""The variable of `mysql_url`, also for the commands that get its value as a secret."""


class Settings(BaseModel, frozen=True, extra="forbid"):
    """All settings of a run. `load_settings` merges them from flags, environment and `predeploy.toml`.

    Each description is the text of `--help`, of docs/cli.md and docs/configuration.md, and of the JSON schema. `ANY`,
    `BELOW` and the other rules say whether a stack's own file may set the key.
    """

    stages: Annotated[tuple[Stage, ...], Flag(group=Group.CHOOSE, name="--stage", metavar="STAGE"), ANY] = Field(
        default=(), description="run only `build`, `quality` or `integration`. By default all stages run"
    )
    only: Annotated[tuple[str, ...], Flag(group=Group.CHOOSE, metavar="CHECK"), ANY] = Field(
        default=(),
        description="run only this check and those that it needs. A check is given by name (`mypy`) or "
        "by id (`mypy[apps/web]`)",
    )
    skip: Annotated[tuple[str, ...], Flag(group=Group.CHOOSE, metavar="CHECK"), ANY] = Field(
        default=(), description="leave out this check and those that need it"
    )
    engine: Annotated[Literal["auto", "dagger", "local"], Flag(group=Group.RUN, metavar="ENGINE"), NEVER] = Field(
        default="auto",
        description="`dagger` (containers), `local` (this machine) or `auto`. `auto` takes containers if an engine is "
        "available",
    )
    fail_fast: Annotated[bool, Flag(group=Group.RUN), ANY] = Field(
        default=False, description="start no further check after the first red one"
    )
    budget: Annotated[Seconds | None, Flag(group=Group.RUN, metavar="SECONDS"), ANY] = Field(
        default=None, description="stop the run after this time. The report lists the checks that did not run"
    )
    jobs: Annotated[int | None, Flag(group=Group.RUN, metavar="N"), ANY] = Field(
        default=None,
        ge=1,
        le=10_000,
        description="how many checks run at once. By default as many as keep the cores busy, by the load that "
        "each had in earlier runs",
    )
    gate: Annotated[bool, Flag(group=Group.DEPLOY), ANY] = Field(
        default=False,
        description="validate a clean clone of the commit; needs `--engine`. All checks run, earlier results do not "
        "count, and only full proof passes. For a Django project that needs `--engine dagger`",
    )
    fresh: Annotated[bool, Flag(group=Group.RUN), ANY] = Field(
        default=False, description="run all checks, and use no result of an earlier run"
    )
    reuse: Annotated[bool, ANY] = Field(
        default=True,
        description="use results of earlier runs: a check does not run again if nothing that it depends on has "
        "changed. `false` runs all checks, and keeps no result",
    )
    base: Annotated[str, Flag(group=Group.DEPLOY, metavar="REF"), ANY] = Field(
        default="",
        description="the deployed commit, from which an upgrade is tried. By default it is found in the history of git",
    )
    environment: Annotated[CheckName | None, Flag(group=Group.DEPLOY, metavar="NAME"), ANY] = Field(
        default=None,
        description="the deploy target, such as `production`. Its secrets are checked, and a missing secret means no "
        "verdict",
    )
    export_image: Annotated[str, Flag(group=Group.DEPLOY, metavar="FILE"), NEVER] = Field(
        default="",
        description="after a pass, write the image as an OCI archive. `{component}` stands for its component",
    )
    export_built: Annotated[str, Flag(group=Group.DEPLOY, metavar="DIR"), NEVER] = Field(
        default="", description="after a pass, write bundles and pages to a new directory"
    )
    publish: Annotated[str, Flag(group=Group.DEPLOY, metavar="REF"), NEVER] = Field(
        default="",
        description="after a pass, push the image to a registry. The credentials are those of Docker, and "
        "`{component}` stands for the component of the image",
    )
    json_output: Annotated[bool, Flag(group=Group.OUTPUT), ANY] = Field(
        default=False, description="print the report as JSON on stdout. Text for people goes to stderr"
    )
    output: Annotated[Literal["auto", "human", "agent"], Flag(group=Group.OUTPUT, metavar="MODE"), ANY] = Field(
        default="auto",
        description="`human`, `agent` (failures only, no colour) or `auto`. `auto` takes `agent` under a coding agent "
        "and in CI",
    )
    trace: Annotated[str, Flag(group=Group.OUTPUT, metavar="FILE", in_help=False), NEVER] = Field(
        default="",
        description="write the trace of the run to a file, in Chrome's format. It has the time of each part",
    )
    weaker_gate: Annotated[Literal["warn", "fail"], ANY] = Field(
        default="warn",
        description="what a weaker gate means: `warn` (a section of the report) or `fail` (the run is red)",
    )
    exclude: Annotated[tuple[RelativePath, ...], ANY] = Field(
        default=(), description="patterns of directories that hold no components"
    )
    postgres: Annotated[Literal["auto", "host", "wheel"], ANY] = Field(
        default="auto",
        description="the Postgres of the embedded engine: `host` (installed here), `wheel` (packaged) or `auto`. "
        "`auto` takes the host's if possible",
    )
    mysql_url: Annotated[SecretStr | None, NEVER] = Field(
        default=None,
        description="a MySQL or MariaDB server for projects with mysqlclient or PyMySQL: `mysql://user:password@host`. "
        "Each command gets a database with a random name, which is dropped after it. It needs `engine` `local`",
    )
    images: Annotated[BaseImages, NEVER] = Field(
        default_factory=dict,
        description="the images in which the container engine runs checks, by `python`, `node`, `postgres` and `uv`. "
        "`{version}` is the version that the stack needs",
    )
    cloudflare_plan: Annotated[Literal["free", "paid"], ANY] = Field(
        default="paid",
        description="the plan of the Cloudflare account, which has the limits of Workers. With `paid` an excess of the "
        "free plan's limits is a warning",
    )
    env: Annotated[Variables, ANY] = Field(
        default_factory=dict,
        description="environment variables for Django, for builds of sites, and for the stack's own checks",
    )
    secrets_provider: Annotated[Literal["auto", "doppler", "env", "file", "none"], NOT_ENVIRONMENT] = Field(
        default="auto",
        description="the provider of secrets: `doppler`, `env` (the environment), `file`, `none` or `auto`. `auto` "
        "takes `secrets_file` if it is set, Doppler if there is a token, and else the environment",
    )
    secrets_file: Annotated[str | None, BELOW] = Field(
        default=None,
        min_length=1,
        description="a file with `NAME=value` lines, relative to the stack. git must ignore it, and only its owner may "
        "read it (mode 0600)",
    )
    doppler_project: Annotated[Slug | None, ANY] = Field(
        default=None,
        description="the project in Doppler, for tokens that read more than one. By default `DOPPLER_PROJECT`",
    )
    doppler_config: Annotated[Slug | None, ANY] = Field(
        default=None,
        description="the config in Doppler with the secrets of checks. By default `DOPPLER_CONFIG`",
    )
    doppler_configs: Annotated[dict[CheckName, Slug], ANY] = Field(
        default={"staging": "stg", "production": "prd"},
        description="the config in Doppler of each deploy target",
    )
    deploy_secrets: Annotated[dict[VariableName, Literal["required", "optional", "unneeded"]], ANY] = Field(
        default_factory=dict,
        description="corrections to the secrets that a deploy needs: `required`, `optional` or `unneeded` for a name",
    )
    doppler_limit: Annotated[Seconds, ANY] = Field(default=20.0, description="seconds within which Doppler must answer")
    doppler_snapshot: Annotated[Hours | None, ANY] = Field(
        default=None,
        description="hours for which an encrypted copy of secrets is used if Doppler does not answer. By default no "
        "copy is kept",
    )
    limits: Annotated[dict[str, Seconds], ANY] = Field(
        default_factory=dict, description="seconds that a check may take, by the name of the check"
    )
    component: Annotated[dict[RelativePath, ComponentSettings], ANY] = Field(
        default_factory=dict, description="settings of a component, by its path"
    )
    worker: Annotated[dict[str, WorkerSettings], ANY] = Field(
        default_factory=dict, description="settings of a running Worker, by its name or path"
    )
    check: Annotated[tuple[CustomCheck, ...], ANY] = Field(
        default=(), description="the stack's own checks, a table each"
    )

    @property
    def deploy_config(self) -> str:
        """The config in Doppler of the deploy target; empty without a target."""
        return self.doppler_configs.get(self.environment or "", "")

    @property
    def optional_secrets(self) -> frozenset[str]:
        """Names that are optional for every component and check that declares them."""
        declaring: list[ComponentSettings | CustomCheck] = [*self.component.values(), *self.check]
        required = {name for each in declaring for name in each.secrets}
        required |= {name for each in self.component.values() for name in each.image.secrets}
        return frozenset(name for each in declaring for name in each.optional_secrets if name not in required)


FLAGS = flags_of(Settings)
"""The flag of each setting that has one."""
STACK_RULES = rules_of(Settings)
"""For each setting, whether the `predeploy.toml` of a stack may set it."""
