#!/bin/sh
# Seen with git 2.39.5.
# Guess: `merge-tree --write-tree A B` depends on A and B alone; it needs no checkout.
# Seen: .gitattributes is read from the checkout that it is run in, not from A or B. The same merge of
# the same commits conflicts on one branch and succeeds on another (here merge=union).
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
git checkout -q -b ours && echo '* merge=union' >.gitattributes && echo 1 >file
git add . && git commit -q -m base && git branch theirs
echo A >>file && git commit -q -a -m A
git checkout -q theirs && echo B >>file && git commit -q -a -m B
got="on theirs: exit $(git merge-tree --write-tree ours theirs >/dev/null && echo 0 || echo $?)"
git checkout -q main
got="$got, on main: exit $(git merge-tree --write-tree ours theirs >/dev/null && echo 0 || echo $?)"
echo "$got"
want="on theirs: exit 0, on main: exit 1"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
