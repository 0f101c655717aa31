#!/bin/sh
# Seen with tmux 3.3a.
# Guess: an argument given by execve, without a shell, arrives as it is; `send-keys -l` types literally.
# Seen: tmux looks for its `;` between commands in the arguments, and takes one at the end of any
# argument for it. The semicolon is lost, also with -l; `set-buffer` loses it as well, and with
# `new-session -e 'A=b;' command` the command is taken for one of tmux. `\;` at the end is a semicolon.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset TMUX && export TMUX_TMPDIR="$lab"
t() { tmux -L lab -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$lab"' EXIT
test "$(tmux -V)" = "tmux 3.3a" || echo "here: $(tmux -V)"
t new-session -d -s ab cat
for text in 'one;' 'two;three' 'four\;'; do
    t set-buffer -b lab "$text" && echo "$text -> $(t show-buffer -b lab)"
    got="${got-}$(t show-buffer -b lab) "
done
t send-keys -t ab: -l 'five;'
sleep 1
got="$got$(t capture-pane -p -t ab: | head -1)"
echo "five; -> ${got##* }"
want="one two;three four; five"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
