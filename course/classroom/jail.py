"""Run a student's code where it can do no harm: bubblewrap's namespaces, limits on resources, and a watch from outside.

Steps: find out whether this machine can contain a program; lay out what the program sees (Python, its packages,
`helpers` and `data`, all read-only; an empty scratch folder in memory; no network, no other process); start it;
watch its time, memory and processes; read what it tells, up to a limit; end it, with all that it started.

Nothing on the disk can be written from inside, so nothing has to be cleaned up. What the program tells is data of
unknown origin: it is parsed, cut and compared here, never believed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from helpers.exercises import MARKING

ROOT = Path(__file__).resolve().parent.parent.parent
INSIDE = "/course"  # where the course lies in the jail
HOME = "/scratch"  # the only folder that can be written; the course itself may lie in /tmp
POLL = 0.05  # seconds between two looks at what runs
_running: set[subprocess.Popen[str]] = set()  # what `execute` has started and not yet ended


@dataclass(frozen=True)
class Limits:
    """What one notebook may take."""

    seconds: float = 180  # in all
    cell_seconds: float = 60
    memory: int = 2 * 2**30  # bytes, all its processes together
    processes: int = 64
    threads: int = 256  # of all processes together, which count as one each
    scratch: int = 256 * 2**20  # bytes in its scratch folder
    output: int = 2**20  # characters that a cell may show
    told: int = 32 * 2**20  # characters that are read of all that it tells


@dataclass
class Outcome:
    """What came of a notebook: what it told of each cell, and how it ended."""

    events: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""  # why it was stopped, in words; nothing where it came to its end
    seconds: float = 0.0
    peak_memory: int = 0
    refused: bool = False  # nothing ran: the machine cannot contain a program
    said: str = ""  # the end of what it wrote to standard error, for whoever looks into a failure


def why_not(limits: Limits | None = None) -> str:
    """Return why this machine cannot contain a program, in words; nothing if it can."""
    if sys.platform != "linux":
        return f"containment needs Linux, and this is {sys.platform}"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian, Ubuntu, Fedora: the package bubblewrap)"
    tried = subprocess.run(
        [*command(limits or Limits()), sys.executable, "-c", "pass"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"bubblewrap cannot make a sandbox here: {last}"
    return ""


def command(limits: Limits) -> list[str]:
    """Return bubblewrap's command line, to which a program is appended."""
    words = [
        "bwrap",
        "--die-with-parent",
        "--new-session",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
    ]
    words += ["--unshare-cgroup-try", "--hostname", "jail", "--clearenv", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # The system counts no processes of root, in whatever namespace. So `inside` becomes a user that nobody else is.
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    for name in ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin"):
        if Path(name).is_symlink():
            words += ["--symlink", str(Path(name).readlink()), name]
        elif Path(name).is_dir():
            words += ["--ro-bind", name, name]
    for name in (
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/fonts",
        "/etc/localtime",
        "/etc/alternatives",
    ):
        words += ["--ro-bind-try", name, name]
    bound = {
        place: place
        for place in (sys.base_prefix, sys.prefix)
        if not place.startswith("/usr/") and place != "/usr"
    }
    bound |= {f"{INSIDE}/{name}": str(ROOT / name) for name in ("helpers", "data")}
    bound[f"{INSIDE}/inside.py"] = str(Path(__file__).with_name("inside.py"))
    for above in dict.fromkeys(parent for place in bound for parent in reversed(Path(place).parents[:-1])):
        words += ["--perms", "0755", "--dir", str(above)]
    for place, name in bound.items():
        words += ["--ro-bind", name, place]
    if not any(Path(place).is_relative_to("/tmp") for place in bound):
        words += ["--symlink", HOME, "/tmp"]
    free = ["--perms", "1777", "--size", str(limits.scratch), "--tmpfs"]
    words += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        *free,
        "/dev/shm",
        *free,
        HOME,
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
    ]
    for name, value in environment(HOME, INSIDE).items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", HOME]


