"""Where production builds the frontend."""

import pytest

from tests.discovery.trees import django, web

IMAGE = "FROM node:24 AS assets\nCOPY . .\nRUN apt-get update\nRUN %s\nFROM python:3.13\nCMD gunicorn config.wsgi\n"


@pytest.mark.parametrize(
    ("files", "place", "value"),
    [
        ({"Dockerfile": IMAGE % "npm ci && npm run build"}, "Dockerfile:4", "npm run build"),
        ({"Dockerfile": IMAGE % "../run yarn:build:js"}, "Dockerfile:4", "yarn:build:js"),
        ({"Dockerfile": IMAGE % "npx tailwindcss -o app.css"}, "Dockerfile:4", "npx tailwindcss -o app.css"),
        ({"render_build.sh": "set -e\npnpm install\npnpm run build\n"}, "render_build.sh:3", "pnpm run build"),
        ({"frontend/package.json": '{"scripts": {"build": "webpack"}}'}, "frontend/package.json", "the script build"),
        ({"Dockerfile": IMAGE % "pip install build"}, "", ""),
        ({"package.json": '{"scripts": {"build": "x"}, "workspaces": ["sites/*"]}'}, "", ""),
        ({"package.json": '{"scripts": {"build": "x"}}', "pnpm-workspace.yaml": "packages: []"}, "", ""),
        ({"sites/shop/package.json": '{"scripts": {"build": "astro"}}'}, "", ""),
    ],
)
def test_command_that_builds_the_frontend(files: dict[str, str], place: str, value: str) -> None:
    found = web(django() | files).frontend

    assert (found.place, found.value) == (place, value)
