"""What exit codes mean. docs/howto/terminal.md and `run --help` say the same."""

from enum import IntEnum


class Exit(IntEnum):
    """Each value's comment is what the reference says of it."""

    OK = 0  #: done
    FAILED = 1  #: it could not be done, or not for all that were named: what is said tells why
    USAGE = 2  #: wrong command line
    NOT_COMPLETED = 3  #: `run`: a worker has failed or was stopped
    NEEDS_YOU = 4  #: `run`, unattended: a worker waits for an answer
    NOT_MERGED = 5  #: `run --merge`: completed work could not be merged
    INTERRUPTED = 130  #: ^C; workers go on
    CLOSED_PIPE = 141  #: who read the output has gone, as in `| head`
