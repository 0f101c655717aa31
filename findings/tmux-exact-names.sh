#!/bin/sh
# Seen with tmux 3.3a.
# Guess: `-t ab` means the session ab, `-t =ab` exactly that one, for every command.
# Seen: without `=` a prefix is enough, kill-session included. With it has-session and list-panes find
# ab, send-keys and capture-pane don't ("can't find pane: =ab"), and display-message prints every
# field empty and exits 0, as for a name that never was. All of them understand `=ab:`.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
unset TMUX && export TMUX_TMPDIR="$lab"
t() { tmux -L lab -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$lab"' EXIT
test "$(tmux -V)" = "tmux 3.3a" || echo "here: $(tmux -V)"
t new-session -d -s ab cat && t new-session -d -s other cat
show() { t "$@" >/dev/null 2>&1 && echo yes || echo no; }
for target in =ab =ab: =gone:; do
    line="$target: has $(show has-session -t "$target") capture $(show capture-pane -p -t "$target")"
    line="$line display $(show display-message -p -t "$target" x)"
    line="$line [$(t display-message -p -t "$target" '#{session_name}')]"
    echo "$line" && got="${got-}$line. "
done
t kill-session -t a && got="${got}left: $(t list-sessions -F '#{session_name}')"
echo "after kill-session -t a: ${got##*. }"
want="=ab: has yes capture no display yes []. =ab:: has yes capture yes display yes [ab]. "
want="${want}=gone:: has no capture no display yes []. left: other"
[ "$got" = "$want" ] || { echo "It behaves otherwise now: $got"; exit 1; }
