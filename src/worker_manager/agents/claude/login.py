"""Whether Claude Code has a login."""

import json
import shutil
from collections.abc import Mapping

from worker_manager.processes import probes


def is_logged_in(_environ: Mapping[str, str]) -> bool | None:
    """As `Agent.is_logged_in`, by `claude auth status`: it knows keys, tokens and accounts."""
    if shutil.which("claude") is None:
        return None
    try:
        said = json.loads(probes.ask(["claude", "auth", "status"]).text)
    except ValueError:
        return None
    found = said.get("loggedIn") if isinstance(said, dict) else None
    return found if isinstance(found, bool) else None
