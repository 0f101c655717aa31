"""Stop: nobody ends a turn past waiting mail, no worker without a report."""

import os

from worker_manager.hooks import delivery, open_dialogs, protocol
from worker_manager.state.layout import is_worker_home, repository_of, state_root
from worker_manager.text import rendering


def run() -> int:
    """Blocks with the mail, or with a reminder."""
    home = protocol.home()
    if home is None:
        return 0
    open_dialogs.turn_changed(home)
    delivery.requeue_unconfirmed(home, restarted=False)
    shown = delivery.take(home)
    if shown is not None:
        protocol.block(shown.text)
        shown.acknowledge()
    elif is_worker_home(home):
        _want_report(home, protocol.stdin())
    return 0


def _want_report(home: str, stdin: dict[str, object]) -> None:
    from worker_manager.crew.reporting import reports  # 60 ms, in workers only
    from worker_manager.domain.worker import Status
    from worker_manager.state import usage_limit
    from worker_manager.state.workers import reminders, running_checks
    from worker_manager.state.workers.records import Records

    usage_limit.lift(state_root(), os.path.basename(home))
    if stdin.get("background_tasks") or running_checks.are_under_way(home):
        return  # the end of one of them starts its next turn
    records = Records(repository_of(home))
    reports.unblocked(records, os.path.basename(home))  # its turn came to an end
    worker = reports.redeliver(records, records.load(os.path.basename(home)))
    if worker.status not in (Status.STARTING, Status.RUNNING):
        return
    reminded = reminders.count(home)
    if reminded < reminders.TIMES:
        reminders.add(home)
        protocol.block(rendering.reminder(reminded + 1))
    elif reminded == reminders.TIMES:
        last_words = str(stdin.get("last_assistant_message") or "")
        # Told first, counted after: killed in between, it is told no second time.
        reports.stalled(records, worker.id, last_words, occasion=reminders.occasion(home))
        reminders.add(home)
