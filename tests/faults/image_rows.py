"""Faults of the image that a component is deployed as: only an engine of containers builds one. Data only."""

from pathlib import Path

from tests.faults.fault import CONTAINERS, WEB, Edit, Fault, Red, append, delete, limit, open_, red, replace, write

DOCKERFILE, ELSEWHERE = f"{WEB}/Dockerfile", "ops/web.Dockerfile"
INSTALL = "RUN pip install --no-cache-dir --require-hashes -r requirements.lock\n"
COLLECT = "RUN SECRET_KEY=unused DATABASE_URL=postgres://unused python manage.py collectstatic --noinput\n"
SERVE = 'CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000"]\n'
TWO_STAGES = f"""FROM python:3.13-slim AS packages
WORKDIR /app
COPY requirements.lock ./
{INSTALL}
FROM python:3.13-slim
WORKDIR /app
COPY . .
USER nobody
{SERVE}"""


def image_fault(name: str, *edits: Edit, red: Red | None = None, exit: int = 1) -> Fault:
    """A row that only a built image shows."""
    return Fault(name=name, edits=edits, red=(red,) if red else (), exit=exit, engines=CONTAINERS)


def changed(old: str, new: str) -> Edit:
    """Another text in the Dockerfile."""
    return replace(DOCKERFILE, old, new)


def move(file: str, to: str) -> Edit:
    """Has a file lie elsewhere."""

    def edit(stack: Path) -> None:
        (stack / to).parent.mkdir(parents=True, exist_ok=True)
        (stack / file).rename(stack / to)

    return edit


def container(code: str, line: int | str, says: str) -> Red:
    """The check of the image is red, at a line of the Dockerfile or at another place."""
    return red("django_container", code, f"{DOCKERFILE}:{line}" if isinstance(line, int) else line, says)


SYNTAX = (
    image_fault(
        "an instruction of the Dockerfile is misspelt",
        changed("RUN useradd", "RUNN useradd"),
        red=container("dockerfile", 17, "unknown instruction: RUNN (did you mean RUN?)"),
    ),
    image_fault(
        "the Dockerfile is empty",
        write(DOCKERFILE, "# python manage.py runserver comes later\n"),
        red=container("dockerfile", DOCKERFILE, "no instructions"),
    ),
    image_fault(
        "a heredoc of the Dockerfile never ends",
        changed("RUN useradd --system --no-create-home cafe\n", "RUN <<END\nuseradd --system cafe\n"),
        red=container("dockerfile", 17, "unterminated heredoc"),
    ),
    image_fault(
        "a flag of COPY is misspelt",
        changed("COPY . .", "COPY --chwon=nobody . ."),
        red=container("dockerfile", 12, "unknown flag: chwon"),
    ),
    image_fault(
        "the list of CMD is no JSON",
        changed('["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000"]', "['gunicorn', 'config.wsgi']"),
        red=red("django_health", "tool_missing", "", "not found"),
    ),
)

BASES = (
    image_fault(
        "the Dockerfile begins from a tag that does not exist",
        changed("python:3.13-slim", "python:3.13-slimm"),
        red=container("base_image", 1, "not found"),
    ),
    image_fault(
        "the base image's argument has no value",
        changed("FROM python:3.13-slim", "ARG PYTHON_VERSION\nFROM python:${PYTHON_VERSION}"),
        red=container("dockerfile", 2, "invalid reference format"),
    ),
    image_fault(
        "a stage that does not exist is copied from",
        changed("COPY . .", "COPY . .\nCOPY --from=biuld /app/static ./static"),
        red=container("base_image", 13, "biuld"),
    ),
    image_fault(
        "the image is built for a stage that does not exist",
        write("predeploy.toml", '[component."apps/web".image]\ntarget = "production"\n'),
        red=container("dockerfile", DOCKERFILE, 'target stage "production" could not be found'),
    ),
)

