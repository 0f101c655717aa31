"""Runs a command line, and turns every end into an exit code. A completion and `ls`, which shells
and scripts ask for again and again, are answered without click: it takes longer to load than they.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from worker_manager.cli import completion
from worker_manager.cli.exit_codes import Exit
from worker_manager.domain.identifiers import COMPLETING
from worker_manager.text.output import spare_streams


def main(arguments: list[str]) -> int:
    """The exit code (`codes`). Nothing but a bug leaves a traceback, and that with --debug only."""
    spare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return Exit.CLOSED_PIPE
    return code


def _run(arguments: list[str]) -> int:
    try:
        if _run_light(arguments):
            return Exit.OK
        from worker_manager.cli import program

        return program.run(arguments)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the top: a person gets a sentence
        return _fail(error, arguments)


def _run_light(arguments: list[str]) -> bool:
    """Whether it was one of the few lines that need no click. What is typed otherwise, or
    wrongly, is click's.
    """
    if COMPLETING in os.environ:
        return completion.answer(os.environ)
    if arguments[:1] == ["ls"] and {*arguments[1:]} <= {"--all", "--json"}:
        gc.disable()  # it ends before there is garbage worth looking for
        try:
            from worker_manager.cli import listing

            listing.show(show_all="--all" in arguments, as_json="--json" in arguments)
        finally:
            gc.enable()
        return True
    return False


def _fail(error: Exception, arguments: list[str]) -> Exit:
    from worker_manager.cli import failures

    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--debug" in ours:
        import traceback

        traceback.print_exception(error)
    return failures.tell(error, as_json="--json" in ours)


def _drop_output() -> None:
    """Python would complain at its end that what is left can't be written."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
