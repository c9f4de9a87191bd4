"""Run a student's code where it can do no harm: bubblewrap's namespaces, a filter, limits, and a watch from outside.

Steps: find out whether this machine can contain a program; lay out what the program sees (Python, its packages,
`helpers` and `data`, all read-only; an empty scratch folder in memory; no network, no other process), and filter
what it may ask of the kernel; start it; watch its time, memory, processes, sockets and files; read what it tells, up
to a limit; end it, with all that it started.

What the watch cannot count is memory that the kernel holds for a program otherwise: locks of files, watches, tables
of pages. Whatever holds it, the program is stopped where the machine has little memory left.

Nothing on the disk can be written from inside, so nothing has to be cleaned up. What the program tells is data of
unknown origin: it is parsed, cut and compared here, never believed.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from helpers.check import ANSWER, MARKING

ROOT = Path(__file__).resolve().parent.parent.parent
INSIDE = "/course"  # where the course lies in the jail
HOME = "/scratch"  # the only folder that can be written; the course itself may lie in /tmp
POLL = 0.05  # seconds between two looks at what runs
LEFT = 0.05  # the share of the machine's memory that no program in a jail gets
LEFT_AT_LEAST = 256 * 2**20  # bytes
# What `execute` has started and not yet ended, and all processes that were seen below it.
_running: dict[subprocess.Popen[str], set[psutil.Process]] = {}
_choosing = threading.Lock()

# Calls of the kernel that are refused. No student needs one, and each is a way round a limit:
REFUSED = (
    # memory that belongs to no process, so that it is counted for none
    *("memfd_create", "memfd_secret", "shmget", "shmat", "semget", "msgget", "mq_open", "vmsplice"),
    *("io_setup", "inotify_init", "inotify_init1", "fanotify_init"),
    # namespaces, and folders in memory that are mounted there
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr"),
    # the memory and the files of other processes: the jail's first, which ends it, may be of the same user
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
    # where holes in the kernel are found time and again
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "bpf"),
    *("userfaultfd", "perf_event_open"),
    # the processors of the other jails
    "sched_setaffinity",
)
# The flags CLONE_NEW* of `clone`: cgroups, mounts, host's name, messages, users, processes, network.
NAMESPACES = (0x02000000, 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
# MAP_SHARED | MAP_ANONYMOUS: `madvise` takes such memory from its process, which then seems to hold none, and it stays.
FOR_NO_FILE, MAP_BITS = 0x21, 0x2F
LOW = 2**32 - 1  # the bits of an argument that is an int: the kernel looks at no others


@dataclass(frozen=True)
class Limits:
    """What one notebook may take."""

    seconds: float = 180  # in all
    cell_seconds: float = 60
    memory: int = 2 * 2**30  # bytes, all its processes together
    processes: int = 64
    threads: int = 256  # of all processes together, which count as one each
    scratch: int = 256 * 2**20  # bytes in its scratch folder
    files: int = 20_000  # in its scratch folder, links too: about 1 KB of the kernel's memory for each
    sockets: int = 256  # of all processes together: each holds up to 200 KB of the kernel's memory
    open_files: int = 256  # of each process
    output: int = 2**20  # characters that a cell may show
    told: int = 8 * 2**20  # characters that are read of all that it tells; parsed, up to 30 bytes each


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
    with _jail(limits or Limits()) as (words, start):
        tried = subprocess.run(
            [*words, sys.executable, "-c", "pass"], capture_output=True, text=True, check=False, **start
        )
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"bubblewrap cannot make a sandbox here: {last}"
    return ""


def filtered() -> bool:
    """Tell whether the jail of this machine has a filter of what a program may ask of the kernel.

    Without libseccomp, and on processors other than x86-64 and ARM of 64 bits, it has none. It holds all the same; but
    a program can then take memory that its own limit does not count, until the machine is short of it.
    """
    return bool(_filter())


@cache
def _filter() -> bytes:
    """Return the jail's filter, as the kernel reads it; nothing where none can be made."""
    if sys.platform != "linux":
        return b""
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError):  # RuntimeError: there is no libseccomp
        return b""
    # Elsewhere the order of arguments may be another, and nobody has tried.
    if seccomp.system_arch() not in (seccomp.Arch.X86_64, seccomp.Arch.AARCH64):
        return b""
    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, refuse)  # calls in the manner of 32 bits, which no rule fits

    def is_(place: int, value: int, of: int = LOW) -> Any:
        return seccomp.Arg(place, seccomp.MASKED_EQ, of, value)

    for name in REFUSED:
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:  # a libseccomp may be older than a call
            rules.add_rule(refuse, name)
    # Its flags lie in memory, where no filter can look. The C library takes `clone` where there is no `clone3`.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACES:
        rules.add_rule(refuse, "clone", is_(0, flag, of=flag))
    rules.add_rule(refuse, "mmap", is_(3, FOR_NO_FILE, of=MAP_BITS))
    families = {
        socket.AF_UNIX,
        socket.AF_NETLINK,
    }  # a kernel talks through files; there is no network to speak to
    for family in set(range(max(families))) - families:
        rules.add_rule(refuse, "socket", is_(0, family))
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.GT, max(families)))
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # they let a socket hold 20 times as much
        rules.add_rule(refuse, "setsockopt", is_(1, socket.SOL_SOCKET), is_(2, option))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


