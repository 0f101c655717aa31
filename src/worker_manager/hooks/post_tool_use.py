"""PostToolUse: shows mail in the middle of a turn. The launcher has seen that some waits."""

from worker_manager.hooks import delivery, protocol
from worker_manager.state.mail import waits

EVENT = "PostToolUse"


def run() -> int:
    """Adds the mail to the tool's result, but not to that of a subagent's tool: the session
    itself would never read it. Mail that a call beside it waits for is left to that call.
    """
    home = protocol.home()
    if home is None:
        return 0
    content = protocol.given()
    if protocol.has_open_dialogs(home):
        from worker_manager.hooks import open_dialogs

        open_dialogs.tool_used(home, content)
    if _is_subagents(content) or waits.is_waited(home):
        return 0
    shown = delivery.take(home)
    if shown is not None:
        protocol.add_context(EVENT, shown.text)
        shown.acknowledge()
    return 0


def _is_subagents(content: str) -> bool:
    # Parsed only where it may be so: most tools are the session's own.
    return '"agent_id"' in content and bool(protocol.parsed(content).get("agent_id"))
