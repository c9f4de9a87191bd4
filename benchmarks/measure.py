"""Take times side by side, and say on which machine and with which versions.

Steps: run both ways in turn, several times; take medians; read peak memory from a process of its own.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "noise", "pillow", "opencv-python-headless", "matplotlib",
    "papermill", "nbclient", "ipykernel", "faiss-cpu", "rasterio",
)  # fmt: skip


def seconds(action: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def side_by_side(ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the median seconds of both, run in turn, so that both meet the same load of the machine."""
    taken = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return statistics.median(a for a, _ in taken), statistics.median(b for _, b in taken)


PEAK = """
import time
start = time.perf_counter()
{code}
taken = time.perf_counter() - start
from benchmarks.measure import peak_memory
print(taken, peak_memory())
"""


def peak_memory() -> int:
    """Return the largest memory, in bytes, that this process has held at a time."""
    status = Path("/proc/self/status")
    if (
        status.is_file()
    ):  # what `resource` says on Linux counts the parent process at the moment of the start, too
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def time_and_peak(code: str) -> tuple[float, float]:
    """Return the seconds and the peak memory, in bytes, of a Python process that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK.format(code=code)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    taken, peak = done.stdout.split()
    return float(taken), float(peak)


def about() -> str:
    """Return the machine and the versions, in three lines."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    threads = {
        name: os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ
    }
    load = f"; load before the run {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_processor()}, {_cores()} cores{load}\n"
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        f"{', ' + str(threads) if threads else ''}\n{versions}"
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """Return the processor's name, and on Linux its family and model, which tell it where the name does not."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    pairs = [line.partition(":") for line in info.read_text(encoding="utf-8").split("\n\n")[0].splitlines()]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    named = found.get("model name", platform.machine())
    return f"{named} (family {found.get('cpu family', '?')}, model {found.get('model', '?')})"
