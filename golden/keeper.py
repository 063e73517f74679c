"""Run as a process of its own by `pool`: once whoever started it is gone, by whatever means, ends what it started.

It stands outside, so that nothing can keep it: not a worker that holds Python's lock, nor a parent that was killed.
Each line of its standard input is the number of a process that leads a session of its own; at the end of the input
these and all that they started are killed.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders = [int(line) for line in sys.stdin if line.endswith("\n")]
    for leader in leaders:
        for kill in (os.killpg, os.kill):  # the second for one that has just begun and leads nothing yet
            with contextlib.suppress(ProcessLookupError):
                kill(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()
