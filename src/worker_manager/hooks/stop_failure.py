"""StopFailure: a worker's turn ended with an error of the API. Claude Code resumes nothing."""

import os

from worker_manager.hooks import protocol
from worker_manager.state.layout import is_worker_home, repository_of, state_root


def run() -> int:
    """Tells the orchestrator, with what Claude Code says."""
    home = protocol.home()
    if home is None or not is_worker_home(home):
        return 0
    given = protocol.stdin()
    said = (given.get("error_details"), given.get("last_assistant_message"))
    _report(home, str(given.get("error") or "unknown"), [str(text) for text in said if text])
    return 0


def _report(home: str, error: str, said: list[str]) -> None:
    from worker_manager.crew.supervision import limits  # 60 ms, in workers only
    from worker_manager.state.workers.records import Records

    records = Records(repository_of(home))
    limits.turn_failed(state_root(), records, os.path.basename(home), error, "\n".join(said))