CONTEXTS = (
    image_fault(
        "a file is copied that is not there",
        changed("COPY requirements.lock", "COPY requirements.txt"),
        red=container("dockerfile", 9, "COPY requirements.txt: there is no such file"),
    ),
    image_fault(
        "a file is copied that .dockerignore leaves out",
        append(f"{WEB}/.dockerignore", "*.lock\n"),
        red=container("dockerfile", 9, "or .dockerignore leaves it out"),
    ),
    image_fault(
        "a file outside of the build's context is copied",
        changed("COPY . .", "COPY . .\nCOPY ../../pnpm-lock.yaml ."),
        red=container("dockerfile", 13, "files outside of the build's context cannot be copied"),
    ),
    image_fault(
        "files are copied for a user that does not exist",
        changed("COPY . .", "COPY --chown=coffee . ."),
        red=container("dockerfile", 12, "no such user: coffee"),
    ),
    image_fault(
        "a RUN needs a secret that nobody gives it",
        changed(INSTALL, f"RUN --mount=type=secret,id=INDEX_TOKEN,required=true {INSTALL.removeprefix('RUN ')}"),
        red=open_("django_container", "secret_absent", f"{DOCKERFILE}:10", "INDEX_TOKEN"),
        exit=3,
    ),
)

MOVED = (
    move(DOCKERFILE, ELSEWHERE),
    write("predeploy.toml", f'[component."{WEB}".image]\ndockerfile = "{ELSEWHERE}"\ncontext = "{WEB}"\n'),
)
PLACES = (
    image_fault(
        "the Dockerfile lies outside of its context, and what is ignored there would hide it",
        *MOVED,
        append(f"{WEB}/.dockerignore", "*Dockerfile\n.*\n"),
        exit=0,
    ),
    image_fault(
        "a mistake in a Dockerfile that lies outside of its context",
        *MOVED,
        replace(ELSEWHERE, "COPY requirements.lock", "COPY requirements.txt"),
        red=container("dockerfile", f"{ELSEWHERE}:9", "COPY requirements.txt: there is no such file"),
    ),
    image_fault(
        "a file is copied that is ignored for this Dockerfile alone",
        *MOVED,
        write(f"{ELSEWHERE}.dockerignore", "*.lock\n"),
        red=container("dockerfile", f"{ELSEWHERE}:9", "or .dockerignore leaves it out"),
    ),
)

RUNS = (
    image_fault(
        "a RUN fails without a secret that it may be given",
        changed(INSTALL, f"RUN --mount=type=secret,id=INDEX_TOKEN test -s /run/secrets/INDEX_TOKEN\n{INSTALL}"),
        red=open_("django_container", "secret_absent", f"{DOCKERFILE}:10", "INDEX_TOKEN"),
        exit=3,
    ),
    image_fault(
        "a RUN of the Dockerfile fails",
        changed("useradd --system", "useradd --sistem"),
        red=container("image_build", 17, "sistem"),
    ),
    image_fault(
        "the Dockerfile installs from a file that is not there",
        changed("-r requirements.lock\n", "-r requirements/production.lock\n"),
        red=container("image_build", 10, "requirements/production.lock"),
    ),
    image_fault(
        "the Dockerfile has another working directory than its commands",
        changed("COPY . .", "COPY . ./web/"),
        red=container("image_build", 15, "can't open file '/app/manage.py'"),
    ),
    image_fault(
        "a RUN needs a program that the base image does not have",
        changed(COLLECT, f"RUN msgfmt --version\n{COLLECT}"),
        red=container("image_build", 15, "msgfmt: not found"),
    ),
    image_fault(
        "a RUN needs a library that the base image does not have",
        changed(COLLECT, f"RUN python -c \"import ctypes; ctypes.CDLL('libmagic.so.1')\"\n{COLLECT}"),
        red=container("image_build", 15, "libmagic.so.1"),
    ),
    image_fault(
        "the settings ask for a variable that is not there while the image is built",
        changed("RUN SECRET_KEY=unused ", "RUN "),
        red=container("image_build", 15, "SECRET_KEY"),
    ),
)