def environment(home: str, course: str) -> dict[str, str]:
    """Return the environment of a student's code: nothing of who marks it."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {
        name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ
    }
    return {
        "HOME": home,
        "TMPDIR": home,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        MARKING: "1",
        **dict.fromkeys(threads, "1"),
        **kept,
    }


def execute(cells: list[str], limits: Limits, *, contained: bool = True) -> Outcome:
    """Execute the code cells of a notebook, one after another, and return what it told.

    Parameters
    ----------
    cells : list of str
        Their sources.
    limits : Limits
        What it may take.
    contained : bool
        False runs it as any other program of this user, in an empty folder, within the limits of time and memory
        alone: it can read and write what the user can.
    """
    job = json.dumps({"cells": cells, "limits": asdict(limits), "user": _user() if contained else None})
    if contained:
        return _follow([*command(limits), sys.executable, f"{INSIDE}/inside.py"], job, limits, None)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home:
        kept = {} if sys.platform != "win32" else dict(os.environ)
        free = {**kept, **environment(home, str(ROOT))}
        inside = str(Path(__file__).with_name("inside.py"))
        return _follow([sys.executable, inside], job, limits, free)


def _user() -> int | None:
    """Return a user for a jail that root starts: a number beyond all accounts, for this jail alone."""
    return 2**30 + secrets.randbelow(2**29) if os.geteuid() == 0 else None


def _follow(words: list[str], job: str, limits: Limits, env: dict[str, str] | None) -> Outcome:
    """Start a program, hand it its job, watch it, and return what came of it."""
    outcome = Outcome()
    began = time.monotonic()
    apart: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **apart,
        encoding="utf-8", errors="replace",
    )  # fmt: skip
    readers = [
        threading.Thread(target=_hand_over, args=(process, job), daemon=True),
        threading.Thread(target=_read_events, args=(process, outcome, limits.told), daemon=True),
        threading.Thread(target=_read_last, args=(process, outcome), daemon=True),
    ]
    _running.add(process)
    try:
        for reader in readers:
            reader.start()
        _watch(process, outcome, limits, began)
    finally:
        _end(process)
        _running.discard(process)
        for reader in readers:
            reader.join(5)
    outcome.seconds = time.monotonic() - began
    if any(event.get("ended") == "the kernel died" for event in outcome.events):
        outcome.ended = outcome.ended or "its kernel died: it ran out of memory, or its code ended it"
    elif not any(event.get("event") == "finished" for event in outcome.events):
        outcome.ended = outcome.ended or "it ended what executed it"
    return outcome


def _watch(process: subprocess.Popen[str], outcome: Outcome, limits: Limits, began: float) -> None:
    """Wait for the end of the program; note why, and return, where it takes more than it may."""
    while process.poll() is None:
        if outcome.ended:  # it told too much
            return
        if time.monotonic() - began > limits.seconds:
            outcome.ended = f"it took longer than {limits.seconds:g} s"
            return
        held, count = _held_by(process.pid)
        if count > limits.processes:
            outcome.ended = f"it started more than {limits.processes} processes"
            return
        outcome.peak_memory = max(outcome.peak_memory, held)
        if held > limits.memory and _held_by(process.pid, exactly=True)[0] > limits.memory:
            outcome.ended = f"it took more than {limits.memory / 2**30:.3g} GB of memory"
            return
        time.sleep(POLL)


def _held_by(pid: int, exactly: bool = False) -> tuple[int, int]:
    """Return the memory that a process and all below it hold, and how many they are.

    What processes share is counted for each of them; `exactly` counts it once, which takes longer.
    """
    held = count = 0
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            count += 1
            with suppress(psutil.Error):
                held += process.memory_full_info().pss if exactly else process.memory_info().rss
    return held, count


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the program, and with it all below it: in the jail the end of its first process is the end of all."""
    below = []
    if "--die-with-parent" not in process.args:  # type: ignore[operator]
        with suppress(psutil.Error):
            below = psutil.Process(process.pid).children(recursive=True)
    with suppress(OSError):
        process.kill()
    for child in below:
        with suppress(psutil.Error):
            child.kill()
    process.wait()


def _hand_over(process: subprocess.Popen[str], job: str) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(job)
        process.stdin.close()


def _read_events(process: subprocess.Popen[str], outcome: Outcome, most: int) -> None:
    """Read what is told, a line at a time, up to a limit; what is no event is passed over."""
    assert process.stdout is not None
    left = most
    with suppress(ValueError, OSError):
        while left > 0:
            line = process.stdout.readline(left)
            if not line:
                return
            left -= len(line)
            with suppress(ValueError, RecursionError):
                event = json.loads(line)
                if isinstance(event, dict):
                    outcome.events.append(event)
        outcome.ended = outcome.ended or f"it told more than {most / 2**20:g} million characters"


def _read_last(process: subprocess.Popen[str], outcome: Outcome, most: int = 4000) -> None:
    """Read what goes to standard error, and keep the end of it."""
    assert process.stderr is not None
    with suppress(ValueError, OSError):
        while piece := process.stderr.read(65536):
            outcome.said = (outcome.said + piece)[-most:]


def stop() -> None:
    """End all programs that `execute` started."""
    for process in list(_running):
        with suppress(OSError):
            process.kill()
