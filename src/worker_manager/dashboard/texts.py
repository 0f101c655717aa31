"""What the live view says of itself."""

KEYS = """\
up, down      choose a worker        Enter  more room for it, and back
1 2 3 4       its terminal, letters, diff, timeline
Tab           into the text, to scroll it with the arrow keys

a  attach     its terminal, to type into (leave it: Ctrl-b d)
n  nudge      send it a message; a question that it asked is answered so
y  answer     allow or deny a permission, answer a question
s  stop       asks it to stop; its files and branch stay
m  merge      its branch into the one that it came from
c  clean      take worktree and branch away, once merged; all is saved
u  undo       bring it back, after a stop or a clean

/  find       by name, status, branch or id
h  cleaned    show or hide the workers that were cleaned
t  theme      light or dark
q  quit       the workers go on

A worker with ! needs you: it asks, is blocked, failed, or is stalled
(it stopped without a report). These stand on top. Looking changes nothing:
no letter is taken, no worker is touched but by your keys.
"""

EMPTY = """\
No worker here yet.

Say to Claude Code, in this repository:

    start a worker to add a dark mode

It appears here, with its terminal, its letters and its diff.
? shows the keys, q leaves.
"""

NOTHING_FOUND = "No worker fits what you look for. / looks for something else, Escape shows all."
