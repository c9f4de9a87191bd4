"""Fork chapters and their kernels from one process that has imported the libraries, which takes seconds each time.

Steps: `Warm` starts this module as a program and sends it a job, with three streams, for each chapter; the program
imports the libraries once and forks a process for each job; that process forks a kernel that waits, then executes
the chapter by `course.execute`, whose kernel provisioner lets the waiting kernel begin.

A process is forked safely only while it has one thread, no event loop and no ZMQ socket: the program makes none of
them, and a kernel is forked before its chapter's process does. Only libraries are imported before a fork, and
nothing of the project, as it may change.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# What chapters import, as far as it can be forked, and what executes them.
LIBRARIES = "numpy|scipy|sklearn|skimage|matplotlib|pandas|PIL|kneed|minisom|mlxtend"
TOOLS = ("ipykernel.kernelapp", "IPython.core.completer", "nbclient", "papermill.execute", "psutil", "yaml")
IMPORT = re.compile(
    rf'^[\s"]*(from (?:{LIBRARIES})\b[\w.]* import \w[\w, ]*|import (?:{LIBRARIES})\b[\w.]*)', re.M
)
COURSE = Path(__file__).resolve().parent.parent
COLD = "COURSE_COLD"  # set by --cold
PROVISIONER = "course-warm"
PR_SET_PDEATHSIG = 1


def available() -> bool:
    """Return True if kernels can be forked here, and --cold was not given."""
    return sys.platform == "linux" and not os.environ.get(COLD)


class Warm:
    """The process that imports the libraries, as seen by the run that starts it.

    Parameters
    ----------
    files : iterable of Path
        Python files and notebooks; what they import of `LIBRARIES` is imported before the first fork.
    environment : dict
        The environment of the process, with what libraries read when they are imported, such as limits of threads.
    """

    def __init__(self, files: Iterable[Path], environment: dict[str, str]) -> None:
        imports = sorted(
            {found for path in files for found in IMPORT.findall(path.read_text("utf-8", "replace"))}
        )
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.starting, self.ready = threading.Lock(), False
        nothing: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), json.dumps(imports)],
                cwd=COURSE, env=environment, pass_fds=[theirs.fileno()], start_new_session=True, **nothing,
            )  # fmt: skip

    def start(self, job: dict[str, Any]) -> Forked:
        """Start a chapter's process; safe to call from several threads.

        Raises
        ------
        OSError
            If the process that is to be forked ended.
        """
        with self.starting:
            if not self.ready and not self.control.recv(1):
                raise OSError("the process that imports the libraries ended")
            self.ready = True
        pipes = [os.pipe() for _ in range(4)]  # standard input, output and error, and the exit code
        theirs = [pipes[0][0], *(write for _, write in pipes[1:])]
        forked = Forked(self, pipes[0][1], *(read for read, _ in pipes[1:]))
        try:
            socket.send_fds(self.control, [json.dumps(job).encode()], theirs)
        finally:
            for end in theirs:
                os.close(end)
        return forked

    def kill(self) -> None:
        """Kill the process and the chapters' processes, with which their kernels end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the process end when its chapters have; at once, if it still imports."""
        if not self.ready:
            self.kill()
        self.control.close()
        self.process.wait()


