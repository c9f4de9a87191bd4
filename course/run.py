"""Execute what is stale of a course, chapters side by side, and keep what finished.

Steps: check the chapters and parameters that were asked for; find each chapter's key, which changes when
anything that it depends on does; execute the chapters whose key is new, each by `course.execute` in a
process of its own; write the record and the manifest; swap the finished run into its place.

A run is made in ``runs/.NAME.partial``. It becomes ``runs/NAME`` only when all of it is there, so a run that
stopped halfway is never taken for a finished one, and the next try goes on from there.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import platform
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from course import inline, places, warm_kernels
from course.depends import PACKAGES, Sources, installed
from course.errors import CourseError
from course.execute import library_environment
from course.exercises import solved
from course.project import Chapter, Project, literals, read_notebook
from course.report import Report
from helpers import parameters as table

if TYPE_CHECKING:
    import filelock

FORMAT = 1
ATTEMPTS = "attempts"
OPEN_FILES = 128  # of a run's process, and of each kernel
LOCK_WAIT = 1800  # seconds that a run waits for another one in the same folder


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    def notebook(self, name: str) -> Path:
        """Return where the executed notebook of a chapter lies."""
        return self.folder / "notebooks" / f"{name}.ipynb"

    @cached_property
    def record(self) -> dict[str, dict[str, Any]]:
        """Return what the chapters recorded: chapter, name, value."""
        return json.loads((self.folder / "record.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Task:
    """A chapter as this run needs it: the values it is given, all its values, its inputs and their key."""

    chapter: Chapter
    given: dict[str, Any]
    effective: dict[str, Any]
    files: dict[str, str]  # SHA-256 of what it reaches of each file
    key: str
    picture: str | None = None  # SHA-256 of the reader's own picture

    @property
    def name(self) -> str:
        return self.chapter.name


@dataclass(frozen=True)
class Plan:
    """What a run is to do: its chapters, and the SHA-256 of all helpers, data and notebooks as they were read."""

    tasks: list[Task]
    files: dict[str, str]


def load_run(folder: Path) -> Run:
    """Return the finished run in `folder`.

    Raises
    ------
    CourseError
        If there is none, or it is not whole.
    """
    try:
        run = Run(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise CourseError(f"{folder}: no finished run here; `course run` makes one") from None
    whole = isinstance(run.manifest, dict) and isinstance(run.manifest.get("chapters"), dict)
    if not whole or run.manifest.get("format") != FORMAT or run.manifest.get("complete") is not True:
        raise CourseError(f"{folder}: not a finished run of this version; make it again with `course run`")
    missing = [name for name in run.manifest["chapters"] if not run.notebook(name).is_file()]
    if missing or not (folder / "record.json").is_file():
        raise CourseError(f"{folder}: the run lacks {', '.join(missing) or 'record.json'}; make it again")
    return run


def run_folder(project: Project, chapters: list[str] | None, parameters: dict[str, Any]) -> Path:
    """Return the folder of a run, named by the values that are not the defaults and by its chapters.

    ``runs/default``, ``runs/seed-7_size-256``, ``runs/default_02-synthetic-landscape``.
    """
    chosen = [chapter.name for chapter in select(project, chapters)]
    values = [
        f"{name}-{_slug(Path(str(value)).stem if name == 'image_path' else str(value))}"
        for name, value in sorted(parameters.items())
        if name not in table.TABLE or value != table.TABLE[name].default
    ]
    part = chosen if len(chosen) < len(project.parts) else []
    name = "_".join([*(values or ["default"]), *part])
    exact = hashlib.sha256(repr([sorted(parameters.items()), part]).encode()).hexdigest()[:8]
    if "image_path" in parameters:  # two pictures of one name are two runs
        name += f"_{exact}"
    return project.root / "runs" / (name if len(name) <= 100 else f"{name[:90]}_{exact}")


def ensure(
    project: Project,
    chapters: list[str] | None,
    parameters: dict[str, Any],
    folder: Path,
    *,
    jobs: int | None = None,
    timeout: float | None = None,
    quiet: bool = False,
) -> Run:
    """Return the finished run in `folder`, after executing just what is stale.

    Parameters
    ----------
    project : Project
    chapters : list of str, or None
        Their names; None for all.
    parameters : dict
        Values by name, for the chapters that declare them.
    folder : Path
        Where the finished run goes; it is made beside, as ``.NAME.partial``.
    jobs : int, optional
        Chapters executed at a time; by default as many as there are processors.
    timeout : float, optional
        Seconds that one cell may take.
    quiet : bool
        Say nothing.

    Raises
    ------
    CourseError
        If something asked for is not there or not allowed (before any kernel starts), if the folder cannot
        be written, or if a chapter failed (when the others have finished, and are kept).
    """
    planned = plan(project, select(project, chapters), parameters)
    report = Report(quiet)
    place = _short(project, folder)
    finished = _finished_if_fresh(folder, planned.tasks)
    if finished:
        _tidy(folder)
        report.say(f"{place}: nothing changed, nothing to execute")
        return finished
    _allow_open_files()
    try:
        _refuse_what_is_no_run(folder, place)
        with _locked(folder, place, report):
            return _make(project, planned, folder, jobs or processors(), timeout, report)
    except OSError as error:
        where = error.filename2 or error.filename  # of a copy, what was to be written
        why = f"{where}: {error.strerror}" if where else error.strerror or str(error)
        raise CourseError(f"{place}: the run cannot be written: {why}") from None


def _allow_open_files() -> None:
    """Raise this process's limit of open files to what a run needs: with fewer, a kernel dies without a word."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= OPEN_FILES or soft == resource.RLIM_INFINITY:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
    except ValueError:
        raise CourseError(
            f"too many open files: a program may open {hard} here, and a run needs {OPEN_FILES}; ask for more (ulimit -n)"
        ) from None


