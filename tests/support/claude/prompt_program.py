"""A terminal that looks like Claude Code's prompt, for what can't be timed with the real one.

    python prompt_program.py LOG SESSION_FILE [MOOD]

Draws its box with what was pasted or typed in it, and writes each key to LOG. Moods, for the
moment in which a paste comes: `swallows` it; `typing`: a person types a word as well; `wakes`: the
session file says busy; `dialog`: that it waits, and a dialog is drawn. Moods from the start:
`draft`; `left over`, our own line; `elsewhere`: no prompt is drawn.
"""

import json
import os
import re
import sys
import termios
import time
import tty
from pathlib import Path

from worker_manager.crew.messaging.wake import LINE

RULE = "─" * 60
SIGN = "\u276f\xa0"


def note_status(file: Path, status: str, since: float) -> None:
    content = {"status": status, "statusUpdatedAt": since * 1000, "sessionId": "s"}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")


def draw(text: str) -> None:
    column = len(SIGN) + len(text) + 1
    box = f"\x1b[H\x1b[J{RULE}\r\n{SIGN}{text}\r\n{RULE}\r\n  foot\x1b[2;{column}H"
    os.write(1, box.encode())


def draw_dialog() -> None:
    os.write(1, f"\x1b[H\x1b[J{RULE}\r\n Do you want to proceed?\r\n 1. Yes foot".encode())


def main(log: Path, session_file: Path, mood: str) -> None:
    tty.setraw(0, termios.TCSANOW)
    os.write(1, b"\x1b[?2004h")
    text = {"draft": "my draft", "left over": LINE}.get(mood, "")
    draw_dialog() if mood == "elsewhere" else draw(text)
    note_status(session_file, "idle", time.time() - 60)
    while given := os.read(0, 4096).decode():
        with log.open("a", encoding="utf-8") as file:
            file.write(given)
        pasted = re.match("\x1b\\[200~(.*)\x1b\\[201~", given)
        if pasted:
            if mood in ("wakes", "dialog"):
                status = "busy" if mood == "wakes" else "waiting"
                note_status(session_file, status, time.time())
            text += {"swallows": "", "typing": pasted[1] + " hm"}.get(mood, pasted[1])
        elif given in ("\x15", "\r"):
            text = ""
        if mood == "dialog" and text:
            draw_dialog()
        else:
            draw(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3:] or [""])[0])
