"""Settings that need what only production has: variables and databases. Data only."""

from tests.faults.fault import CONTAINERS, EMBEDDED, WEB, Fault, append, open_, replace, write

SETTINGS_FILE = f"{WEB}/config/settings.py"

VIEWS_FILE = f"{WEB}/menu/views.py"
PAGE = 'return render(request, "menu/product_list.html", %s)'
PRODUCTS = '"products": Product.objects.on_the_menu()'
READ_BY_A_PAGE = (
    replace(VIEWS_FILE, '"""The menu as pages."""\n', '"""The menu as pages."""\n\nimport os\n'),
    replace(
        VIEWS_FILE,
        PAGE % f"{{{PRODUCTS}}}",
        f'context = {{"region": os.environ["SHOP_REGION"], {PRODUCTS}}}\n    {PAGE % "context"}',
    ),
)
SERVE = 'CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000"]'
PRODUCTION_ONLY = (
    Fault(
        name="a variable that only production has",
        edits=(append(SETTINGS_FILE, '\nSHOP_LIMIT = int(os.environ["SHOP_LIMIT"])\n'),),
        exit=0,
        engines=EMBEDDED,  # the Dockerfile runs the settings without it, so its image does not build
    ),
    Fault(
        name="a variable that only production has, and the build of the image",
        edits=(
            append(SETTINGS_FILE, '\nSHOP_LIMIT = int(os.environ["SHOP_" + "LIMIT"])\n'),
            replace(f"{WEB}/Dockerfile", "RUN SECRET_KEY=unused ", "RUN SHOP_LIMIT=1 SECRET_KEY=unused "),
        ),
        exit=0,
    ),
    Fault(
        name="a variable that a page needs",
        edits=READ_BY_A_PAGE,
        exit=0,
        engines=EMBEDDED,  # the server in an image gets only the image's own variables
    ),
    Fault(
        name="a module of the settings that git leaves to production",
        edits=(
            append(
                SETTINGS_FILE, '\nglobals().update(vars(__import__("config.local_settings", fromlist=["DEBUG"])))\n'
            ),
            write(f"{WEB}/config/local_settings.py.example", "DEBUG = False\n"),
        ),
        red=(
            open_("django_container", "variable_absent", SETTINGS_FILE, "No module named 'config.local_settings'"),
            open_("mypy", "variable_absent", SETTINGS_FILE, "No module named 'config.local_settings'"),
            open_("pytest", "variable_absent", "", "No module named 'config.local_settings'"),
        ),
        exit=3,
        engines=EMBEDDED,  # the image lacks the module too, so its build fails
    ),
    Fault(
        name="a variable that only production has, and a script of the image that sets another module path",
        edits=(
            append(SETTINGS_FILE, '\nSHOP_KEY = os.environ["SHOP_" + "KEY"]\n'),
            replace(f"{WEB}/Dockerfile", "RUN SECRET_KEY=unused ", "RUN SHOP_KEY=unused SECRET_KEY=unused "),
            replace(f"{WEB}/Dockerfile", SERVE, f'ENTRYPOINT ["sh", "/app/entry.sh"]\n{SERVE}'),
            write(f"{WEB}/entry.sh", 'export PYTHONPATH=/app\nexec "$@"\n'),
        ),
        red=(open_("django_health", "variable_absent", SETTINGS_FILE, "SHOP_KEY"),),
        exit=3,
        engines=CONTAINERS,  # elsewhere the script does not start the server
    ),
    Fault(
        name="another Postgres in the settings",
        edits=(append(SETTINGS_FILE, '\nDATABASES["default"]["HOST"] = "192.0.2.1"\n'),),
        exit=0,
    ),
)