@contextmanager
def _jail(limits: Limits) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield bubblewrap's command line, the filter with it, and what else to start it with.

    Its first process is bubblewrap's own, whose environment code inside might read. So that holds nothing.
    """
    bare = {"PATH": os.environ.get("PATH", os.defpath)}
    if not filtered():
        yield command(limits), {"env": bare}
        return
    with tempfile.TemporaryFile() as file:
        file.write(_filter())
        file.seek(0)
        words = [*command(limits), "--seccomp", str(file.fileno())]
        yield words, {"env": bare, "pass_fds": (file.fileno(),)}


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
    words += ["--perms", "0755", "--dir", "/etc"]  # else no user but root could read what lies in it
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
    # An installed wheel has its data inside helpers.
    folders = [name for name in ("helpers", "data") if (ROOT / name).is_dir()]
    bound |= {f"{INSIDE}/{name}": str(ROOT / name) for name in folders}
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
        # The first process is bubblewrap's. In the jail of who is not root, who writes its memory takes it over.
        *("--size", "4096", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"),
        "--dev",
        "/dev",
        # Mapped, it is memory for no file by another name.
        *("--dev-bind", "/dev/null", "/dev/zero"),
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
    user = _user() if contained else None
    job = json.dumps({"cells": cells, "limits": asdict(limits), "user": user, "answer": ANSWER})
    if contained:
        with _jail(limits) as (words, start):
            return _follow([*words, sys.executable, f"{INSIDE}/inside.py"], job, limits, **start)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home:
        kept = {} if sys.platform != "win32" else dict(os.environ)
        free = {**kept, **environment(home, str(ROOT))}
        inside = str(Path(__file__).with_name("inside.py"))
        return _follow([sys.executable, inside], job, limits, env=free)


def _user() -> int | None:
    """Return a user for a jail that root starts: a number beyond all accounts, for this jail alone."""
    return 2**30 + secrets.randbelow(2**29) if os.geteuid() == 0 else None


def _follow(words: list[str], job: str, limits: Limits, **start: Any) -> Outcome:
    """Start a program, hand it its job, watch it, and return what came of it."""
    outcome = Outcome()
    began = time.monotonic()
    if sys.platform != "win32":
        start["start_new_session"] = True
    with _on_one_processor():
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="replace", **start,
        )  # fmt: skip
    _running[process] = set()
    readers = [
        threading.Thread(target=_hand_over, args=(process, job), daemon=True),
        threading.Thread(target=_read_events, args=(process, outcome, limits.told), daemon=True),
        threading.Thread(target=_read_last, args=(process, outcome), daemon=True),
    ]
    try:
        for reader in readers:
            reader.start()
        _watch(process, outcome, limits, began)
    finally:
        _end(process)
        del _running[process]
        for reader in readers:
            reader.join(5)
    outcome.seconds = time.monotonic() - began
    if any(event.get("ended") == "the kernel died" for event in outcome.events):
        outcome.ended = outcome.ended or "its kernel died: it ran out of memory, or its code ended it"
    elif not any(event.get("event") == "finished" for event in outcome.events):
        outcome.ended = outcome.ended or "it ended what executed it"
    return outcome


@contextmanager
def _on_one_processor() -> Iterator[None]:
    """Start what this thread starts on the processor that has the fewest jails.

    However many processes a program starts, they share this processor: a program beside it, whose time is limited,
    too, is none the slower for it.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    with _choosing:
        ours = os.sched_getaffinity(0)
        taken = dict.fromkeys(ours, 0)
        for process in psutil.process_iter(
            ["name"]
        ):  # of other programs that mark, such as workers of Dask, too
            with suppress(psutil.Error, OSError):
                if process.info["name"] == "bwrap" and len(pinned := os.sched_getaffinity(process.pid)) == 1:
                    taken |= {number: taken[number] + 1 for number in pinned & ours}
        least = [number for number in ours if taken[number] == min(taken.values())]
        os.sched_setaffinity(0, {secrets.choice(least)})  # of this thread alone; its child inherits it
        try:
            yield
        finally:
            os.sched_setaffinity(0, ours)


