"""Prints why the packages of a project are not known. Standard library only. Prints one JSON document.

Arguments: the file that shows it, and the message. Exit code 75: no verdict.
"""

import json
import sys


def main() -> int:
    file, message = sys.argv[1:3]
    found = {"tool": "lock", "rule": "lock_unread", "file": file or None, "line": None, "message": message}
    print(json.dumps({"diagnostics": [found], "summary": ""}))
    return 75


if __name__ == "__main__":
    sys.exit(main())