def select(project: Project, names: list[str] | None) -> list[Chapter]:
    """Return the chapters of these names, in the course's order; a notebook's path is taken for its name."""
    known = {chapter.name: chapter for chapter in project.parts}
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names or known]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise CourseError(f"unknown chapter {name}; {hint}")
    return [chapter for name, chapter in known.items() if name in wanted]


def plan(project: Project, chapters: list[Chapter], parameters: dict[str, Any]) -> Plan:
    """Return what each chapter is given, what its result depends on, and the key of that.

    Raises
    ------
    CourseError, helpers.parameters.ParameterError
        At the first parameter that is unknown, not allowed, or declared by none of these chapters.
    """
    declared = {chapter.name: declared_parameters(chapter) for chapter in chapters}
    known = [name for name in table.TABLE if any(name in names for names in declared.values())]
    for name, value in parameters.items():
        if name in table.TABLE and name not in known:
            users = [c.name for c in project.parts if name in declared_parameters(c)]
            where = f"it is one of {', '.join(users)}" if users else "no chapter takes it"
            raise CourseError(f"{name} = {value!r}: not a parameter of {', '.join(declared)}; {where}")
    checked = table.check_values(parameters, known)
    sources = Sources(project.root)
    tasks = []
    for chapter in chapters:
        defaults = declared[chapter.name]
        given = {n: v for n, v in checked.items() if n in defaults and v != defaults[n]}
        tasks.append(_task(project, sources, chapter, given, defaults | given))
    notebooks = {name: key for task in tasks for name, key in task.files.items() if name not in sources.files}
    return Plan(tasks, sources.files | notebooks)


def _task(
    project: Project, sources: Sources, chapter: Chapter, given: dict[str, Any], effective: dict[str, Any]
) -> Task:
    """Return a chapter with all that its result depends on."""
    inputs = sources.inputs(_code_cells(chapter))
    notebook = chapter.source.relative_to(project.root).as_posix()
    files = {notebook: _sha256(chapter.source), **inputs.files, **_evaluated_with(project, chapter)}
    held: dict[str, Any] = {
        "files": files,
        "packages": inputs.packages,
        "parameters": effective,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "execute": [
            _sha256(warm_kernels.COURSE / "course" / f"{name}.py") for name in ("execute", "warm_kernels")
        ],
    }
    if effective.get("image_path"):
        held["image"] = _picture(Path(effective["image_path"]))
    key = hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
    return Task(chapter, given, effective, files, key, held.get("image"))


