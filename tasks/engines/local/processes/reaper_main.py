"""The program of the reaper. It runs one command, and kills all its descendants when the command or the client ends.

It is started as `python -I -S reaper_main.py CHANNEL MARKER [options]`, in its own session. CHANNEL is an inherited
socket. The client sends the request first, and later `signal N GRACE` or `end GRACE`. A closed channel and a SIGTERM
mean `end`, too. The reaper sends lines of JSON: `{"pid": …}` when the command runs, and the facts of its end when no
descendant is left. On Linux no process escapes: orphans become children of the nearest subreaper, which is this one,
also in new sessions.

macOS has neither subreapers nor /proc: `ps` finds descendants and the command's process group. It does not find a
daemon that has left both its parent and its session.
"""

import os
import sys

if __name__ == "__main__":
    # Python compiles the main file at every start, and imported modules only once: so the code is in a module.
    root = os.path.abspath(__file__)  # noqa: PTH100  # importing pathlib takes milliseconds for every command
    for _ in range(5):
        root = os.path.dirname(root)  # noqa: PTH120
    sys.path.insert(0, root)
    from tasks.engines.local.processes.reaper import main

    sys.exit(main(sys.argv[1:]))
