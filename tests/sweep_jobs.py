"""What jobs do that schedulers are tested with; without imports that each new worker would wait for."""

import os
import signal
import time
from pathlib import Path


def job(number, folder):
    """Ten times the number, after a line in its file: 1 ends its worker first, 2 hangs, 3 at first, 4 raises."""
    path = Path(folder) / str(number)
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    tries = len(path.read_text().splitlines())
    time.sleep(0.5)  # so that a result is fetched before its worker is killed in a later job
    if number == 1 and tries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 2 or number == 3 and tries == 1:
        time.sleep(600)
    if number == 4:
        raise ValueError("four")
    return number * 10
