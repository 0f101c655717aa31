"""Where everything lies in the state directory; alone knows the paths. Standard library only:
hooks import it first.
"""

import os

#: In the state directory: links to homes (see `sessions`).
SESSIONS, PROCESSES = "sessions", "processes"
WORKERS = "workers"
ORCHESTRATORS = "orchestrators"
#: In a home once its server has listed its tools: the server's pid.
SERVER = "server"
#: In a home: the claude process in which its SessionStart hook last ran.
HOOKED = "hooked"
#: In an orchestrator's home: the interpreter that its hooks use (hooks/look.sh).
PYTHON = "python"
#: In a worker's home: the dialogs that stand open at its terminal.
REQUESTS = "requests"
#: There, too: the question whose answer an `ask` call waits for.
WAITING = "waiting"
#: In a home: the path of its session's transcript.
TRANSCRIPT = "transcript"


def state_root() -> str:
    """The state directory: $WORKER_MANAGER_STATE_DIR, else below $XDG_STATE_HOME."""
    explicit = os.environ.get("WORKER_MANAGER_STATE_DIR")
    if explicit:
        return os.path.realpath(explicit)
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.realpath(os.path.join(base, "worker-manager"))


def repository_identity(directory: str) -> str:
    """The real path of the git common directory that `directory` belongs to, so that every
    worktree of a repository answers the same; outside of git the directory's own real path.
    Reads files only: a git process would cost each hook 3 ms.
    """
    start = os.path.realpath(directory)
    current = start
    while True:
        found = _common_directory(current)
        if found:
            return found
        parent = os.path.dirname(current)
        if parent == current:
            return start
        current = parent


def repository_directory(root: str, directory: str) -> str:
    """Our directory for the repository that `directory` belongs to."""
    from worker_manager.domain.identifiers import digest  # hooks need it seldom

    identity = repository_identity(directory)
    return os.path.join(root, digest(os.fsencode(identity))[:12])


def worker_home(repository: str, worker_id: str) -> str:
    """The directory of a worker; the id must have been checked (naming)."""
    return f"{repository}/{WORKERS}/{worker_id}"  # a third of what os.path.join takes


def orchestrator_home(repository: str, orchestrator_id: str) -> str:
    """The directory of an orchestrator."""
    return os.path.join(repository, ORCHESTRATORS, orchestrator_id)


def repository_of(home: str) -> str:
    """The repository directory that a home lies in."""
    return os.path.dirname(os.path.dirname(home))


def is_worker_home(home: str) -> bool:
    """Whether a home is a worker's; else it is an orchestrator's."""
    return os.path.basename(os.path.dirname(home)) == WORKERS


def mailbox_path(home: str) -> str:
    """The mailbox of a home."""
    return os.path.join(home, "mail")


def transcript_of(home: str) -> str:
    """Where the session of this home writes its transcript; empty when that isn't known."""
    return _read(os.path.join(home, TRANSCRIPT))


def is_session_id(text: str) -> bool:
    """Whether the text may stand as a file name in `sessions/`."""
    is_plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return is_plain and len(text) <= 128 and text[0].isalnum()


def home_of_session(root: str, session_id: str) -> str | None:
    """The home of a Claude session, or None."""
    return home_behind(root, SESSIONS, session_id) if is_session_id(session_id) else None


def home_behind(root: str, folder: str, name: str) -> str | None:
    """The home that a link in one of our folders leads to; None when it leads elsewhere."""
    target = os.path.realpath(os.path.join(root, folder, name))
    kind = os.path.basename(os.path.dirname(target))
    inside = target.startswith(root + os.sep) and kind in (WORKERS, ORCHESTRATORS)
    return target if inside and os.path.isdir(target) else None


def _common_directory(directory: str) -> str | None:
    dot_git = os.path.join(directory, ".git")
    if os.path.isdir(dot_git):
        return os.path.realpath(dot_git)
    if os.path.isfile(dot_git):
        return _linked_common_directory(directory, dot_git)
    names = ("HEAD", "objects", "refs")
    if all(os.path.exists(os.path.join(directory, name)) for name in names):
        return directory
    return None


def _linked_common_directory(directory: str, dot_git: str) -> str | None:
    content = _read(dot_git)
    if not content.startswith("gitdir: "):
        return None
    git_directory = os.path.join(directory, content.removeprefix("gitdir: ").strip())
    common = _read(os.path.join(git_directory, "commondir")).strip()
    return os.path.realpath(os.path.join(git_directory, common))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return ""
