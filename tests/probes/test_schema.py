"""The comparison of two schemas: which definitions count as equal."""

import pytest
from predeploy_schema import NAME, called, column


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (("integer", True, "d", "", None, None), "integer NOT NULL numbered"),
        (("integer", True, "", "", "nextval('menu_product_id_seq'::regclass)", None), "integer NOT NULL numbered"),
        (("integer", True, "a", "", None, None), "integer NOT NULL always numbered"),
        (("boolean", True, "", "", "false", None), "boolean NOT NULL DEFAULT false"),
        (("text", False, "", "", None, "und-x-icu"), "text COLLATE und-x-icu"),
        (("integer", False, "", "s", "(a + b)", None), "integer GENERATED s ((a + b))"),
    ],
    ids=["identity", "serial", "always", "default", "collation", "generated"],
)
def test_the_line_of_a_column_has_its_definition(
    facts: tuple[str, bool, str, str, str | None, str | None], line: str
) -> None:
    assert column(*facts) == line


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE INDEX a_b_123 ON public.a USING btree (b)",
        'CREATE INDEX "A ""b""" ON public.a USING btree (b)',
        "CREATE INDEX a_b_123 ON ONLY public.a USING btree (b)",
    ],
)
def test_the_line_of_an_index_lacks_a_generated_name(definition: str) -> None:
    assert NAME.sub("INDEX ON ", definition) == "CREATE INDEX ON public.a USING btree (b)"


def test_only_a_name_from_the_models_is_kept() -> None:
    assert called("menu_price", frozenset({"menu_price"})) == " menu_price"
    assert called("menu_price_8b711500_uniq", frozenset({"menu_price"})) == ""
