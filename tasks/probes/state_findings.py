"""Prints findings that predeploy made as it read the stack's files. They are in PREDEPLOY_FINDINGS, as JSON.

Exit codes: 0 no error among the findings, 1 an error. Standard library only.
"""

import json
import os
import sys


def main() -> int:
    findings = json.loads(os.environ["PREDEPLOY_FINDINGS"])
    print(json.dumps({"diagnostics": findings, "summary": ""}))
    return 1 if any(each.get("severity", "error") == "error" for each in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
