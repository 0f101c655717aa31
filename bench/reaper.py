"""Runs a program, and waits for all that it leaves behind as well. Linux only.

    python -I -S reaper.py FILE PROGRAM ...

FILE gets seconds of CPU: of what has ended when the program does, and of everything at the end.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """The program's exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    code = subprocess.run(sys.argv[2:], check=False).returncode
    used = [_used()]
    os.close(1)  # who reads it has all of the program
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump([*used, _used()], file)
    os.replace(f"{sys.argv[1]}.new", sys.argv[1])
    return code


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
