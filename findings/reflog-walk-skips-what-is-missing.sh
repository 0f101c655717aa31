#!/bin/sh
# Seen with git 2.39.5.
# Guess: a walk of the reflog that meets an entry whose commit is gone fails, as a walk of history does.
# Seen: `rev-list -g` leaves the entry out, says nothing and exits 0; `rev-list` of the same id is fatal.
# So "the reflog names these commits" can't be asked of it; only the file itself, or fsck, knows.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
git commit -q --allow-empty -m two
lost=$(git rev-parse HEAD)
git reset -q --hard HEAD~1
rm ".git/objects/$(echo "$lost" | cut -c1-2)/$(echo "$lost" | cut -c3-)"
echo "entries in the file:   $(wc -l <.git/logs/HEAD)"
echo "entries in the walk:   $(git rev-list -g HEAD | wc -l), exit $(git rev-list -g HEAD >/dev/null 2>&1; echo $?)"
echo "a walk from that id:   exit $(git rev-list "$lost" >/dev/null 2>&1 && echo 0 || echo $?)"
got=$(wc -l <.git/logs/HEAD)$(git rev-list -g HEAD 2>&1 | wc -l)$(git rev-list "$lost" >/dev/null 2>&1 || echo $?)
want=32128
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
