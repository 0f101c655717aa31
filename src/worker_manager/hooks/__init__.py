"""Claude Code's hooks: JSON on stdin, text for the model on stdout. One module for each event.

Standard library only, nothing heavy before there is something to show, and never a failure
that hurts the session: see `entry`.
"""
