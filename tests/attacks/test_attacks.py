"""All attacks are survived. `python -m tests.attacks.table` prints the same table."""

import pytest

from tests.attacks.attack import Attack, as_table, perform
from tests.attacks.table import try_all


@pytest.mark.slow
@pytest.mark.real
def test_all_attacks_are_survived() -> None:
    results = try_all()

    assert len(results) >= 3000
    assert not any(each.failure for each in results), as_table(results)


def test_failure_and_hang_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.attacks.attack.LIMIT", 1)

    def hang() -> None:
        while True:
            pass

    attacks = [
        Attack(category="a", name="fine", survives=lambda: None),
        Attack(category="a", name="wrong", survives=lambda: "it was believed"),
        Attack(category="b", name="raises", survives=lambda: 1 // 0),  # type: ignore[return-value, arg-type]
        Attack(category="b", name="hangs", survives=hang),
    ]

    table = as_table(perform(attacks)).splitlines()

    assert [line.split()[:4] for line in table[1:4]] == [
        ["a", "2", "1", "1"],
        ["b", "2", "0", "2"],
        ["all", "4", "1", "3"],
    ]
    assert table[4:] == [
        "a: wrong: it was believed",
        "b: raises: ZeroDivisionError: integer division or modulo by zero",
        "b: hangs: it was not over after 1 s",
    ]
