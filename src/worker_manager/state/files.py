"""Durable, all-or-nothing files."""

import os
import stat

from worker_manager.errors import StateCorrupt, StateUnavailable


def make_private(directory: str) -> None:
    """Makes a directory and its parents, ours alone (0700)."""
    try:
        _make_private(directory)
    except OSError as error:
        raise StateUnavailable(
            f"The state directory {directory} can't be made: {error.strerror}. "
            "Make it writable, or set WORKER_MANAGER_STATE_DIR to a directory that is."
        ) from error


def write_atomic(path: str, content: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Replaces a file so that a reader, or a crash, sees the old content or the new; after a power
    cut, too, unless it needs not be `durable`.

    Raises StateUnavailable when the disk refuses; nothing is left behind then.
    """
    directory = os.path.dirname(path)
    refuse_link(directory)
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        write_new(temporary, content, mode=mode, durable=durable)
        move(temporary, path)
        if durable:
            sync(directory)
    except OSError as error:
        remove(temporary)
        raise unavailable(path, error) from error


def move(source: str, target: str) -> None:
    """Renames. Raises OSError; not when it was done all the same, as network file systems do."""
    try:
        os.rename(source, target)
    except OSError:
        if os.path.lexists(source) or not os.path.lexists(target):
            raise


def write_new(path: str, content: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """A new file; when `durable`, its content is on the disk when this returns. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(descriptor)


def append(path: str, text: str) -> None:
    """Adds to a private file in one write, so that several processes may do it at once.
    Raises OSError, also when a link stands in its place.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, text.encode("utf-8", "replace"))
    finally:
        os.close(descriptor)


def sync(path: str) -> None:
    """Makes a file, or the names in a directory, survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: str) -> bytes:
    """A file's content. Raises OSError, and StateCorrupt for a link, a pipe, a device."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise StateCorrupt(f"{path} is no regular file.")
    # Should it be changed in this moment, it is neither followed nor waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        return file.read()


def unavailable(path: str, error: OSError) -> StateUnavailable:
    """What to say when the disk refuses."""
    return StateUnavailable(
        f"{path} can't be used: {error.strerror}. Free or repair the disk, then try again."
    )


class disk_errors:  # noqa: N801  stands where a function could, whose contextlib is slow to load
    """Raises what the disk refuses inside of it as StateUnavailable."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise unavailable(self._path, error) from error


def remove_tree(directory: str) -> None:
    """Removes a directory that we made. Raises OSError; follows no links."""
    if os.path.islink(directory):
        raise NotADirectoryError(directory)
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def refuse_link(directory: str) -> None:
    """Raises StateUnavailable when the way to a directory of ours leads through a link."""
    if os.path.realpath(directory) != directory:
        raise StateUnavailable(
            f"{directory} is, or lies behind, a symbolic link, which is not followed. "
            "Remove the link."
        )


def set_aside(path: str) -> str:
    """Moves a file that can't be parsed out of the way; gives its new path, or its old one
    when it can't be moved.
    """
    aside = f"{path}.corrupt-{os.urandom(3).hex()}"
    try:
        os.rename(path, aside)
    except OSError:
        return path
    return aside


def _make_private(directory: str) -> None:
    # os.makedirs would give the mode to the last directory only.
    if os.path.isdir(directory):
        return
    _make_private(os.path.dirname(directory))
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        if not os.path.isdir(directory):
            raise


def remove(path: str) -> None:
    """Removes a file; what the disk refuses stays."""
    try:
        os.unlink(path)
    except OSError:
        return
