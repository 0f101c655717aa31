"""Worktrees and branches of workers: all that asks git."""