def _evaluated_with(project: Project, chapter: Chapter) -> dict[str, str]:
    """Return the SHA-256 of what makes a chapter's values beside its own code: its claims, the engine, the style."""
    claims = read_notebook(chapter.source).get("metadata", {}).get("course", {}).get("claims", "__init__")
    if claims != "__init__" and not (project.root / "claims" / f"{claims}.py").is_file():
        raise CourseError(f"{chapter.source}: its metadata name claims/{claims}.py, which is not there")
    paths = ["course/engine.py", "course/inline.py", "figures/style.py", "figures/inks.py"]
    paths += ["claims/__init__.py", "claims/measures.py", f"claims/{claims}.py"]
    return {path: _sha256(project.root / path) for path in paths if (project.root / path).is_file()}


def _code_cells(chapter: Chapter) -> list[str]:
    cells = solved(read_notebook(chapter.source))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _picture(path: Path) -> str:
    """Return the SHA-256 of a picture."""
    try:
        if path.exists() and not path.is_file():  # a device may never end
            raise CourseError(f"image_path = {str(path)!r}: not a file")
        return _sha256(path)
    except FileNotFoundError as error:
        counts = "a relative path counts from the folder in which the command is typed"
        raise CourseError(f"image_path = {str(path)!r}: {error.strerror}; {counts}") from None
    except (OSError, ValueError) as error:
        raise CourseError(f"image_path = {str(path)!r}: {getattr(error, 'strerror', error)}") from None


def refuse_if_stale(project: Project, run: Run) -> None:
    """Raise an error if a chapter, or what it reaches of helpers and data, is not what the run executed.

    Or if what the run made was edited since. Versions of packages and a picture that is no longer in its place do not count.
    """
    sources = Sources(project.root)
    for chapter in project.parts:
        entry = run.manifest["chapters"].get(chapter.name)
        if entry is None:
            continue
        changed = _differing(entry.get("inputs", {}), _task(project, sources, chapter, {}, {}).files)
        if changed:
            others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise CourseError(
                f"{_short(project, run.folder)}: {changed[0]}{others} changed since {chapter.name} was run; "
                f"run it again with: {command(project, run)}"
            )
    touched = _touched(run)
    if touched:
        raise CourseError(
            f"{_short(project, run.folder)}: {touched[0]} is not as the run left it; "
            f"run it again with: {command(project, run)}"
        )


def command(project: Project, run: Run) -> str:
    """Return what to type to make a run of the whole course again."""
    given = run.manifest["parameters"]
    words = ["course", "run", *(word for name, value in given.items() for word in ("-p", name, str(value)))]
    folder = run.folder.absolute()
    if folder != run_folder(project, None, given):
        here = Path.cwd()
        words += ["--out", str(folder.relative_to(here) if folder.is_relative_to(here) else folder)]
    return shlex.join(words)


def _differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the paths whose hash is not the same in both."""
    return [path for path in {**other, **one} if one.get(path) != other.get(path)]


def declared_parameters(chapter: Chapter) -> dict[str, Any]:
    """Return what a chapter's parameters cell assigns; nothing if it has none."""
    for cell in read_notebook(chapter.source)["cells"]:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            try:
                return literals("".join(cell["source"]))
            except (SyntaxError, ValueError) as error:
                raise CourseError(f"{chapter.source}, parameters cell: {error}") from None
    return {}


