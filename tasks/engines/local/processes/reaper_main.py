"""Stands in front of one command, and takes everything that it started along when it ends, or when we do.

Started as `python -I -S reaper_main.py CHANNEL MARKER [options]`, in a session of its own. CHANNEL is an inherited
socket.
Its peer first sends what to run, later perhaps `signal N GRACE` or `end GRACE`; that it is closed means `end` too, and
so does a SIGTERM. Lines of JSON come back: `{"pid": …}` when the command runs, and how it ended when nothing that it
started is left. On Linux nothing escapes: orphans, new sessions or not, become children of the nearest subreaper, us.

On macOS, which has neither subreapers nor /proc, descendants and the command's process group are found by `ps`. Not
covered there: a daemon that both left its parent and made a session of its own.
"""

import os
import sys

if __name__ == "__main__":
    # A program's own file is compiled at every start, what it imports is not: so this one has nothing in it.
    root = os.path.abspath(__file__)  # noqa: PTH100  # pathlib takes milliseconds, and every command pays for them
    for _ in range(5):
        root = os.path.dirname(root)  # noqa: PTH120
    sys.path.insert(0, root)
    from tasks.engines.local.processes.reaper import main

    sys.exit(main(sys.argv[1:]))
