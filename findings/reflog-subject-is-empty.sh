#!/bin/sh
# Seen with git 2.39.5.
# Guess: `rev-list -g --format=%gs` prints what `log -g --format=%gs` prints; both know placeholders.
# Seen: %gs and %gd are empty in rev-list, %H and %s beside them are not. Nothing is said, exit 0.
# So a script that reads the messages of stashes needs `log`, although that is no plumbing.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
git commit -q --allow-empty -m two
echo "log:      $(git log -g -1 --format='[%gd] [%gs] [%s]')"
echo "rev-list: $(git rev-list -g -1 --no-commit-header --format='[%gd] [%gs] [%s]' HEAD)"
got=$(git rev-list -g -1 --no-commit-header --format='[%gd] [%gs] [%s]' HEAD)
want="[] [] [two]"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
