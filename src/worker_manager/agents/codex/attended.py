"""What the server of a worker that is Codex asks of its session."""

from worker_manager.agents.codex.rollouts import find as find_transcript
from worker_manager.agents.codex.screen import dialog
from worker_manager.agents.codex.turns import activity, queue_prompt, turn

__all__ = [
    "activity",
    "ask_waits",
    "call_seconds",
    "dialog",
    "find_transcript",
    "queue_prompt",
    "turn",
]

#: In code mode `exec` gives up a call after 30 s, and a model that then ends its turn never gets
#: what the call brings.
call_seconds = 20.0
#: So the answer comes by its queue.
ask_waits = False
