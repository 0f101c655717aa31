#!/bin/sh
# Seen with git 2.39.5.
# Guess: `git -C worktree status` in a worktree whose .git file is gone fails.
# Seen: git climbs to the repository above and answers for that one, here "clean", since the directory
# of the worktrees is ignored there. `git add` and `git commit` would be that checkout's as well.
# GIT_CEILING_DIRECTORIES stops the climb.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
echo .worktrees >.gitignore && git add . && git commit -q -m one
git worktree add -q -b w .worktrees/w
echo work >.worktrees/w/new
echo "before: [$(git -C .worktrees/w status --short)]"
rm .worktrees/w/.git
got="[$(git -C .worktrees/w status --short)] $(git -C .worktrees/w branch --show-current)"
echo "after:  $got"
GIT_CEILING_DIRECTORIES="$PWD/.worktrees" git -C .worktrees/w status --short 2>&1 | head -1
want="[] main"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
