"""Stop: nobody ends a turn past waiting mail, no worker without a report."""

import os

from worker_manager import formatting
from worker_manager.hooks import call, mail, terminal
from worker_manager.state.layout import is_worker_home, repository_of, state_root


def run() -> int:
    """Blocks with the mail, or with a reminder."""
    home = call.home()
    if home is None:
        return 0
    terminal.turn_changed(home)
    mail.settle(home, restarted=False)
    shown = mail.take(home)
    if shown is not None:
        call.block(shown.text)
        shown.acknowledge()
    elif is_worker_home(home):
        _want_report(home, call.stdin())
    return 0


def _want_report(home: str, stdin: dict[str, object]) -> None:
    from worker_manager import reports  # 60 ms, in workers only
    from worker_manager.models import Status
    from worker_manager.state import checkings, reminders, usage_limits
    from worker_manager.state.records import Records

    usage_limits.lift(state_root(), os.path.basename(home))
    if stdin.get("background_tasks") or checkings.are_under_way(home):
        return  # the end of one of them starts its next turn
    records = Records(repository_of(home))
    reports.unblocked(records, os.path.basename(home))  # its turn came to an end
    worker = reports.redeliver(records, records.get(os.path.basename(home)))
    if worker.status not in (Status.STARTING, Status.RUNNING):
        return
    reminded = reminders.count(home)
    if reminded < reminders.TIMES:
        reminders.add(home)
        call.block(formatting.reminder(reminded + 1))
    elif reminded == reminders.TIMES:
        last_words = str(stdin.get("last_assistant_message") or "")
        # Told first, counted after: killed in between, it is told no second time.
        reports.stalled(records, worker.id, last_words, occasion=reminders.occasion(home))
        reminders.add(home)
