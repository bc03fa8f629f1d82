"""Do the settings of a Django project talk to the database made for this check? Runs with the stack's packages.

Exit codes: 0 they do, 1 the settings cannot be loaded (a traceback), 3 they name another database.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from static_files import settings_module


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    sys.argv = sys.argv[:1]
    sys.path.insert(0, str(Path.cwd()))
    settings_module()
    import django
    from django.db import connection

    django.setup()
    given = connection.settings_dict
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            name = cursor.fetchone()[0]
        info = connection.connection.info
        there = (str(getattr(info, "host", given["HOST"])), str(getattr(info, "port", given["PORT"])), name)
        if there[1:] == (options.port, options.name):
            print(json.dumps({"diagnostics": []}))
            return 0
        said = f"PostgreSQL database {there[2]} at {there[0]}:{there[1]}"
    else:
        said = f"{connection.vendor} database {given['NAME']}"
    message = (
        f"the settings use a {said}, not the one made for this check: nothing was proven. "
        "Have them read DATABASE_URL or PG*, or set their own variables in predeploy.toml "
        '([component."<path>".env], with {db.url}, {db.host}, {db.port}, {db.user}, {db.password}, {db.name})'
    )
    print(json.dumps({"diagnostics": [{"tool": "database", "rule": "other_database", "message": message}]}))
    return 3


if __name__ == "__main__":
    sys.exit(main())
