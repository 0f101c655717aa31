"""For how long the session that calls listens to the call. Who calls is our host: an orchestrator
is always a session of Claude Code, and so is whoever else introduces itself as one.
"""

from __future__ import annotations

import os

from worker_manager.agents.claude import patience
from worker_manager.servers.call import Call
from worker_manager.state import tried_versions
from worker_manager.state.layout import state_root


def seconds(call: Call, listens: float | None = None) -> float | None:
    """As `patience.seconds`; no more than the caller's agent `listens`, where it says so."""
    if listens is not None:
        return listens
    client = patience.Client(*call.client) if call.client else None
    return patience.seconds(client, os.environ, tried_versions.versions(state_root()))


def at_most(call: Call, wanted: float) -> float:
    """So many seconds, or as many as it listens."""
    limit = seconds(call)
    return wanted if limit is None else min(wanted, limit)
