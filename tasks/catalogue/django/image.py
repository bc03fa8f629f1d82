"""Makes the image of a Django project, and the commands that build it and import the server's module in it."""

from tasks.catalogue.django.environment import django_env
from tasks.catalogue.django.healthcheck import runnable
from tasks.catalogue.django.server import web_of
from tasks.catalogue.paths import below
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import is_within, join, parent, relative
from tasks.discovery.image.dockerfile import parse_dockerfile
from tasks.discovery.image.files import BuildContext, Places, image_places
from tasks.stack import Component
from tasks.steps import PROBES, WORK, Command, Image

# 1 also means that the image does not have the program: some images have no shell
BROKEN, NO_SHELL, NO_PYTHON = 10, 1, 127
# Where images have Python: on PATH, then in usual places of environments. The image's own shell expands the patterns.
PYTHONS = (
    *("python", "python3", ".venv/bin/python", "/app/.venv/bin/python", "/opt/venv/bin/python", "/venv/bin/python"),
    *("/*/.venv/bin/python", "/*/venv/bin/python", "/opt/*/bin/python", "/home/*/.venv/bin/python"),
    *("~root/.cache/pypoetry/virtualenvs/*/bin/python", "~root/.local/share/virtualenvs/*/bin/python"),
)
# $1 is the program for Python, the rest are its arguments
SHELL = f"""
found=
for python in {" ".join(PYTHONS)}; do
  command -v "$python" >/dev/null 2>&1 || continue
  [ -n "$found" ] || found=$python
  "$python" -c 'import importlib.util as u; raise SystemExit(not u.find_spec("django"))' >/dev/null 2>&1 || continue
  found=$python
  break
done
if [ -z "$found" ]; then
  echo "the image has no Python: none of {" ".join(PYTHONS[:3])} and so on was found" >&2
  exit {NO_PYTHON}
fi
program=$1
shift
"$found" -c "$program" "$@"
code=$?
[ "$code" -ne 1 ] || code={BROKEN}
exit "$code"
"""
# A server may find the project by its options, so the project's directories come after the working directory.
IMPORTS = """
import importlib, importlib.util, os, sys

entry, *places = sys.argv[1:]
name = entry or os.environ.get("DJANGO_SETTINGS_MODULE", "")
for place in places:
    if name and importlib.util.find_spec(name.partition(".")[0]) is None:
        sys.path.insert(0, place)
        importlib.invalidate_caches()
try:
    if entry:
        importlib.import_module(entry)
    else:
        importlib.import_module("django").setup()
except SystemExit as end:
    raise ImportError(f"{name} ended the program: {end.code}") from end
print("imported", name or "Django's settings", flush=True)
"""


def dockerfile_of(component: Component, context: CatalogueContext) -> str:
    """Returns the path of the Dockerfile: the configured one, else the discovered one, else an empty text."""
    return context.configured(component).image.dockerfile or web_of(component).dockerfile or ""


def context_of(component: Component, context: CatalogueContext) -> str:
    """Returns the build context of the Dockerfile, relative to the stack."""
    configured, web = context.configured(component).image, web_of(component)
    if configured.context:
        return configured.context
    is_other = configured.dockerfile not in {None, web.dockerfile}
    return parent(configured.dockerfile or "") if is_other else web.context


def image_of(component: Component, context: CatalogueContext) -> Image:
    """Returns the component's image. Without a Dockerfile, lowering adds the content of the image."""
    configured, web = context.configured(component).image, web_of(component)
    title = f"image of {component.name if component.path == '.' else component.path}"
    dockerfile = dockerfile_of(component, context)
    if not dockerfile:
        return Image(title=title, cwd=web.directory)
    build_context = context_of(component, context)
    # a compose file's target and arguments are only for the discovered Dockerfile
    is_found = dockerfile == web.dockerfile
    target = configured.target or (web.target if is_found else "")
    args = dict(web.args if is_found else ()) | configured.args
    server = context.configured(component).server or ()
    return Image(
        title=title,
        dockerfile=relative(dockerfile, build_context),
        context=build_context,
        target=target,
        args=tuple(sorted(args.items())),
        secrets=tuple(sorted({*configured.secrets})),
        copies=copies_of(dockerfile, target, build_context, context),
        cwd=web.directory,
        healthcheck=runnable(component, dockerfile, target, server, context),
    )


def copies_of(dockerfile: str, target: str, build_context: str, context: CatalogueContext) -> Places:
    """Returns the places in the image that hold directories and files of the stack."""
    if dockerfile not in context.paths:
        return ()
    source = BuildContext(
        directory=build_context,
        has=context.paths.__contains__,
        has_directory=lambda place: any(is_within(path, place) for path in context.paths),
    )
    return image_places(parse_dockerfile(context.read(dockerfile)), target, source)


def module_places(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the image's directories with modules of the project, other than the working directory."""
    directory = web_of(component).directory
    modules = tuple(dict.fromkeys((directory, *(component.python.paths if component.python else ()))))
    image = image_of(component, context)
    if not image.dockerfile:
        return tuple(relative(path, directory) for path in modules if path != directory)
    found = (
        join(place, relative(path, source))
        for path in modules
        for place, source in image.copies
        if is_within(path, source)
    )
    return tuple(dict.fromkeys(found))


def image_env(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the variables without paths of the workspace. Of predeploy's own, the loader of the settings is left."""
    env = dict(django_env(component, context))
    modules = [each for each in env.pop("PYTHONPATH").split(":") if WORK not in each]
    kept = {name: value for name, value in env.items() if WORK not in value and PROBES not in value}
    return tuple(sorted((kept | {"PYTHONPATH": ":".join(modules)}).items()))


def image_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands that build the image, and import the server's module with the image's own Python."""
    image, web = image_of(component, context), web_of(component)
    entry = (web.wsgi or web.asgi).partition(":")[0]
    build = Command(
        argv=(),
        label="docker build" if image.dockerfile else "image",
        environment="image",
        secrets=image.secrets,
        # 1: a RUN failed; 2: the Dockerfile or its context is wrong; 3: no registry has the image in FROM
        verdicts=((1, "image_build"), (2, "dockerfile"), (3, "base_image")),
        unfit=((4, "secret_absent"),),  # the deploy may have the secret
        explained=("secret_absent",),
        downloads=("image_build", "timeout"),
        parser="dockerfile",
        limit=1800,
    )
    imported = Command(
        argv=("sh", "-c", SHELL, "sh", IMPORTS, entry, *module_places(component, context)),
        label=f"import {entry or 'settings'} in the image",
        environment="image",
        env=image_env(component, context),
        secrets=context.secrets(component),
        verdicts=((BROKEN, "image_broken"),),
        unfit=((NO_SHELL, "no_shell"), (NO_PYTHON, "no_python")),
        downloads=("timeout",),
        evidence=r"(?m)^imported \S",
        parser="traceback",
        limit=300,
    )
    return (build, imported)


def missing_files(component: Component, context: CatalogueContext) -> list[str]:
    """Returns a text, with its key, for each path in the image's settings that is not in the tree."""
    configured = context.configured(component).image
    found = []
    if configured.dockerfile and configured.dockerfile not in context.paths:
        found.append(f"dockerfile: {configured.dockerfile} is not in the tree")
    build_context = configured.context
    if build_context and not (build_context in context.paths or below(build_context, context.paths)):
        found.append(f"context: the directory {build_context} is not in the tree")
    return found