class Forked:
    """A chapter's process, with as much of `subprocess.Popen` as `course.run` uses."""

    def __init__(self, warm: Warm, stdin: int, stdout: int, stderr: int, code: int) -> None:
        self.warm, self.code = warm, open(code, "rb")  # noqa: SIM115
        self.stdin = os.fdopen(stdin, "w")
        self.stdout, self.stderr = (
            os.fdopen(end, encoding="utf-8", errors="replace") for end in (stdout, stderr)
        )
        self.returncode: int | None = None
        self.waiting = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code, which is negative after a signal."""
        with self.waiting:
            if self.returncode is None:
                if not select.select([self.code], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(__name__, timeout or 0)
                self.returncode = int(self.code.read() or -signal.SIGKILL)
        return self.returncode

    def kill(self) -> None:
        """Kill the process, and all others with it: it did not even end when its standard input did."""
        self.warm.kill()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdin.close()
        self.wait()
        for stream in (self.stdout, self.stderr, self.code):
            stream.close()


def main(control: socket.socket, imports: list[str]) -> None:
    """Import the libraries, then fork a process for each job, until whoever started this is gone."""
    # jsonschema would compile a grammar of web addresses, which takes most of a second and is not used here.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    # pandas asks when it is imported whether this is a kernel, and shows tables whole if it is.
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    for statement in [*(f"import {name}" for name in TOOLS), *imports]:
        with contextlib.suppress(ImportError, SyntaxError):  # the chapter will say so itself
            exec(statement, {})
    del builtins.get_ipython  # type: ignore[attr-defined]
    own = ("rfc3987_syntax", "course", "helpers", "figures", "claims")  # papermill loads the course's engine
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]
    _refuse_threads()
    gc.freeze()  # so that what is there stays shared with the processes that are forked
    control.send(b"r")
    at_work: dict[int, tuple[int, int]] = {}  # by what is readable when it ends: process, where its code goes
    listening = [control.fileno()]
    while listening or at_work:
        for ready in select.select([*listening, *at_work], [], [])[0]:
            if ready in at_work:
                pid, code = at_work.pop(ready)
                os.write(code, b"%d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(code)
                os.close(ready)
                continue
            message, ends, _, _ = socket.recv_fds(control, 2**20, 4)
            if not message:
                listening = []
                continue
            mine = [*listening, ends[3], *at_work, *(code for _, code in at_work.values())]
            pid = _fork(_execute, json.loads(message), ends[:3], mine)
            at_work[os.pidfd_open(pid)] = pid, ends[3]
            for end in ends[:3]:
                os.close(end)
    os._exit(0)


def _refuse_threads() -> None:
    """Raise an error if this process has more than one thread; one that ends may take a moment."""
    for _ in range(100):
        if len(list(Path("/proc/self/task").iterdir())) == 1:
            return
        time.sleep(0.01)
    raise RuntimeError("a library started a thread, so this process cannot be forked")


def _fork(run: Callable[..., int], *arguments: Any) -> int:
    """Run a function in a forked process, which ends with its return value; return the process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = run(*arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _execute(job: dict[str, Any], streams: list[int], mine: list[int]) -> int:
    """Be a chapter's process: fork the kernel, then execute the chapter with it."""
    for standard, end in enumerate(streams):
        os.dup2(end, standard)
    for end in [*streams, *mine]:
        os.close(end)
    _refuse_threads()
    read, write = os.pipe()
    pid = _fork(_be_kernel, read, write)
    os.close(read)
    from course import execute, warm_kernels

    warm_kernels.provide(pid, write)
    return execute.main(job, PROVISIONER)


def _be_kernel(read: int, write: int) -> int:
    """Be a kernel: wait for the provisioner's word, take on the environment that it names, and begin."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.close(write)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    with os.fdopen(read) as told:
        word = told.read()
    if not word:  # the chapter's process ended
        return 0
    how = json.loads(word)
    os.environ.clear()
    os.environ.update(how["environment"])
    os.chdir(how["folder"])
    sys.argv = how["command"]
    # In place of this course's own folder, which came twice.
    sys.path[:2] = [how["environment"]["PYTHONPATH"]]
    for name in {"random", "numpy.random"} & set(sys.modules):  # all forks begin with one state
        sys.modules[name].seed()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(parent_handle=os.getppid())
    return 0


def provide(pid: int, write: int) -> None:
    """Make a waiting kernel, which this process forked, the one that jupyter_client starts."""
    from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

    class WarmProvisioner(LocalProvisioner):
        """Let the waiting kernel begin, where `LocalProvisioner` starts a process."""

        process: Any

        async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
            with os.fdopen(write, "w") as told:
                json.dump({"environment": options["env"], "folder": os.getcwd(), "command": cmd[2:]}, told)  # noqa: PTH109
            self.process = Child(pid)
            self.pid = self.pgid = pid
            return self.connection_info

    entry: Any = SimpleNamespace(name=PROVISIONER, value=__name__, load=lambda: WarmProvisioner)
    KernelProvisionerFactory.provisioners[PROVISIONER] = entry


class Child:
    """A forked process, with as much of `subprocess.Popen` as jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self) -> int:
        """Return the exit code; `LocalProvisioner` asks for it when `poll` has returned one."""
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))
