"""The schema of the fake session is a part of a real engine's schema."""

import os
from pathlib import Path

import graphql
import pytest

from tasks.engines.dagger.session import open_session
from tasks.secrets import NO_SECRETS
from tests.engines.dagger.fake_session import schema
from tests.support.benches import GIVEN, unreachable

if REASON := unreachable():
    pytest.skip(f"the schema of a real engine of containers: {REASON}", allow_module_level=True)

pytestmark = [pytest.mark.real, pytest.mark.network]


def lines(known: graphql.GraphQLSchema) -> set[str]:
    """Every field and every argument with its type, a line each; the values of enumerations."""
    found = set()
    for name, kind in known.type_map.items():
        if isinstance(kind, graphql.GraphQLEnumType):
            found |= {f"{name}.{value}" for value in kind.values}
        if isinstance(kind, graphql.GraphQLInputObjectType):
            found |= {f"{name}.{field}: {each.type}" for field, each in kind.fields.items()}
        if isinstance(kind, graphql.GraphQLObjectType | graphql.GraphQLInterfaceType):
            for field, each in kind.fields.items():
                found |= {f"{name}.{field}: {each.type}"}
                found |= {f"{name}.{field}({given}: {value.type})" for given, value in each.args.items()}
    return {line for line in found if not line.startswith("__")}


async def test_every_field_of_the_fake_schema_exists_in_a_real_engine(tmp_path: Path) -> None:
    environ = {**os.environ, **GIVEN}
    session = await open_session(environ, tmp_path / "dagger.log", NO_SECRETS.redactor, limit=60)
    # the client's own copy of the schema, which has no public accessor
    real = await session.client._ctx.conn.session.get_schema()
    await session.close()

    assert lines(schema()) - lines(real) == set()