def _make(
    project: Project, planned: Plan, folder: Path, jobs: int, timeout: float | None, report: Report
) -> Run:
    """Execute what is stale, complete the partial run, and swap it in."""
    tasks, partial = planned.tasks, _partial(folder)
    if _is_run(partial):  # an earlier try ended when the run was whole, before it was in its place
        _swap(partial, folder)
    finished = _finished_if_fresh(folder, tasks)  # another run may have made it while this one waited
    if finished:
        return finished
    _prepare(partial)
    stale = []
    for task in tasks:
        if _reuse(task, partial, folder):
            report.reused(task.name, _entry(partial, task.name))
        else:
            stale.append(task)
    # Python takes bytecode of a source that was edited twice in one second, to the same length, for fresh.
    shutil.rmtree(project.root / "helpers" / "__pycache__", ignore_errors=True)
    try:
        with report.at_work([task.name for task in stale]):
            failures = Crew(project, partial, timeout, report).execute_all(stale, jobs)
    except KeyboardInterrupt:
        done = sum(1 for task in tasks if _entry(partial, task.name))
        report.say(
            f"stopped: {done} of {len(tasks)} chapters are finished and kept; the same command goes on from there"
        )
        raise
    report.close()
    if failures:
        reasons = "; ".join(f"{name}, {reason}" for name, reason in failures.items())
        kept = (
            "; the other chapters are kept, and the same command goes on from there"
            if len(failures) < len(tasks)
            else ""
        )
        raise CourseError(f"{reasons} (see {_short(project, partial / 'failed')}{kept})")
    _complete(project, planned, partial)
    _swap(partial, folder)
    return load_run(folder)


