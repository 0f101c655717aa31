"""What the live view says of itself."""

KEYS = """\
A worker with ! needs you: it asks, is blocked, has failed, or is
stalled (stopped without a report). These stand on top.

a  attach   its terminal, to type into; Ctrl-b d leaves it
n  nudge    send it a message; a question that it asked is answered
y  answer   allow or deny a permission, answer a question
s  stop     ask it to stop; its files and branch stay
m  merge    its branch into the one that it came from
c  clean    take worktree and branch away; all is saved before
u  undo     go on with it, after a stop or a clean

1 2 3 4     terminal, letters, diff, timeline; Tab to scroll in them
Enter       more room for them, and back
/  find     h  cleaned ones   t  light or dark   q  quit
Looking changes nothing. Workers that were started from terminals are
supervised while this is open; when you quit, all workers go on.
"""

EMPTY = """\
No worker here yet.

Say to Claude Code, in this repository:

    start a worker to add a dark mode

or type in a shell here:

    worker-manager start "Add a dark mode"

It appears here, with its terminal, its letters and its diff.
? shows the keys, q leaves.
"""

NOTHING_FOUND = "No worker fits what you look for. / looks for something else, Escape shows all."
