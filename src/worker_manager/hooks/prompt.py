"""UserPromptSubmit: shows waiting mail beside the prompt."""

import os

from worker_manager.hooks import call, mail
from worker_manager.state.layout import is_worker_home, orchestrator_home, repository_of

EVENT = "UserPromptSubmit"


def run() -> int:
    """Adds the mail to the turn; a worker's first turn is its check-in."""
    home = call.home()
    if home is None:
        return 0
    if is_worker_home(home):
        _check_in(home)
    mail.settle(home, restarted=False)
    shown = mail.take(home)
    if shown is not None:
        call.add_context(EVENT, shown.text)
        shown.acknowledge()
    return 0


def _check_in(home: str) -> None:
    from worker_manager import reports  # 60 ms, in workers only
    from worker_manager.hooks import terminal
    from worker_manager.state import bells
    from worker_manager.state.records import Records

    terminal.turn_changed(home)
    records = Records(repository_of(home))
    owner = reports.check_in(records, os.path.basename(home)).owner
    bells.ring(orchestrator_home(records.repository, owner))  # it may have been idle
