"""Throwaway values: the shape and the name of a variable decide."""

import pytest

from tasks.probes.throwaway_values import throwaway_value


@pytest.mark.parametrize(
    ("name", "shape", "value"),
    [
        ("CSRF_TRUSTED_ORIGINS", "list", "https://csrf-trusted-origins.predeploy.invalid"),
        ("ALLOWED_HOSTS", "list", "localhost,127.0.0.1,testserver"),
        ("FEATURES", "list", "predeploy-features"),
        ("MAX_AGE", "text", "1"),
        ("DATABASE_URL", "text", "the run's database"),
    ],
)
def test_value_has_the_shape_that_the_code_or_the_name_suggests(name: str, shape: str, value: str) -> None:
    assert throwaway_value(name, shape, "the run's database") == value
