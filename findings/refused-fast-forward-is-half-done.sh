#!/bin/sh
# Seen with git 2.39.5.
# Guess: a fast-forward whose ref update is refused changes nothing.
# Seen: the files and the index are those of the other branch by then, the branch is not: `git status`
# shows all of the other branch's work as the person's own staged changes. Exit 128.
# Any refusal does this (a lock of the ref held too long), here a reference-transaction hook.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
git checkout -q -b other && echo work >file && git add . && git commit -q -m other
git checkout -q main
printf '#!/bin/sh\n[ "$1" != prepared ] || ! grep -q "refs/heads/main$"\n' >.git/hooks/reference-transaction
chmod +x .git/hooks/reference-transaction
git merge -q --ff-only other || echo "exit $?"
got="$(git log -1 --format=%s) [$(git status --short)]"
echo "$got"
want="one [A  file]"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
