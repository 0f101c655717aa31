"""Stop: nobody ends a turn past waiting mail, no worker without a report."""

import os

from worker_manager.hooks import protocol
from worker_manager.state.layout import is_worker_home, repository_of, state_root


def run() -> int:
    """Blocks with the mail, or with a reminder."""
    home = protocol.home()
    if home is None:
        return 0
    if not is_worker_home(home):
        _show_mail(home)  # the launcher has seen that some waits
        return 0
    if protocol.has_open_dialogs(home):
        from worker_manager.hooks import open_dialogs

        open_dialogs.turn_changed(home)
    if not (protocol.has_mail(home) and _show_mail(home)):
        _want_report(home)
    return 0


def _show_mail(home: str) -> bool:
    """Blocks with the mail; whether there was any to show."""
    from worker_manager.hooks import delivery  # mostly there is none

    delivery.requeue_unconfirmed(home, restarted=False)
    shown = delivery.take(home)
    if shown is not None:
        protocol.block(shown.text)
        shown.acknowledge()
    return shown is not None


def _want_report(home: str) -> None:
    """Mostly the worker has just reported, or is reminded: what that needs is read by a glance."""
    from worker_manager.state import usage_limit
    from worker_manager.state.workers import reminders, running_checks
    from worker_manager.state.workers.glance import Glance

    usage_limit.lift(state_root(), os.path.basename(home))
    record = Glance(home)
    status, has_no_mail_due = record.field("status"), record.has_no_mail_due
    if status in ("completed", "asking") and has_no_mail_due:
        return
    content = protocol.given()
    if _has_background_tasks(content) or running_checks.are_under_way(home):
        return  # the end of one of them starts its next turn
    is_at_work = status in ("starting", "running") and has_no_mail_due
    if is_at_work and reminders.count(home) < reminders.TIMES:
        _remind(home)
    else:
        _look_closer(home, content)


def _has_background_tasks(content: str) -> bool:
    # Parsed only where it may be so: `[]` is what most turns end with.
    key = '"background_tasks":'
    is_named = key in content and not content.partition(key)[2].lstrip().startswith("[]")
    return is_named and bool(protocol.parsed(content).get("background_tasks"))


def _remind(home: str) -> None:
    from worker_manager.state.workers import reminders
    from worker_manager.text import rendering

    reminded = reminders.count(home)
    reminders.add(home)
    protocol.block(rendering.reminder(reminded + 1))


def _look_closer(home: str, content: str) -> None:
    from worker_manager.crew.reporting import reports  # 60 ms, in workers only
    from worker_manager.domain.worker import Status
    from worker_manager.state.workers import reminders
    from worker_manager.state.workers.records import Records

    records = Records(repository_of(home))
    reports.unblocked(records, os.path.basename(home))  # its turn came to an end
    worker = reports.redeliver(records, records.load(os.path.basename(home)))
    if worker.status not in (Status.STARTING, Status.RUNNING):
        return
    reminded = reminders.count(home)
    if reminded < reminders.TIMES:
        _remind(home)
    elif reminded == reminders.TIMES:
        last_words = str(protocol.parsed(content).get("last_assistant_message") or "")
        # Told first, counted after: killed in between, it is told no second time.
        reports.stalled(records, worker.id, last_words, occasion=reminders.occasion(home))
        reminders.add(home)
