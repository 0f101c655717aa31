"""main(): which mode is this? Import that mode, run it."""

import os
import sys


def main() -> None:
    """The one entry point: hooks, both servers, launch scripts and people call it."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--hook"] and len(arguments) == 2:
        from worker_manager.hooks import entry  # 11 ms; nothing else is loaded

        # os._exit: nothing is left to tidy up, and tidying takes 5 ms.
        os._exit(entry.run(arguments[1]))
    # A shell that completes a command line calls without arguments, too.
    is_server = (
        not arguments and not sys.stdin.isatty() and "_WORKER_MANAGER_COMPLETE" not in os.environ
    )
    if is_server or arguments[:1] == ["--go-on"]:
        sys.exit(_serve(arguments[1:]))
    if arguments[:1] in (["--exited"], ["--not-checked-in"], ["--end-session"], ["--reconcile"]):
        from worker_manager.callbacks import ended

        sys.exit(ended.main(arguments))
    if arguments[:1] == ["--set-up"] and len(arguments) == 4:
        from worker_manager.callbacks import set_up

        sys.exit(set_up.main(arguments))
    if arguments == ["--version"]:
        from worker_manager import __version__  # needs none of our packages

        sys.stdout.write(f"{__version__}\n")
        return
    if _is_persons_own():
        sys.stderr.write(
            "worker-manager: it is installed among your own packages (pip install --user), which "
            "its hooks and workers do not see. Install it with pipx, uv tool, or into an "
            "environment.\n"
        )
        sys.exit(1)
    from worker_manager import cli

    sys.exit(cli.main(arguments))


def _is_persons_own() -> bool:
    """Whether this package lies where an isolated Python, as we start it, does not look."""
    import site  # loaded by Python itself

    return bool(site.ENABLE_USER_SITE) and __file__.startswith(f"{site.USER_SITE}{os.sep}")


def _serve(told: list[str]) -> int:
    """`told` by the program that has begun the conversation, if there was one."""
    from worker_manager.errors import WorkerManagerError
    from worker_manager.servers import entry, wire

    try:
        if os.environ.get("WORKER_MANAGER_WORKER_ID"):
            entry.serve_worker()
        else:
            entry.serve_orchestrator(wire.kept_from(told) if told else wire.NOTHING)
    except WorkerManagerError as error:
        sys.stderr.write(f"worker-manager: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    main()
