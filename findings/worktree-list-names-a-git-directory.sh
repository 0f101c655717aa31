#!/bin/sh
# Seen with git 2.39.5.
# Guess: the first line of `git worktree list` is the main checkout, as git-worktree(1) says.
# Seen: it is a guess from the name of the git directory (without its "/.git"). With a separate git
# directory, or .git as a link to one, it names a directory that holds no checkout at all;
# `rev-parse --show-toplevel` in the same place is right.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
mkdir ../store
git init -q -b main --separate-git-dir "$lab/store/one" ../one
git init -q -b main ../two && mv ../two/.git ../store/two && ln -s ../store/two ../two/.git
for name in one two; do
    git -C "../$name" commit -q --allow-empty -m one
    listed=$(git -C "../$name" worktree list --porcelain | sed -n '1s/worktree //p')
    top=$(git -C "../$name" rev-parse --show-toplevel)
    echo "listed ${listed#"$lab"/}, top level ${top#"$lab"/}"
    got="${got-}${listed#"$lab"/} "
done
want="store/one store/two "
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
