#!/bin/sh
# Seen with GitPython 3.2.1.
# Guess: `import git` starts no process, the less so with GIT_PYTHON_REFRESH=quiet.
# Seen: it runs `git version` twice; quiet hides only what goes wrong there. Each program that imports
# it pays for two processes before it does anything.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q GitPython==3.2.1
mkdir bin
printf '#!/bin/sh\necho "git $*" >>"%s/calls"\nexec "%s" "$@"\n' "$lab" "$(command -v git)" >bin/git
chmod +x bin/git
PATH=$lab/bin:$PATH GIT_PYTHON_REFRESH=quiet venv/bin/python -c 'import git'
cat calls
[ "$(cat calls)" = "git version
git version" ] || { echo "It behaves otherwise now."; exit 1; }
