"""The orchestrator's server: what it says of itself, and its tools."""

from __future__ import annotations

from worker_manager.crew.fleet import Fleet
from worker_manager.servers.toolbox import Toolbox
from worker_manager.servers.tools import inspection, integration, lifecycle, messaging

INSTRUCTIONS = """\
Starts autonomous workers, each a session of its own with its own git worktree and branch. After \
start_worker go on with other work or end your turn: a worker's question or report arrives by \
itself and wakes you. Never poll. A worker knows nothing of this conversation: its task must say \
all it needs. The skill worker-manager:split-work tells how to split work, and what to do with \
each kind of message."""


def build(fleet: Fleet) -> Toolbox:
    """The tools of the session whose workers are in `fleet`."""
    toolbox = Toolbox()
    for tools in (lifecycle, inspection, messaging, integration):
        tools.add(toolbox, fleet)
    return toolbox
