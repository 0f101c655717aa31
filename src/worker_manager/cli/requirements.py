"""Programs that commands require."""

import shutil

from worker_manager.errors import RuntimeUnavailable


def require_tmux() -> None:
    """Installs tmux if that needs no password. Raises RuntimeUnavailable, with the way to install
    it, otherwise.
    """
    if shutil.which("tmux"):
        return
    from worker_manager.processes.packages import install_package

    if not install_package("tmux") or not shutil.which("tmux"):
        raise RuntimeUnavailable(
            "tmux is not installed. Install it (sudo apt-get install tmux, or brew install tmux)."
        )
