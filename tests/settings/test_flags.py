"""Flags as settings declare them: the parts that a field supplies, and the rules for their texts."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from flows.cli.declarations import RUN_FLAGS, SUBCOMMANDS
from flows.cli.help import COLUMN, WIDTH
from tasks.settings import FLAGS, Settings
from tasks.settings.flags import Flag, Group, flags_of

DECLARED = {(name, option): flag for name, each in SUBCOMMANDS.items() for option, flag in each.flags.items()}
DECLARED |= {("", option): flag for option, flag in RUN_FLAGS.items()}


class Small(BaseModel):
    only_these: Annotated[tuple[str, ...], Flag(group=Group.CHOOSE, metavar="NAME")] = Field(
        default=(), description="run only `this`. By default everything runs"
    )
    is_loud: Annotated[bool, Flag(group=Group.OUTPUT, name="--loud")] = Field(default=False, description="be loud")
    silent: str = Field(default="", description="a setting without a flag")


def test_flag_is_declared_by_its_field() -> None:
    flags = flags_of(Small)

    assert list(flags) == ["only_these", "is_loud"]
    only, loud = flags.values()
    assert (only.name, only.usage, only.is_repeatable) == ("--only-these", "--only-these NAME", True)
    assert only.description == "run only `this`; repeatable. By default everything runs"
    assert only.help == "run only this; repeatable"
    assert (loud.name, loud.usage, loud.is_repeatable, loud.help) == ("--loud", "--loud", False, "be loud")


def test_a_list_is_repeatable_and_a_switch_has_no_value() -> None:
    kinds = {name: str(Settings.model_fields[name].annotation) for name in FLAGS}

    assert {name for name, flag in FLAGS.items() if flag.is_repeatable} == {"stages", "only", "skip"}
    assert {name for name, flag in FLAGS.items() if not flag.metavar} == {
        name for name, kind in kinds.items() if kind == "<class 'bool'>"
    }


@pytest.mark.parametrize("flag", DECLARED.values(), ids=[" ".join(filter(None, each)) for each in DECLARED])
def test_the_help_of_a_flag_fits_one_line(flag: Flag) -> None:
    assert flag.name.startswith("--")
    assert len(flag.usage) <= COLUMN - 4
    assert 0 < len(flag.help) <= WIDTH - COLUMN
    assert not flag.text.endswith(".")


def test_flag_of_a_run_has_a_group_and_a_unique_name() -> None:
    assert all(flag.group for flag in RUN_FLAGS.values())
    assert len({flag.name for flag in RUN_FLAGS.values()}) == len(RUN_FLAGS)
