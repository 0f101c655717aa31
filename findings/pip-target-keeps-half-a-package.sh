#!/bin/sh
# Seen with pip 25.3.
# Guess: where a folder of the package's name stands already, `pip install --target` replaces it, or fails.
# Seen: it warns, installs nothing of that folder, and exits with 0: what an install that was killed
# has left half stays half, while its dist-info says that it is there. With --upgrade it is replaced.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q pip==25.3
install() { venv/bin/pip install -q --target there idna==3.10 "$@" && echo "exit 0"; }
works() { venv/bin/python -c 'import sys; sys.path.insert(0, "there"); import idna.core; print("works")' 2>/dev/null; }
mkdir -p there/idna && : >there/idna/__init__.py
first=$(install 2>said; works || echo "is half"); second=$(install --upgrade; works || echo "is half")
printf '%s\n' "$first" "$(grep -o 'already exists' said)" "with --upgrade:" "$second"
[ "$first" = "exit 0
is half" ] && [ "$second" = "exit 0
works" ] || { echo "It behaves otherwise now."; exit 1; }
