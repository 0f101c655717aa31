#!/bin/sh
# Seen with libtmux 0.62.0, tmux 3.3a.
# Guess: a call on a pane whose server has ended raises LibTmuxException.
# Seen: some do (session.windows); pane.capture_pane() gives [], as for an empty screen,
# pane.send_keys() gives None, as when it worked, and server.sessions gives [].
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q libtmux==0.62.0
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import os, subprocess
import libtmux
os.environ.pop("TMUX", None)
os.environ["TMUX_TMPDIR"] = os.getcwd()
server = libtmux.Server(socket_name="lab", config_file="/dev/null")
session = server.new_session("ab", window_command="cat")
pane = session.active_pane
subprocess.run(["tmux", "-L", "lab", "kill-server"], check=True)
got = [pane.capture_pane(), pane.send_keys("x"), list(server.sessions)]
try:
    got.append(list(session.windows))
except libtmux.exc.LibTmuxException as error:
    got.append(type(error).__name__)
print("capture_pane, send_keys, sessions, windows:", got)
assert got == [[], None, [], "LibTmuxException"]
END
