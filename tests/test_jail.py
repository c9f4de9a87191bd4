"""A student's code in the jail: whatever it does, it is stopped, told of, and harms nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from course.classroom import jail
from course.classroom.grade import answers_in
from course.classroom.jail import Limits, Outcome

MISSING = jail.why_not()
pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"no containment here: {MISSING}"
)
long = pytest.mark.long
FORK = "import os\nwhile True:\n    os.fork()"
STUBBORN_FORK = "import os\nwhile True:\n    try:\n        os.fork()\n    except BaseException:\n        pass"
FILL = "with open({place!r}, 'wb') as f:\n    for _ in range(1024):\n        f.write(bytes(2**20))"


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
    return f"from helpers.exercises import check\ncheck({exercise!r}, {value!r})"


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
    outcome = jail.execute(["while True:\n    pass", answer("4.1", 1)], Limits(cell_seconds=2))
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


@long
def test_what_is_told_past_the_limit_is_not_read() -> None:
    loud = "import os\nwith open(f'/proc/{os.getppid()}/fd/1', 'w') as f:\n    while True:\n        f.write('x' * 10**6 + '\\n')"
    many = ["for _ in range(90):\n    print('x' * 1000)"] * 40
    outcome = jail.execute([*many, loud], Limits(told=10**6, seconds=60))
    assert "it told more than" in outcome.ended
    assert sum(len(str(event)) for event in outcome.events) < 2 * 10**6


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


def test_the_environment_tells_nothing_of_the_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "abc123")
    outcome = jail.execute(
        ["import os\nprint(dict(os.environ))", "import psutil\nprint(psutil.pids())"], Limits()
    )
    assert "abc123" not in shown(outcome)
    assert str(os.getpid()) not in shown(outcome).rpartition("[")[2].strip("]\n").split(", ")


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
        "import helpers.exercises as e\ne.judge = lambda *a: e.Verdict(True, 99.0, 'right.')\ne.check = lambda *a: print('right.')",
        answer("4.1", 7),
    ]  # fmt: skip
    outcome = jail.execute(code, Limits())
    assert answers_in(outcome, ["4.1"]) in ({}, {"4.1": 7})
    assert not any("credit" in str(event) for event in outcome.events)


def test_a_forged_event_holds_answers_at_most() -> None:
    forged = (
        "import json, os\n"
        "scrap = {'application/scrapbook.scrap.json+json': {'name': 'answer_4_1', 'data': 7, 'points': 99}}\n"
        "event = {'event': 'cell', 'number': 0, 'ended': 'ok', 'marks': 99, 'outputs': [{'data': scrap}]}\n"
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
