#!/bin/sh
# Seen with filelock 4.2.11.
# Guess: a lock whose folder is missing can't be taken: OSError.
# Seen: acquire() makes the folder, and those above it. Who comes late and locks something in a folder
# that was just removed has it there again.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q filelock==4.2.11
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import os
from filelock import FileLock
os.makedirs("home/one")
lock = FileLock("home/one/lock")
os.removedirs("home/one")
with lock:
    pass
print("after the lock:", [path for path, *_ in os.walk(".") if path.startswith("./home")])
assert os.path.isdir("home/one")
END
