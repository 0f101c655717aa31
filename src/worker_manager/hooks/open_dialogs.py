"""What a worker's hooks see of the dialogs at its terminal: which of them are over."""

from worker_manager.hooks.protocol import has_open_dialogs
from worker_manager.state.layout import state_root

WAITING = "waiting"


def tool_used(home: str, content: str) -> None:
    """A tool was run, as the hook's input tells: the dialog that asked for it was answered."""
    if has_open_dialogs(home):
        from worker_manager.crew.messaging import dialogs
        from worker_manager.hooks import protocol

        dialogs.tool_used(home, protocol.parsed(content))


def turn_changed(home: str) -> None:
    """A turn begins or ends: no dialog of the main conversation is open. A subagent's may be."""
    if has_open_dialogs(home):
        from worker_manager.crew.messaging import dialogs

        dialogs.close_all(home, dialogs.AT_TERMINAL, subagents_too=not may_wait())


def restarted(home: str) -> None:
    """The session runs in a new process: the dialogs of the old one are gone."""
    if has_open_dialogs(home):
        from worker_manager.crew.messaging import dialogs

        dialogs.close_all(home, dialogs.RESTARTED, subagents_too=True)


def may_wait() -> bool:
    """Whether a dialog may stand there now: what a hook was called for may be over by the time
    it runs.
    """
    from worker_manager.agents.claude import session_files
    from worker_manager.hooks.session_process import claude_process

    claude = claude_process(state_root())
    return not claude or session_files.status(claude) in ("", WAITING)
