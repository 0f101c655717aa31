"""PostToolUse: shows mail in the middle of a turn. The launcher has seen that some waits."""

from worker_manager.hooks import call, mail, terminal

EVENT = "PostToolUse"


def run() -> int:
    """Adds the mail to the tool's result, but not to that of a subagent's tool: the session
    itself would never read it.
    """
    home = call.home()
    if home is None:
        return 0
    given = call.stdin()
    terminal.tool_used(home, given)
    if given.get("agent_id"):
        return 0
    shown = mail.take(home)
    if shown is not None:
        call.add_context(EVENT, shown.text)
        shown.acknowledge()
    return 0
