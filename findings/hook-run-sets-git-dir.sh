#!/bin/sh
# Seen with git 2.39.5.
# Guess: post-checkout sees one environment, whoever runs it.
# Seen: in a linked worktree `checkout` and `hook run` give it GIT_DIR, `worktree add` doesn't, and in
# the main checkout nobody does. A hook that does `cd elsewhere && git ...` then asks about the
# worktree when run one way, about elsewhere when run another.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset $(git rev-parse --local-env-vars)
export HOME="$lab" XDG_CONFIG_HOME="$lab" GIT_CONFIG_NOSYSTEM=1
git config --global user.name Somebody && git config --global user.email somebody@example.org
git init -q -b main main && cd main
test "$(git --version)" = "git version 2.39.5" || echo "here: $(git --version)"
git commit -q --allow-empty -m one
printf '#!/bin/sh\necho "${GIT_DIR+set}${GIT_DIR-unset}" | sed "s,^set.*,set," >&2\n' >.git/hooks/post-checkout
chmod +x .git/hooks/post-checkout
got="$(git worktree add -q -b w ../w 2>&1) $(git -C ../w hook run post-checkout -- 0 0 1 2>&1)"
got="$got $(git -C ../w checkout -q -b x 2>&1) $(git checkout -q -b y 2>&1)"
echo "worktree add, hook run there, checkout there, checkout in the main one: $got"
want="unset set set unset"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
