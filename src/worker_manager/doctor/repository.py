"""What a start needs of the repository itself."""

from __future__ import annotations

from pathlib import Path

from worker_manager import config
from worker_manager.doctor.findings import Finding, Place, failed, ok, warning
from worker_manager.errors import NotARepository, WorkerManagerError
from worker_manager.worktrees import bases, excludes


def repository(place: Place) -> list[Finding]:
    """Asks git as a start does, and says what would hinder one."""
    about = "repository"
    try:
        prefix = config.load(Path(place.directory), place.environ).worktree_branch_prefix
        checkout, usable = bases.inspect_checkout_for(place.directory, prefix)
    except NotARepository as error:
        return [warning(about, str(error))]
    except WorkerManagerError as error:
        return [failed(about, str(error), "git status there may tell more")]
    found = []
    if usable != prefix:
        says = f"a branch here leaves no room for {prefix}...: workers' branches are {usable}..."
        found.append(warning(about, says, "rename it, or set worktree.branch_prefix"))
    if not excludes.is_writable(checkout.common):
        says = f"{checkout.common}/info/exclude can't be written to: no worktree is made."
        found.append(failed(about, says, "make it writable"))
    return found or [ok(about, f"git makes worktrees here; branches are {usable}...")]
