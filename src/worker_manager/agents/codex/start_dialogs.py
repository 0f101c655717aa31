"""The dialogs with which Codex may greet a worker, and what its user can do about each: seen on the
screen of 0.171.0, but for the model's. Nobody presses a key for the user.
"""

from worker_manager.agents.base import StartDialog

_ONCE = "Start `codex` once in the main checkout of the repository and decide"
_DIALOGS = (
    StartDialog(
        "trust dialog",
        ("Trust this folder?",),
        f"{_ONCE}: that holds for all of its worktrees. Then restore the worker.",
    ),
    StartDialog(
        "login",
        ("Choose how you want to use Codex", "Sign in with ChatGPT"),
        "Run `codex login` once, then restore the worker.",
    ),
    StartDialog(
        "hooks to review",
        ("Hooks need review", "hooks need review"),
        f"{_ONCE}: it shows the repository's hooks. Then restore the worker.",
    ),
    StartDialog(
        "model question",
        ("is no longer available", "Try new model"),
        "Start workers with a model that Codex has (`codex debug models` lists them), or choose at "
        "the worker's terminal.",
    ),
    StartDialog(
        "open elsewhere",
        ("This conversation is open in another app",),
        "Close the other Codex that has its conversation, then restore the worker.",
    ),
)


def start_dialog(screen: str) -> StartDialog | None:
    """The dialog on a screen, or None."""
    text = " ".join(screen.split())
    found = (dialog for dialog in _DIALOGS if any(sign in text for sign in dialog.signs))
    return next(found, None)
