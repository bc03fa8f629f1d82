"""How two schemas are compared: what is the same by another way, and what is not."""

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
def test_column_is_told_by_what_it_does(facts: tuple[str, bool, str, str, str | None, str | None], line: str) -> None:
    assert column(*facts) == line


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE INDEX a_b_123 ON public.a USING btree (b)",
        'CREATE INDEX "A ""b""" ON public.a USING btree (b)',
        "CREATE INDEX a_b_123 ON ONLY public.a USING btree (b)",
    ],
)
def test_index_is_told_without_a_name_that_nobody_chose(definition: str) -> None:
    assert NAME.sub("INDEX ON ", definition) == "CREATE INDEX ON public.a USING btree (b)"


def test_name_that_somebody_chose_counts() -> None:
    assert called("menu_price", frozenset({"menu_price"})) == " menu_price"
    assert called("menu_price_8b711500_uniq", frozenset({"menu_price"})) == ""
