#!/bin/sh
# Seen with git 2.39.5.
# Guess: a worktree that was renamed by `mv` either goes on working, or is mended by `worktree repair`.
# Seen: without submodules it does; with one every `git status` in it is fatal, since the submodule's
# git directory (worktrees/w/modules/s) names its work tree by a relative path in core.worktree.
# `worktree repair` mends the worktree only, and `worktree move` refuses worktrees with submodules.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git config --global protocol.file.allow always
git init -q -b main ../s && git -C ../s commit -q --allow-empty -m s
git submodule --quiet add "$lab/s" s && git commit -q -m one
git worktree add -q -b w ../w && git -C ../w submodule --quiet update --init
git worktree add -q -b plain ../plain
mv ../w ../w2 && mv ../plain ../plain2
git worktree repair ../w2 ../plain2 >/dev/null 2>&1
git -C ../plain2 status --short && got="plain works"
git -C ../w2 status --short 2>&1 | tail -1
git -C ../w2 status --short 2>/dev/null || got="$got, with submodule: exit $?"
echo "$got"
want="plain works, with submodule: exit 128"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