def _partial(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.partial")


def _prepare(partial: Path) -> None:
    """Make the folder in which a run is made; what an earlier try finished stays in it."""
    # Their notes stay until the end: a process that outlives its run for a moment may make its folder again.
    _remove_private(partial)
    shutil.rmtree(partial / "failed", ignore_errors=True)
    (partial / "notebooks").mkdir(parents=True, exist_ok=True)
    (partial / "chapters").mkdir(exist_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what a killed run left beside a finished one, if no other run is at work there."""
    import filelock

    old = folder.with_name(f".{folder.name}.old")
    if old.exists() or (_partial(folder) / ATTEMPTS).exists():
        with suppress(OSError, filelock.Timeout), _lock(folder).acquire(timeout=0):
            shutil.rmtree(old, ignore_errors=True)
            _remove_attempts(_partial(folder))


def _refuse_what_is_no_run(folder: Path, place: str) -> None:
    """Raise an error if a new run would take the place of something else."""
    if not folder.exists() or _is_empty(folder):
        return
    strange = places.foreign_in_run(folder)
    if strange is None:
        raise CourseError(f"{place} is there and is no run; move it away, or choose another --out")
    if strange:
        raise CourseError(
            f"{place} holds {places.some(strange)}, which is no part of a run; move it away, or choose another --out"
        )


def _is_run(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _reuse(task: Task, partial: Path, folder: Path) -> bool:
    """Put a chapter's fresh result into the partial run, if there is one; tell whether there was."""
    notebook = partial / "notebooks" / f"{task.name}.ipynb"
    entry = _entry(partial, task.name)
    if entry.get("key") == task.key and _is_untouched(entry, notebook):
        return True
    # The entry goes first and comes last: it vouches for the notebook beside it.
    _entry_path(partial, task.name).unlink(missing_ok=True)
    try:
        run = load_run(folder)
    except CourseError:
        return False
    entry = run.manifest["chapters"].get(task.name, {})
    if entry.get("key") != task.key or not _is_untouched(entry, run.notebook(task.name)):
        return False
    shutil.copyfile(run.notebook(task.name), notebook)
    _write_json(_entry_path(partial, task.name), entry)
    return True


class Crew:
    """The processes of one run: executes chapters side by side, and stops them all on Ctrl-C."""

    def __init__(self, project: Project, partial: Path, timeout: float | None, report: Report) -> None:
        self.project, self.partial, self.timeout, self.report = project, partial, timeout, report
        self.processes: list[subprocess.Popen[str] | warm_kernels.Forked] = []
        self.warm: warm_kernels.Warm | None = None
        self.stopping = threading.Event()
        self.reading = threading.Lock()  # Python 3.11 fails at times when two threads parse at once

    def execute_all(self, tasks: list[Task], jobs: int) -> dict[str, str]:
        """Execute chapters, `jobs` at a time; return why each one that failed did."""
        failures: dict[str, str] = {}
        with self._warm(tasks), ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
            names = {pool.submit(self._execute, task): task.name for task in tasks}
            pending: set[Future[str]] = set(names)
            try:
                while pending:  # with a limit, as a wait without one cannot be interrupted on Windows
                    done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                    failures |= {names[future]: future.result() for future in done if future.result()}
            except BaseException:
                self.stopping.set()
                if self.warm is not None and not self.warm.ready:
                    self.warm.kill()
                pool.shutdown(wait=False, cancel_futures=True)
                _stop(*self.processes)
                raise
        return {task.name: failures[task.name] for task in tasks if task.name in failures}

    @contextmanager
    def _warm(self, tasks: list[Task]) -> Iterator[None]:
        """Have kernels forked, where they can be and more than one is needed."""
        if len(tasks) < 2 or not warm_kernels.available():
            yield
            return
        files = {self.project.root / path for task in tasks for path in task.files}
        cache = _cache(self.project, self.partial).absolute()
        environment = {**_environment(), **library_environment(cache)}
        self.warm = warm_kernels.Warm(files, environment)
        try:
            yield
        finally:
            self.warm.close()

    def _start(self, job: dict[str, Any]) -> subprocess.Popen[str] | warm_kernels.Forked:
        """Start the process of a chapter."""
        if self.warm is not None and not self.stopping.is_set():
            with suppress(OSError):  # it ended; the chapter can do without
                return self.warm.start(job)
        return _start(job)

    def _execute(self, task: Task) -> str:
        """Execute one chapter in a process; return why it failed, or nothing."""
        self.report.started(task.name)
        with _attempt(self.partial) as (beside, private):
            stamps = self._stamps(task)
            end, said = self._follow(task, self._job(task, beside, private))
            if self.stopping.is_set():
                return "stopped"
            reason = "" if end.get("event") == "finished" else end.get("reason", said)
            if end.get("kernel") and said:
                reason += f"; its last line: {said}"
            notebook = beside / f"{task.name}.ipynb"
            if not reason:
                reason = self._changed_meanwhile(task, stamps)
                kept = self.partial / ("failed" if reason else "notebooks") / notebook.name
                kept.parent.mkdir(exist_ok=True)
                notebook.replace(kept)
            if reason:
                self.report.failed(task.name, reason)
                return reason
        entry = {
            "parameters": task.effective,
            "key": task.key,
            "inputs": task.files,
            "output": _sha256(kept),
            "seconds": round(end["seconds"], 2),
            "peak_memory_mb": round(end["peak_memory_mb"], 1),
        }
        _write_json(_entry_path(self.partial, task.name), entry)
        self.report.finished(task.name, entry)
        return ""

    def _follow(self, task: Task, job: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Start a chapter's process and follow it; return what it told at its end, and its last words."""
        end: dict[str, Any] = {}
        said: deque[str] = deque(maxlen=1)
        with self._start(job) as process:
            self.processes.append(process)
            if self.stopping.is_set():
                _stop(process)
            assert process.stdout is not None
            assert process.stderr is not None
            # Not a file: the disk may be full, which is then what is said.
            listener = threading.Thread(target=_keep_lines, args=(process.stderr, said), daemon=True)
            listener.start()
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "cell":
                    self.report.cell(task.name, event["number"], event["of"], event["at"])
                else:
                    end = event
            listener.join(5)
        if not end:
            return end, f"its process ended ({process.returncode}): {''.join(said) or 'no reason given'}"
        return end, "".join(said)

    def _changed_meanwhile(self, task: Task, stamps: dict[str, int]) -> str:
        """Return which source changed while a chapter was executed, or nothing.

        A result is filed under the sources that were planned, so it must be theirs. Times of files tell of
        an edit that was undone again, too.
        """
        try:
            with self.reading:
                now = _task(
                    self.project, Sources(self.project.root), task.chapter, task.given, task.effective
                )
            written = [path for path, stamp in self._stamps(task).items() if stamps.get(path) != stamp]
        except (CourseError, OSError) as error:
            return f"a source was taken away while it was executed: {error}"
        if now.key == task.key and not written:
            return ""
        what = [*_differing(task.files, now.files), *written, "a package"][0]
        return f"{what} changed while it was executed; the same command executes it again"

    def _stamps(self, task: Task) -> dict[str, int]:
        """Return when each file that a chapter depends on was last written."""
        picture = [task.effective["image_path"]] if task.effective.get("image_path") else []
        return {path: (self.project.root / path).stat().st_mtime_ns for path in [*task.files, *picture]}

    def _job(self, task: Task, beside: Path, private: Path) -> dict[str, Any]:
        return {
            "source": str(task.chapter.source),
            "output": str((beside / f"{task.name}.ipynb").absolute()),
            "failed": str((self.partial / "failed" / f"{task.name}.ipynb").absolute()),
            "root": str(self.project.root),
            "cache": str(_cache(self.project, self.partial).absolute()),
            "private": str(private),
            "parameters": task.given,
            "timeout": self.timeout,
        }


def _keep_lines(stream: IO[str], kept: deque[str]) -> None:
    """Read a stream to its end; keep the last lines that hold something."""
    with suppress(ValueError):  # closed meanwhile
        kept.extend(line.strip() for line in stream if line.strip())


def _start(job: dict[str, Any]) -> subprocess.Popen[str]:
    """Start the process of a chapter: it stops when its standard input ends, and Ctrl-C does not reach it."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        [sys.executable, "-m", "course.execute", json.dumps(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        cwd=warm_kernels.COURSE,
        env=_environment(),
        **apart,
    )


def _environment() -> dict[str, str]:
    """Return the environment in which a chapter's process starts: it imports this very course."""
    return {**os.environ, "PYTHONPATH": str(warm_kernels.COURSE)}


@contextmanager
def _attempt(partial: Path) -> Iterator[tuple[Path, Path]]:
    """Give a chapter's process a folder for what it writes, and a private one for its settings and sockets.

    What it writes is taken from there only by the run that started it: a process that outlived its run for a
    moment cannot put its result among another run's. The private folder lies elsewhere, as the path of a
    socket may hold about 100 characters; it is noted before it is made, so that what `kill -9` leaves is found.
    """
    name = f"course-{secrets.token_hex(4)}"
    long = sys.platform == "darwin" or (sys.platform != "win32" and len(tempfile.gettempdir()) > 60)
    private = Path("/tmp" if long else tempfile.gettempdir(), name)
    beside = partial / ATTEMPTS / name
    beside.mkdir(parents=True)
    (beside / "private").write_text(str(private), encoding="utf-8")
    try:
        private.mkdir(mode=0o700)
        yield beside, private
    finally:
        shutil.rmtree(private, ignore_errors=True)
        shutil.rmtree(beside, ignore_errors=True)


def _remove_private(partial: Path) -> None:
    """Remove the private folders that processes of a run that was killed left behind."""
    for note in (partial / ATTEMPTS).glob("course-*/private"):
        private = Path(note.read_text(encoding="utf-8"))
        if private.name == note.parent.name:  # a note that was cut off names another folder
            shutil.rmtree(private, ignore_errors=True)


def _remove_attempts(partial: Path) -> None:
    """Remove all that is noted of processes, too: none can still be at work."""
    _remove_private(partial)
    shutil.rmtree(partial / ATTEMPTS, ignore_errors=True)


def _cache(project: Project, partial: Path) -> Path:
    """Return where matplotlib keeps its list of fonts, which takes seconds to make: with the course, if it can."""
    kept = project.root / "runs" / ".cache"
    with suppress(OSError):
        kept.mkdir(parents=True, exist_ok=True)
    return kept if os.access(kept, os.W_OK) else partial / ATTEMPTS / "cache"


def _stop(*processes: subprocess.Popen[str] | warm_kernels.Forked) -> None:
    """Let chapters' processes end, with their kernels; make them end if they do not."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _complete(project: Project, planned: Plan, partial: Path) -> None:
    """Write the record and the manifest of a run all of whose chapters finished."""
    tasks = planned.tasks
    wanted = {task.name for task in tasks}
    for path in list((partial / "notebooks").iterdir()):
        if path.stem not in wanted:
            path.unlink()
    notebooks = {task.name: read_notebook(partial / "notebooks" / f"{task.name}.ipynb") for task in tasks}
    record = {name: inline.record_of(notebook) for name, notebook in notebooks.items()}
    _write_json(partial / "record.json", record)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "complete": True,
        "parameters": {name: value for task in tasks for name, value in task.given.items()},
        "chapters": {task.name: _entry(partial, task.name) for task in tasks},
        "record": _sha256(partial / "record.json"),
        "packages": {name: installed(name)[0] for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        **_commit(project.root),
        "inputs": planned.files,
    }
    own = next((task for task in tasks if task.picture), None)
    if own:
        manifest["picture"] = {"name": Path(own.effective["image_path"]).name, "sha256": own.picture}
    _write_json(partial / "manifest.json", manifest)


def _swap(partial: Path, folder: Path) -> None:
    """Put a complete run in its place, without what it was made with; what stood there goes."""
    _remove_attempts(partial)
    for name in ("chapters", "failed"):
        shutil.rmtree(partial / name, ignore_errors=True)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _finished_if_fresh(folder: Path, tasks: list[Task]) -> Run | None:
    """Return the finished run in `folder` if it is just what `tasks` would make."""
    try:
        run = load_run(folder)
    except CourseError:
        return None
    keys = {name: entry.get("key") for name, entry in run.manifest["chapters"].items()}
    return run if keys == {task.name: task.key for task in tasks} and not _touched(run) else None


def _is_untouched(entry: dict[str, Any], notebook: Path) -> bool:
    """Tell whether an executed notebook is as its run left it; it may have been opened and run by hand."""
    return notebook.is_file() and _sha256(notebook) == entry.get("output")


def _touched(run: Run) -> list[str]:
    """Return the files of a run that are not as it left them."""
    entries = run.manifest["chapters"].items()
    found = [
        f"notebooks/{name}.ipynb" for name, entry in entries if not _is_untouched(entry, run.notebook(name))
    ]
    record = [] if _sha256(run.folder / "record.json") == run.manifest.get("record") else ["record.json"]
    return found + record


@contextmanager
def _locked(folder: Path, place: str, report: Report) -> Iterator[None]:
    """Hold the run's folder: two runs never write one at once."""
    import filelock

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        report.say(f"{place}: another run is at work here; waiting for it to end")
        try:
            lock.acquire(timeout=LOCK_WAIT)
        except filelock.Timeout:
            raise CourseError(f"{place}: another run is still at work here; try again later") from None
    try:
        yield
    finally:
        lock.release()


def _lock(folder: Path) -> filelock.BaseFileLock:
    import filelock

    return filelock.FileLock(folder.with_name(f".{folder.name}.lock"))


def _commit(root: Path) -> dict[str, Any]:
    """Return the commit of the project, and whether it was edited since; None where there is no git."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    top = git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():  # none, or that of a folder around this one
        return {"commit": None, "dirty": None}
    commit = git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(git("status", "--porcelain")) if commit else None}


def _entry_path(partial: Path, name: str) -> Path:
    return partial / "chapters" / f"{name}.json"


def _entry(partial: Path, name: str) -> dict[str, Any]:
    """Return what is known of a finished chapter of a partial run; nothing if there is none."""
    try:
        return json.loads(_entry_path(partial, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_json(path: Path, value: Any) -> None:
    """Write beside, then put in place."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _slug(text: str) -> str:
    """Return a text as part of a folder's name."""
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text).strip(".-") or "empty"


def _short(project: Project, path: Path) -> str:
    """Return a path as a message shows it."""
    path = path.absolute()
    return (path.relative_to(project.root) if path.is_relative_to(project.root) else path).as_posix()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
