"""The dialogs with which Claude Code may greet a worker, and what its user can do about each.
Texts of 2.1.197 and 2.1.329; those of the first start, the login, the renderer and the auto mode
were read in the programs, the others seen on the screen. Nobody presses a key for the user.
"""

from worker_manager.agents.base import StartDialog

_DIALOGS = (
    StartDialog(
        "trust dialog",
        ("Is this a project you created or one you trust?",),
        "Start `claude` once in the repository and accept its question, or accept it at the "
        "worker's terminal.",
    ),
    StartDialog(
        "bypass warning",
        ("running in Bypass Permissions mode",),
        "Accept it at the worker's terminal, or start workers in another permission mode.",
    ),
    StartDialog(
        "API key question",
        ("Detected a custom API key in your environment",),
        "Start `claude` once and answer its question, or answer it at the worker's terminal.",
    ),
    StartDialog(
        "project MCP servers",
        ("New MCP server found in this project", "new MCP servers found in"),
        "Choose at the worker's terminal. To be asked no more, name the servers you approve of in "
        "enabledMcpjsonServers of your ~/.claude/settings.json.",
    ),
    StartDialog(
        "first start",
        ("Choose the text style that looks best",),
        "Start `claude` once and finish its set-up.",
    ),
    StartDialog("login", ("Select login method",), "Start `claude` once and log in."),
    StartDialog(
        "renderer question",
        ("Try the new fullscreen renderer?",),
        "Answer it at the worker's terminal.",
    ),
    StartDialog(
        "auto mode question",
        ("Auto mode can't check",),
        "Answer it at the worker's terminal, or start workers in another permission mode.",
    ),
)


def start_dialog(screen: str) -> StartDialog | None:
    """The dialog on a screen, or None."""
    text = " ".join(screen.split())
    found = (dialog for dialog in _DIALOGS if any(sign in text for sign in dialog.signs))
    return next(found, None)
