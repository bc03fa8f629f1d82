"""Which part of an install script runs with the installation, and which needs the whole tree."""

import json

import pytest

from tasks.packages.install_scripts import parts_of, unpackaged, with_patches_only


@pytest.mark.parametrize(
    ("script", "patches", "rest"),
    [
        ("npx only-allow pnpm", "", ""),
        ("npx -y only-allow pnpm && husky", "", ""),
        ("husky install || true", "", ""),
        ("patch-package", "patch-package", ""),
        ("patch-package && nuxt prepare", "patch-package", "nuxt prepare"),
        ("simple-git-hooks && prisma generate && wrangler types", "", "prisma generate && wrangler types"),
        ("node scripts/setup.mjs", "", "node scripts/setup.mjs"),
        ("huskydog", "", "huskydog"),
        ("", "", ""),
    ],
)
def test_parts_of_a_script(script: str, patches: str, rest: str) -> None:
    assert parts_of(script) == (patches, rest)


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("husky", "husky"),
        ("node a.mjs && husky install", "husky install"),
        ("husky || true", ""),
        ("npx husky", ""),
        ("lefthook install", ""),
        ("git config core.hooksPath .hooks", ""),
    ],
)
def test_hook_of_a_package_that_is_not_asked_for(script: str, missing: str) -> None:
    assert unpackaged(script, {"lefthook"}) == missing


def test_only_patches_stay_in_a_manifest() -> None:
    scripts = {"postinstall": "patch-package && nuxt prepare", "prepare": "husky", "prepublish": "x", "build": "y"}

    kept = json.loads(with_patches_only(json.dumps({"name": "a", "scripts": scripts})))

    assert kept == {"name": "a", "scripts": {"build": "y", "postinstall": "patch-package"}}


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": 3}', '{"scripts": {"build": "x"}}', "{}"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert with_patches_only(text) == text