def _watch(process: subprocess.Popen[str], outcome: Outcome, limits: Limits, began: float) -> None:
    """Wait for the end of the program; note why, and return, where it takes more than it may."""
    while process.poll() is None:
        if outcome.ended:  # it told too much
            return
        if time.monotonic() - began > limits.seconds:
            outcome.ended = f"it took longer than {limits.seconds:g} s"
            return
        tree = _tree(process.pid)
        _running[process] = _running[process] | set(tree)
        held = _held_by(tree)
        outcome.peak_memory = max(outcome.peak_memory, held)
        reason = _too_much(tree, held, limits)
        if reason:
            outcome.ended = reason
            return
        time.sleep(POLL)


def _too_much(tree: list[psutil.Process], held: int, limits: Limits) -> str:
    """Return what a program and all below it have too much of, in words; nothing if they keep within the limits."""
    if len(tree) > limits.processes:
        return f"it started more than {limits.processes} processes"
    if held > limits.memory and _held_by(tree, exactly=True) > limits.memory:
        return f"it took more than {limits.memory / 2**30:.3g} GB of memory"
    for process in tree[1:2]:  # the first in the jail
        if _sockets(process.pid) > limits.sockets:
            return f"it opened more than {limits.sockets} sockets"
        if _files(process.pid) > limits.files:
            return f"it made more than {limits.files} files"
    if _is_memory_short():
        return "the machine ran out of memory while it ran"
    return ""


def _tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; none where it has ended."""
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def _held_by(processes: list[psutil.Process], exactly: bool = False) -> int:
    """Return the memory that processes hold.

    What they share is counted for each of them; `exactly` counts it once, which takes longer.
    """
    held = 0
    for process in processes:
        one = 0
        with suppress(psutil.Error):
            # Linux alone tells what a process shares.
            shared = exactly and psutil.LINUX
            one = process.memory_full_info().pss if shared else process.memory_info().rss
        held += one or _held_by_threads(process.pid)
    return held


def _held_by_threads(pid: int) -> int:
    """Return the memory of a process whose first thread has ended: it counts as dead, and the others hold it all."""
    most = 0
    with suppress(OSError):  # it may end at any moment
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, IndexError):
                statm = (task / "statm").read_text(encoding="ascii")
                most = max(most, int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    return most


def _sockets(pid: int) -> int:
    """Return how many sockets there are in the network of a process; none where that is no jail's."""
    with suppress(OSError, IndexError, ValueError):
        if _is_apart(pid, "ns/net"):
            return int(Path(f"/proc/{pid}/net/sockstat").read_text().split()[2])  # "sockets: used 12"
    return 0


def _files(pid: int) -> int:
    """Return how many files and links a process's scratch folders hold; none where it is in no jail, or not yet.

    bubblewrap limits the bytes of a folder in memory, and cannot limit how many files it has.
    """
    with suppress(OSError):
        if _is_apart(pid, "root"):
            folders = [os.statvfs(f"/proc/{pid}/root{place}") for place in (HOME, "/dev/shm")]
            return sum(folder.f_files - folder.f_ffree for folder in folders)
    return 0


def _is_apart(pid: int, what: str) -> bool:
    """Tell whether a process has another network, or another root, than this one."""
    return not Path(f"/proc/{pid}/{what}").samefile(f"/proc/self/{what}")


def _is_memory_short() -> bool:
    """Tell whether the machine has little memory left, whoever took it: the kernel's own belongs to no process."""
    machine = psutil.virtual_memory()
    return machine.available < max(LEFT * machine.total, LEFT_AT_LEAST)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the program, and with it all that it started.

    In the jail the end of bubblewrap is meant to be the end of all. It is not trusted to be.
    """
    started = _running.get(process, set())
    if process.poll() is None:  # else its number may be another's by now
        started = started | set(_tree(process.pid))
    with suppress(OSError):
        process.kill()
    for one in started:
        with suppress(psutil.Error):
            one.kill()
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
    """End all programs that `execute` started, and all that these started."""
    for process in list(_running):
        _end(process)
