#!/bin/sh
# Seen with textual 8.2.8, Linux.
# Guess: an app whose driver talks to a browser needs no standard input, so /dev/null will do; the
# driver for terminals is content with it.
# Seen: WebDriver puts standard input into an epoll selector, which takes pipes and terminals but no
# /dev/null and no file: PermissionError, and the app ends before it has run. The exit status is 0
# unless the program looks at app.return_code.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q textual==8.2.8
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import os, subprocess, sys
APP = '''
from textual.app import App
class Lab(App):
    def on_mount(self): self.set_timer(0.5, lambda: self.exit("ran"))
app = Lab()
print("RESULT", app.run(), app.return_code)
'''
def run(driver: str, stdin: int) -> str:
    env = {**os.environ, "TERM": "xterm"}
    env.pop("TEXTUAL_DRIVER", None)
    if driver:
        env["TEXTUAL_DRIVER"] = driver
    done = subprocess.run([sys.executable, "-c", APP], stdin=stdin, env=env, capture_output=True)
    said = done.stdout + done.stderr
    raised = " PermissionError" if b"PermissionError" in said else ""
    return said.rpartition(b"RESULT ")[2].split(b"\n")[0].decode() + raised + f" exit {done.returncode}"
web = "textual.drivers.web_driver:WebDriver"
reading, writing = os.pipe()
got = [run("", subprocess.DEVNULL), run(web, reading), run(web, subprocess.DEVNULL)]
print("terminal and /dev/null, web and pipe, web and /dev/null:", *got, sep="\n  ")
assert got == ["ran 0 exit 0", "ran 0 exit 0", "None 1 PermissionError exit 0"]
END
