#!/bin/sh
# Seen with git 2.39.5.
# Guess: without --force `git worktree remove` deletes nothing that lies nowhere else.
# Seen: it asks `git status`, under the person's settings and flags. Ignored files go; so do new files
# where status.showUntrackedFiles=no, and edits of files marked assume-unchanged or skip-worktree
# (which neither `add -A` nor `stash` would have taken).
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
echo .env >.gitignore && echo 1 >file && git add . && git commit -q -m one
for kind in ignored untracked assume-unchanged skip-worktree plain; do
    git worktree add -q --detach "../$kind"
    case $kind in
    ignored) echo SECRET >"../$kind/.env" ;;
    untracked) echo work >"../$kind/new" && git config status.showUntrackedFiles no ;;
    plain) git config --unset status.showUntrackedFiles && echo work >"../$kind/new" ;;
    *) git -C "../$kind" update-index "--$kind" file && echo work >"../$kind/file" ;;
    esac
    git worktree remove "../$kind" 2>/dev/null || true
    test -e "../$kind" && kept=kept || kept=deleted
    echo "$kind: $kept"
    got="${got-}$kept "
done
want="deleted deleted deleted deleted kept "
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
