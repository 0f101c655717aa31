#!/bin/sh
# Seen with git 2.39.5.
# Guess: without --force a worktree with a rebase under way, and edits that it put aside, is not removed.
# Seen: while the rebase waits its worktree is clean, so it goes. The commit of the edits was named by
# rebase-merge/autostash alone: no ref, no reflog, not in `stash list`; the next gc may drop it.
# (gc --prune=now drops it even while the rebase waits; since git 2.45 it reads that file.)
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
echo 1 >file && git add . && git commit -q -m one
git worktree add -q -b w ../w
git -C ../w commit -q --allow-empty -m theirs
git commit -q --allow-empty -m ours
echo work >>../w/file
GIT_SEQUENCE_EDITOR='sed -i 1s/pick/edit/' \
    git -C ../w -c rebase.autostash=true rebase -q -i --keep-empty main >/dev/null 2>&1
stash=$(cat "$(git -C ../w rev-parse --git-dir)/rebase-merge/autostash")
echo "put aside: $(git show --format= --name-only "$stash")  stash list: [$(git stash list)]"
got=$(git worktree remove ../w && echo removed)
git gc -q --prune=now
got="$got $(git cat-file -e "$stash" 2>/dev/null || echo lost)"
echo "$got"
want="removed lost"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
