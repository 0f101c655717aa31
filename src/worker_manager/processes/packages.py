"""Packages of the operating system. Standard library only: the bootstrap uses it, too."""

import os
import shutil
import subprocess
import sys

_PACKAGES = {"tmux": "tmux", "venv": "python3-venv"}


def install_package(name: str) -> bool:
    """Installs a system package where that needs no password; whether it was tried and worked."""
    if shutil.which("apt-get"):
        command = [
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=60",
            "install",
            "-y",
            "-q",
            _PACKAGES[name],
        ]
        if os.geteuid() != 0:
            if not shutil.which("sudo") or subprocess.run(["sudo", "-n", "true"]).returncode:
                return False
            command = ["sudo", "-n", *command]
        update = [*command[: command.index("install")], "update", "-q"]
        sys.stderr.write(f"worker-manager: installing {_PACKAGES[name]} ...\n")
        subprocess.run(update, stdout=sys.stderr, check=False)
    elif shutil.which("brew"):
        command = ["brew", "install", name]
    else:
        return False
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0
