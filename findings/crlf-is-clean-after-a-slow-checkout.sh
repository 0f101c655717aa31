#!/bin/sh
# Seen with git 2.39.5.
# Guess: two fresh worktrees of one commit have one status.
# Seen: a file that was committed with CRLF under `* text` is modified after a fast checkout, clean
# after a slow one: git compares the content only of files as young as the index ("racily clean",
# git's Documentation/technical/racy-git.txt), and here the index is written in a later second.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
printf '* text\nz filter=slow\n' >.gitattributes
printf 'x\r\n' >crlf && echo z >z
git add .gitattributes z
git update-index --add --cacheinfo "100644,$(git hash-object -w --no-filters crlf),crlf"
git commit -q -m one
for try in 1 2 3 4 5; do # the fast one, too, may cross a second
    git worktree add -q --detach "../fast$try"
    fast=$(git -C "../fast$try" status --short)
    test -z "$fast" || break
done
git -c filter.slow.smudge='sleep 1.2; cat' worktree add -q --detach ../slow
slow=$(git -C ../slow status --short)
echo "fast: [$fast]  slow: [$slow]"
got="[$fast] [$slow]"
want="[ M crlf] []"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
