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
        given = protocol.stdin()
        last_words = str(given.get("last_assistant_message") or "")
        reminder = wanted_report(home, last_words, is_at_work=bool(given.get("background_tasks")))
        if reminder:
            protocol.block(reminder)
    return 0


def wanted_report(
    home: str, last_words: str, *, is_at_work: bool = False, account: str = ""
) -> str:
    """What a worker is to read whose turn has ended well, without a report; empty when it may end.
    After so many times its owner is told instead. `account`: whose usage limit it does not meet.
    """
    from worker_manager.crew.reporting import reports  # 60 ms, in workers only
    from worker_manager.domain.worker import Status
    from worker_manager.state import usage_limit
    from worker_manager.state.workers import reminders, running_checks
    from worker_manager.state.workers.records import Records

    usage_limit.lift(state_root(), os.path.basename(home), account)
    if is_at_work or running_checks.are_under_way(home):
        return ""  # the end of one of them starts its next turn
    records = Records(repository_of(home))
    reports.unblocked(records, os.path.basename(home))  # its turn came to an end
    worker = reports.redeliver(records, records.load(os.path.basename(home)))
    if worker.status not in (Status.STARTING, Status.RUNNING):
        return ""
    reminded = reminders.count(home)
    if reminded < reminders.TIMES:
        reminders.add(home)
        return rendering.reminder(reminded + 1)
    if reminded == reminders.TIMES:
        # Told first, counted after: killed in between, it is told no second time.
        reports.stalled(records, worker.id, last_words, occasion=reminders.occasion(home))
        reminders.add(home)
    return ""
