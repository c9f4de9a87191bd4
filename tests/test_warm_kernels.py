"""Kernels that are forked from one process: what they find is what kernels find that start as usual, and they end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from course import run
from course.project import Project, read_notebook
from course.warm_kernels import Warm
from tests.projects import course, kernels, make_project, wait_until, write_chapter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")

# What a chapter sees of its process; nothing of it may depend on how its kernel was started.
LOOKS = """
import os, sys, tempfile
from pathlib import Path
private = str(Path(os.environ["IPYTHONDIR"]).parent)
own = ("COURSE_COLD", "JPY_PARENT_PID", "LC_CTYPE")
print({k: v.replace(private, "PRIVATE") for k, v in sorted(os.environ.items()) if k not in own})
print([p.replace(str(Path.cwd()), "HERE") for p in sys.path], Path.cwd().name, len(sys.argv))
print(tempfile.gettempdir() == private, repr(sys.stdin.read()), os.getpgid(0) == os.getsid(0) == os.getpid())
print([name for name in ("course", "helpers", "figures", "claims") if name in sys.modules], os.umask(0o22))
import helpers
print(Path(helpers.__file__).parent.parent.samefile("."))
print(os.read(0, 1), sorted(sys.modules["__main__"].__dict__)[:9], __name__)
"""
DRAWS = """
import matplotlib.pyplot as plt
import pandas as pd
plt.plot([1, 2]);
"""
WIDE = "pd.DataFrame({f'a wide column, number {n}': [n] for n in range(9)})"
ORIGIN = "import psutil\nprint('course.warm_kernels' in psutil.Process().parent().parent().cmdline())"


def shown(project: Project, name: str, folder: str = "default") -> str:
    """Return what a chapter of a run printed."""
    cells = read_notebook(project.root / "runs" / folder / "notebooks" / f"{name}.ipynb")["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", [])) for output in outputs)


def test_forked_kernels_make_the_bytes_of_others(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing", "records", "warns_and_randomizes", "sleeps")
    write_chapter(project, "takes_nothing", LOOKS)
    write_chapter(project, "sleeps", DRAWS, WIDE, "plt.plot([2, 1]);")
    for folder, options in (("warm", []), ("cold", ["--cold"])):
        code, _, err = course(project, "run", *options, "-p", "seed", "3", "--out", f"runs/{folder}")
        assert (code, err) == (0, "")
    made = [path for path in (project.root / "runs/warm").rglob("*") if path.suffix in (".ipynb", ".json")]
    assert len(made) == 6
    for path in made:
        if path.name != "manifest.json":
            assert path.read_text("utf-8") == (
                project.root / "runs/cold" / path.relative_to(project.root / "runs/warm")
            ).read_text("utf-8")


def test_kernels_are_forked_where_more_than_one_is_needed(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing", "records")
    for name in ("takes_nothing", "records"):
        write_chapter(
            project, name, ORIGIN, "import random, numpy\nprint(random.random(), numpy.random.random())"
        )
    assert course(project, "run")[0] == 0
    (one, *numbers), (other, *others) = (
        shown(project, name).split() for name in ("takes_nothing", "records")
    )
    assert (one, other) == ("True", "True")
    assert not set(numbers) & set(others)  # each has a random state of its own
    write_chapter(project, "records", ORIGIN)
    assert course(project, "run")[0] == 0
    assert shown(project, "records") == "False\n"


def test_chapters_run_on_when_the_process_that_forks_is_killed(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing", "records", "warns_and_randomizes")
    write_chapter(
        project,
        "takes_nothing",
        "import os, signal, psutil\nprint(origin := psutil.Process().parent().parent())\norigin.kill()",
    )
    code, out, err = course(project, "run", "--jobs", "1")
    assert (code, err) == (0, ""), out
    assert wait_until(lambda: not kernels(project), 5)


def test_nothing_is_forked_from_a_process_with_two_threads(tmp_path: Path) -> None:
    (tmp_path / "minisom.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "utf-8",
    )
    (tmp_path / "chapter.py").write_text("import minisom\n", "utf-8")
    warm = Warm([tmp_path / "chapter.py"], {**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(OSError, match="the process that imports the libraries ended"):
        warm.start({})
    warm.close()


MEASURES = """
import os, psutil
origin = psutil.Process().parent().parent()
assert "course.warm_kernels" in origin.cmdline()
files, memory, children = origin.num_fds(), origin.memory_info().rss, len(origin.children(recursive=True))
"""


@pytest.mark.long
def test_fifty_kernels_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"number-{number:02d}" for number in range(50)]
    project = make_project(tmp_path / "course", "takes_nothing")
    write_chapter(project, "takes_nothing", MEASURES)
    text = (project.root / "notebooks/takes_nothing.ipynb").read_text("utf-8")
    text = text.replace("The end.", "`{python} files` `{python} memory` `{python} children`")
    for name in names:
        (project.root / f"notebooks/{name}.ipynb").write_text(text, "utf-8")
    listed = "".join(f"\n      - chapters/{name}.ipynb" for name in names)
    config = (project.root / "_quarto.yml").read_text("utf-8")
    (project.root / "_quarto.yml").write_text(config + listed, "utf-8")
    temporary = tmp_path / "t"
    temporary.mkdir()
    code, out, err = course(project, "run", TMPDIR=str(temporary))
    assert (code, err) == (0, ""), out
    record = run.load_run(project.root / "runs/default").record
    for what, spread in (("files", 8), ("memory", 2**22), ("children", 4)):
        found: list[Any] = [record[name][what] for name in names]
        assert max(found) - min(found) <= spread, (what, found)
    assert wait_until(lambda: not kernels(project), 5)
    assert not list(temporary.iterdir())
