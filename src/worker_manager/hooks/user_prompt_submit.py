"""UserPromptSubmit: shows waiting mail beside the prompt."""

import os
import time

from worker_manager.hooks import delivery, protocol
from worker_manager.state.layout import is_worker_home, orchestrator_home, repository_of

EVENT = "UserPromptSubmit"
#: How a prompt begins that a doorbell has brought about.
WAKE = '"<task-notification>'

#: Statuses of a worker for which a turn changes nothing.
CHECKED_IN = ("running", "asking", "completed", "stopped")


def run() -> int:
    """Adds the mail to the turn; a worker's first turn is its check-in."""
    began = time.time()
    home = protocol.home()
    if home is None:
        return 0
    if is_worker_home(home):
        _check_in(home, began)
    woken = "" if is_worker_home(home) else _woken_by(home)
    delivery.requeue_unconfirmed(home, restarted=False)
    shown = delivery.take(home)
    protocol.add_context(EVENT, shown.text if shown else "", to_person=woken)
    if shown is not None:
        shown.acknowledge()
    return 0


def _woken_by(home: str) -> str:
    """The letters that this prompt came of: on the screen the doorbell says the same for each."""
    content = protocol.given()  # not parsed: most prompts are a person's
    return delivery.shown_in_short(home, content) if WAKE in content else ""


def _check_in(home: str, began: float) -> None:
    from worker_manager.hooks import open_dialogs
    from worker_manager.state import bells
    from worker_manager.state.workers.glance import Glance

    open_dialogs.turn_changed(home)
    record, repository = Glance(home), repository_of(home)
    owner = record.field("owner")
    if not owner or record.field("status") not in CHECKED_IN:
        from worker_manager.crew.reporting import reports  # 60 ms, in workers only
        from worker_manager.state.workers.records import Records

        owner = reports.check_in(Records(repository), os.path.basename(home), began).owner
    bells.notify(orchestrator_home(repository, owner))  # it may have been idle
