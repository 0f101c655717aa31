"""Programs that commands can't do without."""

import shutil

from worker_manager.errors import RuntimeUnavailable


def require_tmux() -> None:
    """Installs tmux where that needs no password; else says how. Raises RuntimeUnavailable."""
    if shutil.which("tmux"):
        return
    from worker_manager.processes.packages import install_package

    if not install_package("tmux") or not shutil.which("tmux"):
        raise RuntimeUnavailable(
            "tmux is not installed. Install it (sudo apt-get install tmux, or brew install tmux)."
        )
