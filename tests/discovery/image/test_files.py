"""The places in an image that hold files of the stack."""

import pytest

from tasks.discovery.file_view import FileView
from tasks.discovery.image.dockerfile import parse_dockerfile
from tasks.discovery.image.files import BuildContext, image_places

FILES = ("apps/web/manage.py", "apps/web/config/settings.py", "apps/web/uv.lock", "libs/shared/x.py", "uv.lock")
WEB = "apps/web"


def source(directory: str) -> BuildContext:
    view = FileView(FILES, lambda _: "")
    return BuildContext(directory=directory, has=view.has, has_directory=view.has_directory)


@pytest.mark.parametrize(
    ("text", "context", "places"),
    [
        pytest.param("FROM a\nWORKDIR /app\nCOPY . .\n", WEB, (("/app", WEB),), id="all"),
        pytest.param("FROM a\nCOPY . /srv/app/\n", WEB, (("/srv/app", WEB),), id="all, elsewhere"),
        pytest.param("FROM a\nENV H=/home/x\nWORKDIR $H\nWORKDIR in\nADD . .\n", WEB, (("/home/x/in", WEB),), id="ENV"),
        pytest.param(
            "FROM a\nWORKDIR /app\nCOPY apps/web libs ./\n", ".", (("/app", "libs"),), id="contents of directories"
        ),
        pytest.param(
            "FROM a\nWORKDIR /app\nCOPY uv.lock manage.py ./\nCOPY config config\n",
            WEB,
            (
                ("/app/config", "apps/web/config"),
                ("/app/manage.py", "apps/web/manage.py"),
                ("/app/uv.lock", "apps/web/uv.lock"),
            ),
            id="files",
        ),
        pytest.param("FROM a\nCOPY manage.py /x.py\n", WEB, (("/x.py", "apps/web/manage.py"),), id="another name"),
        pytest.param('FROM a\nCOPY ["manage.py", "/x/"]\n', WEB, (("/x/manage.py", "apps/web/manage.py"),), id="list"),
        pytest.param("FROM a\nCOPY . /\nCOPY config /\n", WEB, (), id="the image's root"),
        pytest.param("FROM a\nCOPY nope *.py https://x/y.tgz /x/\n", WEB, (), id="not known"),
        pytest.param("FROM a\nCOPY --from=ghcr.io/uv /uv /bin/\n", WEB, (), id="another image"),
        pytest.param(
            "FROM a AS b\nWORKDIR /build\nCOPY . .\nFROM c\nCOPY --from=b /build /app\n",
            WEB,
            (("/app", WEB),),
            id="another stage",
        ),
        pytest.param(
            "FROM a\nCOPY . /build\nFROM c\nCOPY --from=0 /build/config /app/config\n",
            WEB,
            (("/app/config", "apps/web/config"),),
            id="a part of another stage",
        ),
        pytest.param(
            "FROM a AS b\nCOPY config /out/app/config\nFROM c\nCOPY --from=b /out /\n",
            WEB,
            (("/app/config", "apps/web/config"),),
            id="more of another stage",
        ),
        pytest.param("FROM a AS b\nCOPY . /app\nFROM b\nRUN x\n", WEB, (("/app", WEB),), id="built on another stage"),
        pytest.param("FROM a AS b\nCOPY --from=b /app /app\nCOPY . /app\n", WEB, (("/app", WEB),), id="of itself"),
        pytest.param("", WEB, (), id="empty"),
    ],
)
def test_places_of_an_image(text: str, context: str, places: tuple[tuple[str, str], ...]) -> None:
    assert image_places(parse_dockerfile(text), "", source(context)) == places


def test_only_the_stage_that_is_built_counts() -> None:
    parsed = parse_dockerfile("FROM a AS one\nCOPY . /one\nFROM a AS two\nCOPY . /two\n")

    assert image_places(parsed, "one", source(WEB)) == (("/one", WEB),)
    assert image_places(parsed, "nope", source(WEB)) == ()
