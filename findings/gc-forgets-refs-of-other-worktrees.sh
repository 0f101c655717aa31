#!/bin/sh
# Seen with git 2.39.5.
# Guess: what a ref names is safe from gc.
# Seen: not if the ref is of another worktree. gc looks at the refs of the worktree it runs in, and of
# the others at HEAD, the index and the reflogs, but not at refs/worktree/* and refs/bisect/*. Run in
# the main checkout it deletes what they name, and the refs stay behind, broken. (gc --auto does it,
# too, when the objects are two weeks old.) refs/worktree/* has no reflog unless one is asked for.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
git worktree add -q -b w ../w
kept=$(git commit-tree -m kept 'HEAD^{tree}')
git -C ../w update-ref refs/worktree/kept "$kept"
git -C ../w log -1 --format='before: %s' refs/worktree/kept
git gc -q --prune=now
git -C ../w log -1 --format='after: %s' refs/worktree/kept 2>&1 || true
got=$(git cat-file -e "$kept" 2>/dev/null && echo there || echo lost)
want=lost
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
