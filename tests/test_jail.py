"""A student's code in the jail: whatever it does, it is stopped, told of, and harms nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from course.classroom import jail
from course.classroom.grade import answers_in
from course.classroom.jail import Limits, Outcome
from helpers.check import ANSWER

MISSING = jail.why_not()
pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"no containment here: {MISSING}"
)
long = pytest.mark.long
FORK = "import os\nwhile True:\n    os.fork()"
STUBBORN_FORK = "import os\nwhile True:\n    try:\n        os.fork()\n    except BaseException:\n        pass"
needs_filter = pytest.mark.skipif(not jail.filtered(), reason="no filter here: libseccomp is missing")
# Ends the first thread of a process, whose number is then a dead one's, while another thread holds memory.
ZOMBIE = """
import ctypes, platform, threading, time
def hold():
    time.sleep(0.5)
    held = bytearray(b'x') * 600_000_000
    time.sleep(60)
threading.Thread(target=hold).start()
ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
"""
# Shows the name of the error that each call comes to.
CALLS = """
import ctypes, errno, mmap, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
clone = {'x86_64': 56, 'aarch64': 220}[platform.machine()]
def call(function, *words):
    if function(*words) == -1:
        raise OSError(ctypes.get_errno(), '')
def cloned(flags):
    if (pid := libc.syscall(clone, flags | 17, 0, 0, 0, 0)) == 0:
        os._exit(0)
    return pid if pid < 0 else os.waitpid(pid, 0)[0]
calls = {
    'memfd_create': lambda: os.memfd_create('x'),
    'mmap for no file': lambda: mmap.mmap(-1, 4096),
    'shmget': lambda: call(libc.shmget, 0, 4096, 0o1600),
    'unshare': lambda: call(libc.unshare, 0x10000000),
    'mount': lambda: call(libc.mount, b'x', b'/scratch', b'tmpfs', 0, None),
    'clone': lambda: call(cloned, 0x10000000),
    'clone, plain': lambda: call(cloned, 0),
    'clone3': lambda: call(libc.syscall, 435, None, 0),
    'ptrace': lambda: call(libc.ptrace, 0, 0, None, None),
    'process_vm_writev': lambda: call(libc.process_vm_writev, 1, None, 0, None, 0, 0),
    'io_uring_setup': lambda: call(libc.syscall, 425, 1, None),
    'io_setup': lambda: call(libc.syscall, {'x86_64': 206, 'aarch64': 0}[platform.machine()], 1, None),
    'inotify_init': lambda: call(libc.inotify_init),
    'inotify_init1': lambda: call(libc.inotify_init1, 0),
    'fanotify_init': lambda: call(libc.fanotify_init, 0, 0),
    'mq_open': lambda: call(libc.syscall, {'x86_64': 240, 'aarch64': 180}[platform.machine()], b'x', 0o102, 0o600, None),
    'sched_setaffinity': lambda: os.sched_setaffinity(0, range(os.cpu_count())),
    'vsock': lambda: socket.socket(40, socket.SOCK_STREAM),
    'a family in high bits': lambda: call(libc.syscall, {'x86_64': 41, 'aarch64': 198}[platform.machine()],
        ctypes.c_long(2**32 + 40), 1, 0),
    'unix': lambda: socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1),
    'send buffer': lambda: socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10**6),
    'inet': lambda: socket.socket().close(),
}
lines = []
for name, one in calls.items():
    try:
        one()
        lines.append(f'{name}: OK')
    except OSError as error:
        lines.append(f'{name}: {errno.errorcode[error.errno]}')
print('\\n'.join(lines))  # at once: what is printed bit by bit may come in several outputs
"""
FILL = "with open({place!r}, 'wb') as f:\n    for _ in range(1024):\n        f.write(bytes(2**20))"


@pytest.fixture(params=["as it is", "not root"])
def _teacher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test in the jail of this user, and in that of a user who is not root. No code in it may be a danger."""
    if request.param == "not root":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)


