"""Ranges of Node's releases, as npm reads them."""

import pytest

from tasks.node_range import Release, admits, is_range, lowest_major


def release(text: str) -> Release:
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("", "20.18.0 22.20.0", ""),
        ("*", "20.18.0", ""),
        ("22", "22.0.0 22.20.0", "21.9.9 23.0.0"),
        ("v22.20", "22.20.0 22.20.9", "22.19.0 22.21.0"),
        ("22.x", "22.20.0", "24.0.0"),
        (">=22", "22.0.0 24.19.0", "20.18.0"),
        (">=22.12.0 <23", "22.20.0", "22.11.9 23.0.0 24.19.0"),
        (">= 18 < 21", "20.18.0", "22.0.0"),
        (">20", "21.0.0", "20.18.0"),
        ("<=20", "20.18.0", "21.0.0"),
        ("^20.3 || >=22", "20.18.0 22.0.0", "20.2.0 21.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0 0.2.2"),
        ("~22.4.1", "22.4.9", "22.5.0 22.4.0"),
        ("~22", "22.20.0", "23.0.0"),
        ("18 - 20", "18.0.0 20.18.0", "22.0.0 17.9.9"),
        ("=22.20.0", "22.20.0", "22.20.1"),
        ("==22.*", "22.20.0", "20.20.0"),
        ("18.20.8 || ^20.3.0 || >=22.0.0", "18.20.8 20.18.0 24.0.0", "18.20.9 21.0.0"),
        ("22.0.0-rc.1", "", "22.0.0 22.1.0"),
        (" 22\n", "22.1.0", "23.0.0"),
    ],
)
def test_ranges_accept_the_same_versions_as_in_npm(text: str, yes: str, no: str) -> None:
    assert is_range(text)
    assert [each for each in yes.split() if not admits(text, release(each))] == []
    assert [each for each in no.split() if admits(text, release(each))] == []


@pytest.mark.parametrize(
    "text",
    [
        *("please use yarn", ">=", "lts/*", "lts/jod", "latest", "22.y", ">=20, <22", "^^22", "==22.20.0"),
        *("20 || banana", "workspace:*", "\0", "1." * 500, "9" * 5000),
    ],
)
def test_a_text_that_is_no_range_is_refused(text: str) -> None:
    assert not is_range(text)
    with pytest.raises(ValueError, match="is no range of versions"):
        admits(text, (22, 0, 0))


@pytest.mark.parametrize(
    ("text", "major"),
    [("22", 22), ("v22.4.1", 22), ("^20.3 || >=22.12", 20), ("<18", 18), ("22.0.0-rc.1", 22), ("*", 0), ("yarn3", 0)],
)
def test_lowest_major_version_of_a_range_is_found(text: str, major: int) -> None:
    assert lowest_major(text) == major