# The settings redirect to https, as behind a proxy, so the request says that it came by https.
ASKING = (
    'HEALTHCHECK --interval=1s CMD python -c "import urllib.request as u; '
    "u.urlopen(u.Request('http://localhost:%d/', headers={'X-Forwarded-Proto': 'https'}))\""
)
WAITING = (
    image_fault(
        "a RUN that never ends",
        changed(COLLECT, f"RUN sleep 3600\n{COLLECT}"),
        limit("django_container", 40),
        red=red("django_container", "timeout", "", "docker build was still running after 40 s"),
    ),
)

CONTENTS = (
    image_fault(
        "the image's HEALTHCHECK asks at a port where nothing listens",
        changed(SERVE, f"{ASKING % 8001}\n{SERVE}"),
        red=red("django_health", "image_unhealthy", f"{DOCKERFILE}:21", "Connection refused"),
    ),
    image_fault(
        "the image's HEALTHCHECK needs a program that the image does not have",
        changed(SERVE, f"HEALTHCHECK CMD curl -f http://localhost:8000/\n{SERVE}"),
        red=red("django_health", "image_unhealthy", f"{DOCKERFILE}:21", "not found"),
    ),
    image_fault("the image's HEALTHCHECK passes", changed(SERVE, f"{ASKING % 8000}\n{SERVE}"), exit=0),
    # ours is made of what the checks have: packages, files, and the static files that were collected
    image_fault("there is no Dockerfile", delete(DOCKERFILE), exit=0),
    image_fault(
        "a module that the server imports is not copied",
        write(f"{WEB}/config/tracing.py", '"""Tracing."""\n'),
        replace(f"{WEB}/config/wsgi.py", "application\n\n", "application\n\nimport config.tracing  # noqa: F401\n\n"),
        append(f"{WEB}/.dockerignore", "config/tracing.py\n"),
        red=container("image_broken", f"{WEB}/config/wsgi.py:7", "No module named 'config.tracing'"),
    ),
    image_fault(
        "packages stay in an earlier stage",
        write(DOCKERFILE, TWO_STAGES),
        red=container("image_broken", f"{WEB}/config/wsgi.py:5", "No module named 'django'"),
    ),
    image_fault(
        "the image's user may not read the code",
        changed("USER cafe", "RUN chmod -R go= config\nUSER cafe"),
        red=container("image_broken", "", "config"),
    ),
    image_fault(
        "the image's user does not exist",
        changed("USER cafe", "USER coffee"),
        red=container("dockerfile", 18, "coffee"),
    ),
    image_fault(
        "static files are not collected into the image",
        changed(COLLECT, ""),
        red=red("django_health", "unhealthy", "", "Missing staticfiles manifest entry"),
    ),
    image_fault(
        "the image chooses settings that do not exist",
        changed("PYTHONUNBUFFERED=1", "PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=config.prodution"),
        red=container("import_error", f"{WEB}/config/wsgi.py:9", "No module named 'config.prodution'"),
    ),
    image_fault(
        "the server reads a file that is not in the image",
        replace(f"{WEB}/gunicorn.conf.py", "workers = 2", "from pathlib import Path\n\nworkers = 2"),
        append(f"{WEB}/gunicorn.conf.py", '\nwsgi_app = Path("server.txt").read_text()\n'),
        write(f"{WEB}/server.txt", "config.wsgi"),
        append(f"{WEB}/.dockerignore", "*.txt\n"),
        red=red("django_health", "not_ready", f"{WEB}/gunicorn.conf.py", "server.txt"),
    ),
    image_fault(
        "the server may not write where it has to",
        append(f"{WEB}/gunicorn.conf.py", '\npidfile = "/app/gunicorn.pid"\n'),
        red=red("django_health", "not_ready", "", "Permission denied"),
    ),
)

IMAGE_FAULTS: tuple[Fault, ...] = (*SYNTAX, *BASES, *CONTEXTS, *PLACES, *RUNS, *WAITING, *CONTENTS)