def running(word: str) -> list[psutil.Process]:
    """Return the processes that have a word in their command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if word in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def gone(word: str) -> bool:
    """Tell whether such processes are gone, or go within some seconds: a killed one takes its time."""
    psutil.wait_procs(running(word), timeout=5)
    return not running(word)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Return True as soon as a condition holds, False if it does not within these seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def ended(outcome: Outcome) -> list[str]:
    """Return how each cell ended."""
    return [event["ended"] for event in outcome.events if event["event"] == "cell"]


def shown(outcome: Outcome) -> str:
    """Return what all cells showed."""
    return "\n".join(
        str(output.get("evalue") or output.get("text") or output.get("data"))
        for event in outcome.events
        if event["event"] == "cell"
        for output in event["outputs"]
    )


def answer(exercise: str, value: Any) -> str:
    return f"from helpers.check import check\ncheck({exercise!r}, {value!r})"


def test_the_code_runs_with_the_courses_helpers_and_goes_on_after_an_error() -> None:
    outcome = jail.execute(
        ["from helpers import landscape", "1 / 0", answer("4.1", 2.5), "print(landscape.heights(8).shape)"],
        Limits(),
    )
    assert not outcome.ended
    assert ended(outcome) == ["ok", "error", "ok", "ok"]
    assert answers_in(outcome, ["4.1"]) == {"4.1": 2.5}
    assert "(8, 8)" in shown(outcome)
    assert outcome.seconds > 0
    assert outcome.peak_memory > 2**20


@pytest.mark.parametrize("code", [FORK, pytest.param(STUBBORN_FORK, marks=long)], ids=["bomb", "stubborn"])
def test_a_fork_bomb_is_ended_and_what_came_before_counts(code: str) -> None:
    before = len(psutil.pids())
    outcome = jail.execute([answer("4.1", 1), code, answer("4.2", 2)], Limits(seconds=60))
    assert "processes" in outcome.ended
    assert answers_in(outcome, ["4.1", "4.2"]) == {"4.1": 1}
    assert outcome.seconds < 60
    time.sleep(0.5)
    assert len(psutil.pids()) < before + 30


def test_a_memory_hog_is_ended() -> None:
    hog = "held = []\nwhile True:\n    held.append(bytearray(50_000_000))"
    outcome = jail.execute([answer("4.1", 1), hog], Limits(memory=600 * 2**20, seconds=60))
    assert (
        outcome.ended.startswith("it took more than 0.586 GB")
        or "died" in outcome.ended
        or "error" in ended(outcome)
    )
    assert outcome.peak_memory < 2 * 2**30
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


def test_an_endless_loop_costs_its_own_cell_alone() -> None:
    outcome = jail.execute(["while True:\n    pass", answer("4.1", 1)], Limits(cell_seconds=4.5))
    assert ended(outcome) == ["too slow", "ok"]
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


@long
def test_a_loop_that_will_not_be_interrupted_ends_with_the_notebook() -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    outcome = jail.execute([answer("4.1", 1), stubborn, answer("4.2", 1)], Limits(cell_seconds=2, seconds=15))
    assert outcome.ended == "it took longer than 15 s"
    assert answers_in(outcome, ["4.1", "4.2"]) == {"4.1": 1}


def test_endless_output_is_cut() -> None:
    outcome = jail.execute(
        ["while True:\n    print('x' * 1000)", answer("4.1", 1)], Limits(output=100_000, cell_seconds=20)
    )
    assert ended(outcome) == ["flooded", "ok"]
    assert len(shown(outcome)) < 400_000
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


@pytest.mark.parametrize(
    "loud",
    [
        "display({'image/png': 'x' * 5_000_000, 'text/plain': 'a figure'}, raw=True)",
        "print('x' * 5_000_000)",
        "for _ in range(50):\n    print('x' * 100_000, flush=True)",
    ],
    ids=["figure", "line", "lines"],
)
def test_large_output_before_an_answer_costs_no_answer(loud: str) -> None:
    outcome = jail.execute([f"{loud}\n{answer('4.1', 1)}", answer("4.2", 2)], Limits())
    assert ended(outcome) == ["ok", "ok"]
    assert answers_in(outcome, ["4.1", "4.2"]) == {"4.1": 1, "4.2": 2}
    assert len(shown(outcome)) < 1_100_000


def test_many_cells_with_large_output_cost_no_answer_of_a_later_one() -> None:
    figure = "display({'image/png': 'x' * 600_000, 'text/plain': 'a figure'}, raw=True)"
    outcome = jail.execute(
        [*[figure] * 16, *["print('x' * 2_000_000)"] * 10, answer("4.1", "ж" * 15_000)], Limits()
    )
    assert not outcome.ended
    assert answers_in(outcome, ["4.1"]) == {"4.1": "ж" * 15_000}
    events = [event for event in outcome.events if event["event"] == "cell"]
    assert [event["dropped"] > 0 for event in events][:-1] == [False] * 16 + [True] * 10


def test_an_answer_counts_although_its_cell_never_ends() -> None:
    endless = (
        answer("4.1", 1)
        + "\nimport time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    )
    outcome = jail.execute([endless], Limits(cell_seconds=2, seconds=8))
    assert outcome.ended == "it took longer than 8 s"
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


def test_a_cell_whose_end_is_not_reported_does_not_stop_the_others() -> None:
    """An interrupt that reaches the kernel just after the last line of a cell can cost the messages that end the cell."""
    lost = (
        "session = get_ipython().kernel.session\nsend = session.send\n"
        "def sometimes(stream, kind, *words, **named):\n"
        "    if kind == 'execute_reply':\n        session.lost = True\n        return\n"
        "    if kind == 'status' and session.lost:\n        session.send = send\n        return\n"
        "    return send(stream, kind, *words, **named)\n"
        "session.add_traits(lost=__import__('traitlets').Bool(False))\nsession.send = sometimes"
    )
    outcome = jail.execute([lost, answer("4.1", 1)], Limits(cell_seconds=3, seconds=30))
    assert not outcome.ended
    assert ended(outcome) == ["too slow", "ok"]
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


@long
def test_what_is_told_past_the_limit_is_not_read() -> None:
    """What executes it keeps outputs within the limit; but it is no more trusted than what it executes."""
    outcome = jail.execute(["print('x' * 1000)"] * 60, Limits(told=4000, seconds=60))
    assert "it told more than" in outcome.ended
    assert sum(len(str(event)) for event in outcome.events) < 8000


@pytest.mark.parametrize("place", ["x", pytest.param("/dev/shm/x", marks=long)])
def test_a_gigabyte_is_not_written(place: str) -> None:
    outcome = jail.execute(
        [FILL.format(place=place), answer("4.1", 1)], Limits(scratch=64 * 2**20, cell_seconds=30)
    )
    assert ended(outcome) == ["error", "ok"]
    assert "No space left" in shown(outcome) or "File too large" in shown(outcome)


def test_nothing_of_the_teachers_can_be_seen_written_or_reached(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text("secret", encoding="utf-8")
    code = [
        f"open({str(key)!r}).read()",
        f"import os\nos.remove({str(key)!r})",
        "import os\nos.listdir(os.path.expanduser('~root')) if os.getuid() == 0 else os.listdir('/home')",
        "import helpers\nopen(helpers.__path__[0] + '/exercises.py', 'a')",
        "open('/course/x', 'w')",
        "open('/etc/x', 'w')",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), timeout=2)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)",
    ]  # fmt: skip
    outcome = jail.execute(code, Limits())
    assert ended(outcome) == ["error"] * len(code), shown(outcome)
    assert key.read_text(encoding="utf-8") == "secret"


@pytest.mark.usefixtures("_teacher")
def test_the_environment_tells_nothing_of_the_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "abc123")
    look = (
        "from pathlib import Path\nfor file in Path('/proc').glob('[0-9]*/*'):\n"
        "    try:\n        print(file, file.read_bytes() if file.name in ('environ', 'cmdline') else '')\n"
        "    except OSError:\n        pass"
    )
    outcome = jail.execute(
        ["import os\nprint(dict(os.environ))", look, "import psutil\nprint(psutil.pids())"], Limits()
    )
    assert ended(outcome) == ["ok"] * 3
    assert "OMP_NUM_THREADS" in shown(outcome)
    assert "abc123" not in shown(outcome)
    assert "/proc/1/" not in shown(outcome)  # bubblewrap's own, where the teacher's paths stand
    assert "bwrap" not in shown(outcome)
    assert str(os.getpid()) not in shown(outcome).rpartition("[")[2].strip("]\n").split(", ")


@needs_filter
def test_what_goes_round_the_limits_is_refused() -> None:
    outcome = jail.execute([CALLS], Limits())
    found = dict(line.split(": ") for line in shown(outcome).split("\n") if line)
    plain = dict.fromkeys(("clone, plain", "unix"), "OK")
    assert found == dict.fromkeys(found, "EPERM") | plain | {"clone3": "ENOSYS"}
    assert len(found) == 22


@pytest.mark.usefixtures("_teacher")
def test_the_memory_of_what_executes_the_cells_is_closed() -> None:
    look = (
        "import os\nfor name in ('mem', 'environ', 'maps', f'task/{os.getppid()}/mem'):\n"
        "    try:\n        print(name, open(f'/proc/{os.getppid()}/{name}', 'rb').read(0))\n"
        "    except OSError as error:\n        print(error.strerror)"
    )
    outcome = jail.execute([look], Limits())
    assert shown(outcome).split("\n")[:4] == ["Permission denied"] * 4


def test_no_complaints_of_fontconfig_are_shown() -> None:
    outcome = jail.execute(["import subprocess\nsubprocess.getoutput('fc-list')[:2000]"], Limits())
    assert not outcome.ended
    assert "Fontconfig" not in shown(outcome)


@needs_filter
@pytest.mark.skipif(psutil.cpu_count() == 1, reason="a single processor")
def test_two_notebooks_at_once_run_on_a_processor_each() -> None:
    meet = "import os, time\nprint(os.sched_getaffinity(0))\ntime.sleep(8)"
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(jail.execute([meet], Limits()))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({shown(outcome) for outcome in outcomes}) == 2
    assert all(shown(outcome).count(",") == 0 for outcome in outcomes)
    assert len(os.sched_getaffinity(0)) > 1


@long
@needs_filter
@pytest.mark.skipif(psutil.cpu_count() == 1, reason="a single processor")
def test_many_busy_processes_do_not_slow_the_notebook_beside_them() -> None:
    busy = (
        "import os, time\nfor _ in range(55):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        while True:\n            pass\nprint('begun')\ntime.sleep(60)"
    )
    work = "n = 0\nwhile n < 20_000_000:\n    n += 1"
    alone = jail.execute([work], Limits()).seconds
    flood = threading.Thread(target=jail.execute, args=([busy], Limits(seconds=60, processes=100)))
    flood.start()
    assert wait_for(lambda: len(running("ipykernel_launcher")) > 50)
    beside = jail.execute([work], Limits())
    jail.stop()
    flood.join()
    assert not beside.ended
    assert beside.seconds < 6 * alone  # more than 12 times as long where they share processors


@long
def test_without_a_filter_the_jail_holds_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "_filter", lambda: b"")
    assert not jail.filtered()
    outcome = jail.execute(["1", "open('/dev/zero', 'rb').read(1) + b'no memory'"], Limits())
    assert not outcome.ended
    assert "b'no memory'" in shown(outcome)


@pytest.mark.parametrize("missing", [ImportError, RuntimeError])
def test_a_filter_that_cannot_be_made_is_none(
    missing: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise missing

    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    if missing is RuntimeError:  # as the package does where it finds no library
        monkeypatch.delitem(sys.modules, "pyseccomp")
        monkeypatch.setattr("ctypes.util.find_library", fail)
    assert jail._filter.__wrapped__() == b""


def test_memory_that_only_a_thread_holds_is_seen() -> None:
    outcome = jail.execute(
        [f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {ZOMBIE!r}])"],
        Limits(memory=400 * 2**20, seconds=20),
    )
    assert outcome.ended == "it took more than 0.391 GB of memory"


@long
def test_sockets_are_counted_whoever_holds_them() -> None:
    flood = (
        "import os, socket, time\nheld = []\nfor _ in range(3):\n    if os.fork() == 0:\n        break\n"
        "for _ in range(60):\n    held.append(socket.socketpair())\ntime.sleep(60)"
    )
    outcome = jail.execute([flood], Limits(seconds=20))
    assert outcome.ended == "it opened more than 256 sockets"


@long
@pytest.mark.usefixtures("_teacher")
@pytest.mark.parametrize("place", ["/scratch", "/dev/shm"])
def test_links_are_counted(place: str) -> None:
    flood = f"import os, time\nfor n in range(3000):\n    os.symlink('x', f'{place}/{{n}}')\ntime.sleep(60)"
    outcome = jail.execute([flood], Limits(seconds=20, files=2000))
    assert outcome.ended == "it made more than 2000 files"


def test_a_machine_that_is_short_of_memory_gets_no_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "LEFT", 1.0)
    outcome = jail.execute(["1"], Limits())
    assert outcome.ended == "the machine ran out of memory while it ran"


@pytest.mark.usefixtures("_teacher")
@pytest.mark.parametrize("how", ["too slow", "stopped", "bubblewrap killed"])
def test_nothing_survives_that_does_not_die_with_bubblewrap(how: str) -> None:
    word = f"4321.{os.getpid()}"
    with jail._jail(Limits()) as (words, start):
        words.remove("--die-with-parent")  # as if code in the jail's first process had seen to that
        words += ["sh", "-c", "sleep $0 & (setsid sleep $0 &) ; wait", word]
        follow = threading.Thread(
            target=jail._follow,
            args=(words, "", Limits(seconds=1 if how == "too slow" else 60)),
            kwargs=start,
        )
        follow.start()
        deadline = time.monotonic() + 10
        while not any(len(seen) > 4 for seen in jail._running.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(running(word)) > 4  # bubblewrap's two, the shell, and two that sleep
        if how == "stopped":
            jail.stop()
        if how == "bubblewrap killed":
            for process in list(jail._running):
                process.kill()
        follow.join(10)
    assert not follow.is_alive()
    assert gone(word)


def test_processes_and_threads_work_within_the_limits() -> None:
    work = [
        "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1, 2]))",
        "import threading\nthread = threading.Thread(target=print, args=('[5]',))\nthread.start()\nthread.join()",
        "import subprocess\nprint(subprocess.run(['echo', '[6]'], capture_output=True, text=True).stdout)",
    ]
    outcome = jail.execute(work, Limits())
    assert ended(outcome) == ["ok"] * 3
    assert all(f"[{numbers}]" in shown(outcome) for numbers in ("1, 2", "5", "6"))


@long
def test_joblib_clusters_and_large_figures_work_within_the_limits() -> None:
    figure = "from IPython.display import display\ndisplay({'image/png': 'A' * 1_000_000}, raw=True)"
    work = [
        "import joblib\nprint(joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(n) for n in (-3, 4)))",
        "import numpy as np\nfrom sklearn.cluster import KMeans\nKMeans(2, n_init=2).fit(np.random.rand(9, 2)).n_iter_",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        *[figure] * 6,
        answer("4.1", 1),
    ]
    outcome = jail.execute(work, Limits())
    assert ended(outcome) == ["ok"] * 10
    assert "[3, 4]" in shown(outcome)
    assert (
        sum(len(str(event)) for event in outcome.events) < 10_000
    )  # pictures are of no use to whoever marks
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
        pytest.param("import os\nos._exit(0)", marks=long),
        pytest.param("import os, signal\nos.kill(-1, signal.SIGKILL)", marks=long),
    ],
    ids=["the supervisor", "the kernel", "everything"],
)
def test_who_kills_what_runs_it_keeps_the_answers_so_far(code: str) -> None:
    outcome = jail.execute([answer("4.1", 1), code, answer("4.2", 2)], Limits())
    assert outcome.ended
    assert answers_in(outcome, ["4.1", "4.2"]) == {"4.1": 1}


def test_helpers_and_the_checker_replaced_from_inside_give_an_answer_and_no_mark() -> None:
    code = [
        "import helpers.check as e\ne.judge = lambda *a: e.Verdict(True, 99.0, 'right.')\ne.check = lambda *a: print('right.')",
        answer("4.1", 7),
    ]  # fmt: skip
    outcome = jail.execute(code, Limits())
    assert answers_in(outcome, ["4.1"]) in ({}, {"4.1": 7})
    assert not any("credit" in str(event) for event in outcome.events)


def test_a_forged_event_holds_answers_at_most() -> None:
    forged = (
        "import json, os\n"
        f"given = {{{ANSWER!r}: {{'exercise': '4.1', 'answer': 7, 'points': 99}}}}\n"
        "event = {'event': 'cell', 'number': 0, 'ended': 'ok', 'marks': 99, 'outputs': [{'data': given}]}\n"
        "for fd in range(3, 30):\n"
        "    try:\n        os.write(os.open(f'/proc/{os.getppid()}/fd/{fd}', os.O_WRONLY), (json.dumps(event) + '\\n').encode())\n"
        "    except OSError:\n        pass"
    )
    outcome = jail.execute([forged], Limits())
    assert answers_in(outcome, ["4.1"]) in ({}, {"4.1": 7})


def test_a_killed_marker_leaves_nothing_running() -> None:
    script = (
        "from course.classroom import jail\nprint('begun', flush=True)\n"
        "jail.execute(['import time\\ntime.sleep(120)  # this very sleep'], jail.Limits())"
    )
    root = Path(__file__).parent.parent
    marker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root, text=True)
    assert marker.stdout is not None
    marker.stdout.readline()
    deadline = time.monotonic() + 20
    while not (jailed := psutil.Process(marker.pid).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    jailed = psutil.Process(marker.pid).children(recursive=True)
    marker.kill()
    marker.wait()
    _, alive = psutil.wait_procs(jailed, timeout=10)
    assert not alive


def test_where_nothing_can_contain_it_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert jail.why_not().startswith("bubblewrap is not installed")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert jail.why_not() == "containment needs Linux, and this is darwin"


@long
def test_without_containment_time_is_limited_all_the_same() -> None:
    outcome = jail.execute(
        [answer("4.1", 1), "while True:\n    pass"], Limits(cell_seconds=2, seconds=30), contained=False
    )
    assert answers_in(outcome, ["4.1"]) == {"4.1": 1}
    assert ended(outcome) == ["ok", "too slow"]
