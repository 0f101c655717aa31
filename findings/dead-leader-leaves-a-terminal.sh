#!/bin/sh
# Seen with Linux 6.18, dash 0.5.12.
# Guess: once the leader of a terminal's session was killed, `[ -t 0 ]` is false in what it had started.
# Seen: it stays true for as long as somebody has the terminal open. /dev/tty can't be opened any more:
# that tells whether the session still has a terminal that it controls.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
cat >look.sh <<'END'
trap '' HUP
while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
[ -t 0 ] && is=yes || is=no
(true </dev/tty) 2>/dev/null && tty=yes || tty=no
echo "stdin is a terminal: $is, /dev/tty opens: $tty" >seen.new && mv seen.new seen
END
python3 - <<'END'
import os, pty, signal, time
leader, terminal = pty.fork()
if not leader:
    os.execvp("sh", ["sh", "-c", 'exec 3<&0; sh look.sh $$ <&3 & wait'])
time.sleep(0.5)
os.kill(leader, signal.SIGKILL)
os.waitpid(leader, 0)
while not os.path.exists("seen"):
    time.sleep(0.05)
END
cat seen
[ "$(cat seen)" = "stdin is a terminal: yes, /dev/tty opens: no" ] || { echo "It behaves otherwise now."; exit 1; }
