"""How much of two workers a sweep uses: the same designs on one Dask worker and on two, on this machine.

Each worker is a process with one thread. Twice the time of two workers over that of one is the efficiency's inverse.

    python benchmarks/bench_sweep.py [SPEC.toml]
"""

import sys
import tempfile
import time
from pathlib import Path

from distributed import LocalCluster
from lmul.synth.schedulers import Cluster
from lmul.synth.sweep import Plan, perform
from lmul.synth.sweep_spec import read

SPEC = """
technologies = ["asap7"]
efforts = ["low"]
vectors = 400
[[designs]]
slug = "mac_{term}_{accumulator}"
term = ["lmul_e4m3", "exact_e4m3_flush", "lmul_e5m2", "exact_e5m2_flush", "lmul_e3m4", "exact_e3m4_flush"]
accumulator = ["fixed", "fp16"]
"""


def seconds(spec: Path, workers: int) -> float:
    """Of a sweep on new workers, each warmed up by a design first."""
    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, \
            tempfile.TemporaryDirectory() as folder:
        cluster.wait_for_workers(workers)
        scheduler = Cluster(cluster.scheduler_address)
        plan = Plan(read(spec), Path(folder), "none")
        [(setting, jobs)] = plan.jobs.items()
        scheduler.client.run(perform, jobs[-1], plan.sources[setting], {})
        begun = time.monotonic()
        failed = plan.run(scheduler, lambda *_: None)
        taken = time.monotonic() - begun
        assert not failed, failed
        scheduler.client.close()  # before its scheduler, which it would look for
        return taken


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(sys.argv[1]) if sys.argv[1:] else Path(folder) / "sweep.toml"
        if not sys.argv[1:]:
            spec.write_text(SPEC)
        one, two = seconds(spec, 1), seconds(spec, 2)
    print(f"one worker {one:.1f} s, two workers {two:.1f} s: efficiency {one / (2 * two):.2f}")


if __name__ == "__main__":
    main()
