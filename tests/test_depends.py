"""What a chapter depends on: small helpers whose every edit is known to matter or not, and the real course, traced."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from course import depends
from course.depends import Sources
from course.project import Chapter, load, read_notebook
from course.run import plan, processors
from tests.conftest import SMALL
from tests.projects import ROOT

Traced = tuple[list[str], subprocess.CompletedProcess[str]]  # a chapter's code, and the process that ran it
HELPERS = {
    "__init__": '"""Helpers."""\n',
    "draw": """
        import functools
        from helpers import paint
        from helpers.numbers import LIMIT, double

        SIZE = 3

        # How wide.
        def line(n: int) -> int:
            return thin(n) + paint.red()

        def thin(n):
            return n

        @functools.cache
        def area(n=SIZE):
            return double(n)

        class Shape:
            def move(self):
                return paint.blue()

        class Square(Shape):
            side = 1

        def everything():
            return globals()

        def handed(way):
            return way(paint)
        """,
    "paint": """
        def red():
            return "red"

        def blue():
            return "blue"
        """,
    "numbers": """
        import json
        from pathlib import Path

        LIMIT = 10

        def double(n):
            return 2 * n

        def half(n):
            import scipy
            return n / 2

        def table():
            return Path("data", "table.csv").read_text()

        def anything(name):
            return (Path("data") / name).read_text()
        """,
    "kept": """
        ALL = {}

        def keep(function):
            ALL[function.__name__] = function
            return function

        @keep
        def one():
            return 1

        @keep
        def two():
            return 2

        def both():
            return sum(f() for f in ALL.values())
        """,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "helpers").mkdir()
    for name, text in HELPERS.items():
        (tmp_path / "helpers" / f"{name}.py").write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
    (tmp_path / "data").mkdir()
    for name in ("table.csv", "photo.png"):
        (tmp_path / "data" / name).write_text(name)
    return tmp_path


def depends_on(root: Path, cell: str, path: str, old: str, new: str) -> bool:
    """Tell whether what a cell depends on is different after an edit."""
    before = Sources(root).inputs([cell])
    file = root / path
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")
    return Sources(root).inputs([cell]) != before


DRAW, PAINT, NUMBERS, KEPT = (f"helpers/{name}.py" for name in ("draw", "paint", "numbers", "kept"))
LINE = "from helpers import draw\ndraw.line(3)"


@pytest.mark.parametrize(
    ("cell", "path", "old", "new", "expected"),
    [
        # what a function names, directly and through others, and what runs at import
        (LINE, DRAW, "return thin(n) +", "return 1 + thin(n) +", True),
        (LINE, DRAW, "# How wide.", "# How broad.", True),
        (LINE, DRAW, "    return n\n", "    return n + 1\n", True),
        (LINE, PAINT, '"red"', '"dark red"', True),
        (LINE, DRAW, "SIZE = 3", "SIZE = 4", True),
        (LINE, NUMBERS, "LIMIT = 10", "LIMIT = 11", True),
        (LINE, "helpers/__init__.py", "Helpers.", "Help.", True),
        # and what it does not
        (LINE, PAINT, '"blue"', '"navy"', False),
        (LINE, NUMBERS, "2 * n", "n + n", False),
        (LINE, DRAW, "side = 1", "side = 2", False),
        (LINE, KEPT, "return 1", "return -1", False),
        ("1 + 1", DRAW, "SIZE = 3", "SIZE = 4", False),
        ("1 + 1", "helpers/__init__.py", "Helpers.", "Help.", False),
        # decorators, defaults, base classes
        ("from helpers import draw\ndraw.area()", DRAW, "@functools.cache", "@functools.lru_cache", True),
        ("from helpers import draw\ndraw.area()", NUMBERS, "2 * n", "n + n", True),
        ("from helpers.draw import Square\nSquare()", PAINT, '"blue"', '"navy"', True),
        ("from helpers.draw import Square\nSquare()", PAINT, '"red"', '"dark red"', False),
        # the ways to import
        ("import helpers.draw\nhelpers.draw.line(1)", PAINT, '"red"', '"dark red"', True),
        ("import helpers\nhelpers.draw.line(1)", DRAW, "SIZE = 3", "SIZE = 4", True),
        ("import helpers.draw as d\nd.line(1)", PAINT, '"red"', '"dark red"', True),
        ("import helpers.draw as d\nd.line(1)", PAINT, '"blue"', '"navy"', False),
        ("from helpers.draw import line as d\nd(1)", PAINT, '"red"', '"dark red"', True),
        ("from helpers.draw import thin\nthin(1)", PAINT, '"red"', '"dark red"', False),
        ("try:\n    from helpers.draw import line as f\nexcept ImportError:\n    f = 1\nf", PAINT, '"red"', "''", True),
        ("def g():\n    from helpers import paint\n    return paint.red()\ng()", PAINT, '"red"', "''", True),
        ("from helpers import draw\ndraw.paint.red()", PAINT, '"red"', '"dark red"', True),
        ("from helpers import draw\ndraw.paint.red()", PAINT, '"blue"', '"navy"', False),
        ("from helpers.draw import paint\npaint.red()", PAINT, '"red"', '"dark red"', True),
        ("if TYPE_CHECKING:\n    from helpers import paint\nelse:\n    from helpers import draw", PAINT, '"red"', "''", False),
        ("if TYPE_CHECKING:\n    from helpers import paint\nelse:\n    from helpers import draw", DRAW, "= 3", "= 4", True),
        # unclear: the whole module, or all helpers
        ("from helpers import paint\nf(paint)", PAINT, '"blue"', '"navy"', True),
        ("from helpers import paint\ngetattr(paint, name)()", PAINT, '"blue"', '"navy"', True),
        ("from helpers import paint\npaint.__dict__", PAINT, '"blue"', '"navy"', True),
        ("from helpers import draw\ndraw.handed(f)", PAINT, '"blue"', '"navy"', True),
        ("from helpers import draw\ndraw.everything()", DRAW, "side = 1", "side = 2", True),
        ("from helpers import draw\ndraw.everything()", KEPT, "return 1", "return -1", False),
        ("import helpers\nf(helpers)", KEPT, "return 1", "return -1", True),
        ("from helpers.paint import *\nred()", KEPT, "return 1", "return -1", True),
        ("from helpers import *", KEPT, "return 1", "return -1", True),
        ("import importlib\nimportlib.import_module('helpers.kept')", KEPT, "return 1", "return -1", True),
        ("exec(text)", KEPT, "return 1", "return -1", True),
        ("import sys\nsys.modules['helpers.kept']", KEPT, "return 1", "return -1", True),
        ("%run helpers/kept.py", KEPT, "return 1", "return -1", True),
        # what a decorator keeps is reached by who reads what it keeps
        ("from helpers import kept\nkept.one()", KEPT, "return 1", "return -1", True),
        ("from helpers import kept\nkept.one()", KEPT, "return 2", "return -2", False),
        ("from helpers import kept\nkept.both()", KEPT, "return 2", "return -2", True),
        ("from helpers import kept\nkept.ALL['two']()", KEPT, "return 2", "return -2", True),
        ("from helpers.kept import ALL\nALL['two']()", KEPT, "return 2", "return -2", True),
        # data
        ("from helpers import numbers\nnumbers.table()", "data/table.csv", "table", "t", True),
        ("from helpers import numbers\nnumbers.table()", "data/photo.png", "photo", "p", True),
        ("from helpers import numbers\nnumbers.double(1)", "data/table.csv", "table", "t", False),
        ("open('data/photo.png')", "data/photo.png", "photo", "p", True),
        ("open('data/photo.png')", "data/table.csv", "table", "t", False),
        ("from helpers import numbers\nnumbers.anything('table.csv')", "data/table.csv", "table", "t", True),
        ("f'the data'", "data/photo.png", "photo", "p", False),
    ],
)  # fmt: skip
def test_an_edit_matters_to_whom_it_can_reach(
    root: Path, cell: str, path: str, old: str, new: str, expected: bool
) -> None:
    assert depends_on(root, cell, path, old, new) is expected


def test_lines_that_move_change_nothing(root: Path) -> None:
    assert not depends_on(root, LINE, DRAW, "class Shape:", "class Other:\n    pass\n\nclass Shape:")


def test_a_module_that_does_not_parse_means_all_helpers(root: Path) -> None:
    (root / DRAW).write_text("def line(:\n", "utf-8")
    assert depends_on(root, LINE, KEPT, "return 1", "return -1")
    assert not depends_on(root, "from helpers import paint\npaint.red()", KEPT, "return 2", "return -2")


def test_modules_that_import_each_other_end(root: Path) -> None:
    (root / PAINT).write_text("from helpers.draw import red\nfrom helpers import draw\n", "utf-8")
    (root / DRAW).write_text("from helpers.paint import red\n\ndef line(n):\n    return red\n", "utf-8")
    assert set(Sources(root).inputs([LINE]).files) == {"helpers/__init__.py", DRAW, PAINT}


def test_another_module_of_the_course_counts_whole(root: Path) -> None:
    (root / "mine.py").write_text("from helpers import kept\nX = 1\n", "utf-8")
    assert depends_on(root, "import mine", "mine.py", "X = 1", "X = 2")
    assert depends_on(root, "import mine", KEPT, "return 1", "return -1")


def test_packages_count_for_whom_imports_them(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def packages(cell: str) -> set[str]:
        return set(Sources(root).inputs([cell]).packages)

    assert packages("1") == set(depends.ALWAYS)
    assert packages("import json, sklearn.cluster") == {*depends.ALWAYS, "scikit-learn", "scipy"}
    assert packages("from helpers import numbers\nnumbers.double(1)") == set(depends.ALWAYS)
    assert packages("from helpers import numbers\nnumbers.half(1)") == {*depends.ALWAYS, "scipy"}
    assert packages("%time 1") == set(depends.PACKAGES)
    assert Sources(root).inputs(["import nosuch"]).packages["nosuch"] == "not installed"

    before = Sources(root).inputs(["import noise"])
    about = importlib.metadata.metadata
    monkeypatch.setattr(
        importlib.metadata, "metadata", lambda name: about("pillow") if name == "noise" else about(name)
    )
    assert Sources(root).inputs(["import noise"]) != before
    assert Sources(root).inputs(["import scipy"]).packages["scipy"] == importlib.metadata.version("scipy")


# The real course


def test_planning_is_fast() -> None:
    project = load(ROOT)
    taken = []
    for _ in range(3):  # another process may be at work
        began = time.perf_counter()
        planned = plan(project, project.chapters, {})
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.6  # 0.1 s on a quiet machine
    assert len({task.key for task in planned.tasks}) == len(project.chapters)


def cells(chapter: Chapter) -> list[str]:
    """Return the sources of a chapter's code cells."""
    found = read_notebook(chapter.source)["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


# Executes cells as a kernel does, and tells which functions of helpers ran and which files of data were opened.
TRACE = """
import json, os, sys, types
from pathlib import Path
root, cells = Path(sys.argv[1]), json.loads(sys.argv[2])
sys.path.insert(0, str(root))
os.chdir(root)
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(ipython_dir=sys.argv[3])
ran, opened = set(), set()
def called(frame, event, argument):
    path = frame.f_code.co_filename
    is_function = frame.f_code.co_flags & 2  # bodies of classes run at import, used or not
    if event == "call" and is_function and path.startswith(str(root / "helpers")):
        ran.add((Path(path).stem, frame.f_code.co_qualname.split(".")[0]))
def audited(event, arguments):
    if event == "open" and str(arguments[0]).startswith(str(root / "data")):
        opened.add(Path(arguments[0]).relative_to(root).as_posix())
sys.addaudithook(audited)
sys.setprofile(called)
for cell in cells:
    shell.run_cell(cell, store_history=True).raise_error()
sys.setprofile(None)
print("TRACED", json.dumps([sorted(ran), sorted(opened)]))
"""


def trace(name: str, settings: Path) -> Traced:
    """Return a chapter's code, and what came of running it small under the trace."""
    (chapter,) = (c for c in load(ROOT).chapters if c.name == name)
    code = cells(chapter)
    small = "# Parameters\n" + "\n".join(
        f"{n} = {v}" for n, v in SMALL.items() if any(f"\n{n} = " in c for c in code)
    )
    return code, subprocess.run(
        [sys.executable, "-c", TRACE, str(ROOT), json.dumps([code[0], small, *code[1:]]), str(settings)],
        capture_output=True, text=True, check=False, env={"MPLBACKEND": "agg", "PATH": "", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def traces(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Traced]]]:
    """The traces of the chapters that are asked for, made side by side: each takes one processor."""
    asked = [item for item in request.session.items if "traces" in getattr(item, "fixturenames", [])]
    names = [item.callspec.params["name"] for item in asked]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(max_workers=processors()) as pool:
        yield {name: pool.submit(trace, name, tmp_path_factory.mktemp("trace")) for name in names}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name.startswith("01") else pytest.mark.long)
        for name in (path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb")))
    ],
)
def test_all_that_a_chapter_runs_is_among_what_it_depends_on(
    name: str, traces: dict[str, Future[Traced]]
) -> None:
    code, done = traces[name].result()
    assert "TRACED" in done.stdout, done.stderr[-2000:]
    ran, opened = json.loads(done.stdout.rsplit("TRACED", 1)[1])
    sources = Sources(ROOT)
    units = sources.reach(depends.Code(map(depends.ast.parse, code)))
    assert units is not None
    reached = {(module.removeprefix("helpers."), part) for module, part in units}
    top = {(m.name.removeprefix("helpers."), part) for m in sources.modules.values() for part in m.texts}
    assert len(ran) > 5
    assert {tuple(unit) for unit in ran} & top <= reached
    assert set(opened) <= set(sources.inputs(code).files)
