"""The command line for people. Each command is a module here, named as it is typed; one is loaded
when it is called.
"""

from worker_manager.cli.entry import main

__all__ = ["main"]
