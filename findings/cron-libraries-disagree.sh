#!/bin/sh
# Seen with croniter 7.0.0, cronsim 2.8.
# Guess: two libraries for cron lines agree on a line that both accept.
# Seen: not on a sixth field: croniter takes the last for seconds, cronsim the first. Nor on `*/2`
# for the day with a weekday: croniter means either, cronsim (as Debian's cron) both.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q croniter==7.0.0 cronsim==2.8
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
from datetime import datetime
from croniter import croniter
from cronsim import CronSim
start = datetime(2026, 1, 1, 10)
got = []
for line in ("30 4 * * * *", "0 0 */2 * 1"):
    one, two = croniter(line, start).get_next(datetime), next(CronSim(line, start))
    print(f"{line:14} croniter {one}  cronsim {two}")
    got += [one, two]
assert got == [datetime(2026, 1, 2, 4, 30), datetime(2026, 1, 1, 10, 4, 30),
               datetime(2026, 1, 3), datetime(2026, 1, 5)]
END
