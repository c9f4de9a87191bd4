"""Ask something about many seeds, without notebooks: every criterion of chapter 4, say. One tidy CSV.

Steps: read which seeds; take the rows that an earlier, stopped sweep of the same code and parameters left;
compute the others on all local processors, or on the workers of a Dask scheduler; write the table.

Each finished row goes at once into ``.NAME.partial`` beside the table, so a sweep that was killed goes on
where it stopped.
"""

from __future__ import annotations

import ast
import csv
import functools
import hashlib
import importlib
import io
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import platform
import signal
import sys
import threading
import time
import tokenize
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import helpers
from course import places
from course.depends import Module, Sources
from course.errors import CourseError
from course.run import processors
from helpers import files
from helpers.parameters import TABLE, ParameterError, check_values

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = [
    "size", "scale", "octaves", "persistence", "lacunarity", "transition_width", "random_state",
]  # fmt: skip
PACKAGES = ["numpy", "scipy", "scikit-learn", "pandas", "kneed"]  # what the values may depend on
ROWS = {  # what may be asked: the function that makes a row
    "criteria": "sweeps.criteria.of_landscape",
    "variants": "sweeps.variants.measure",
}
TRIES = 3  # a seed whose worker died so often, alone, is given up
WORKERS_WAIT = 30  # seconds that a sweep waits for a scheduler, or for a new worker when none is left


MOST_SEEDS = 1_000_000  # in one part of --seeds


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that a text names: ``0:200`` (up to 199), ``0:200:10``, ``7``, ``1,5,9:12``.

    Raises
    ------
    CourseError
        If it names none, or what is not a seed.
    """
    found: dict[int, None] = {}
    try:
        for part in text.split(","):
            numbers = [int(number) for number in part.split(":")]
            named = range(*numbers) if len(numbers) > 1 else numbers
            for seed in [*named[:1], *named[-1:]]:  # the ends first: the range may be endless
                check_values({"seed": seed})
            if len(named) > MOST_SEEDS:
                raise CourseError(f"--seeds {text}: names more than {MOST_SEEDS} seeds")
            found |= dict.fromkeys(named)
    except ParameterError as error:
        raise CourseError(f"--seeds {text}: {error}") from None
    except (ValueError, TypeError):
        raise CourseError(f"--seeds {text}: write 0:200 for 0 to 199, or 3,5,8, or both") from None
    if not found:
        raise CourseError(f"--seeds {text}: names no seed; 0:200 means 0 to 199")
    return list(found)


def provenance(parameters: dict[str, Any], rows: str = "criteria") -> dict[str, Any]:
    """Return what a table's rows depend on: which of `ROWS` they are, parameters, code, versions.

    Raises
    ------
    helpers.parameters.ParameterError
        If a parameter is unknown here, or not allowed.
    """
    given = check_values(parameters, PARAMETERS)
    return {
        "rows": rows,
        "code": code_hash(rows),
        "parameters": {name: TABLE[name].default for name in PARAMETERS} | given,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


@functools.cache
def code_hash(rows: str = "criteria") -> str:
    """Return the SHA-256 of the code that computes a row, its comments and docstrings left out."""
    module, _, function = ROWS[rows].rpartition(".")
    source = Path(str(importlib.import_module(module).__file__))
    sources = Sources(Path(helpers.__file__).resolve().parent.parent)
    sources.modules[module] = Module(module, source.name, source.read_text(encoding="utf-8"))
    reached = sources.reach_units([(module, function)])
    assert reached is not None, f"{module} does not say all that it uses"
    texts = [sources.modules[module].texts.get(part, "") for module, part in sorted(reached)]
    return hashlib.sha256("\n".join(map(_code, texts)).encode()).hexdigest()


def _code(source: str) -> str:
    """Return a text without its comments, docstrings and empty lines."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:  # to the end of its line
            lines[token.start[0] - 1] = lines[token.start[0] - 1][: token.start[1]]
    silent: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            silent |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    kept = [line.rstrip() for number, line in enumerate(lines, start=1) if number not in silent]
    return "\n".join(line for line in kept if line)


def read(table: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of a table, with NaN for an empty cell, and how it was made.

    Raises
    ------
    CourseError
        If there is no such file, or it was not written by `sweep`.
    """
    import pandas as pd

    made, rows = _read_table(files.locate(table))
    if not rows:
        raise CourseError(f"{table}: no table of a sweep; `course sweep` makes one")
    return pd.DataFrame(rows).apply(pd.to_numeric), made


def is_current(table: Path) -> bool:
    """Return True if the code of today would make this table."""
    made = _read_table(table)[0]
    return made.get("code") == code_hash(made.get("rows", "criteria"))


def sweep(
    seeds: Sequence[int],
    parameters: dict[str, Any],
    out: Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    quiet: bool = False,
    rows: str = "criteria",
) -> Path:
    """Write a row per seed to `out`.

    Parameters
    ----------
    seeds : sequence of int
        Which landscapes.
    parameters : dict
        Values of `PARAMETERS`; the course's defaults for the others.
    out : Path
        The CSV file. Its first line, after ``#``, says in JSON how it was made.
    jobs : int, optional
        Processes on this machine; by default as many as there are processors.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers are used in place of local processes.
    quiet : bool
        Show no progress.
    rows : str
        Which of `ROWS` they are.

    Raises
    ------
    CourseError, helpers.parameters.ParameterError
        If something asked for is not allowed, the file cannot be written or is no table of a sweep, a seed's worker keeps dying, or
        the scheduler does not answer or runs other code.
    """
    import filelock

    made = provenance(parameters, rows)
    out = places.writable(out)
    _refuse_what_is_no_table(out, rows)
    journal = out.with_name(f".{out.name}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = filelock.FileLock(out.with_name(f".{out.name}.lock"), timeout=0)
            lock.acquire()
        except filelock.Timeout:
            raise CourseError(
                f"{out}: another sweep is at work on it; wait for it, or choose --out"
            ) from None
        try:
            return _write_rows(seeds, made, out, journal, jobs or processors(), scheduler, quiet)
        finally:
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from None


def _refuse_what_is_no_table(out: Path, rows: str) -> None:
    """Raise an error if `out` is there and is no table of these rows."""
    if not out.exists() or (out.is_file() and not out.stat().st_size):
        return
    if not out.is_file():
        raise CourseError(f"--out {out}: is there and is no file; name a CSV file")
    made = _read_table(out)[0]
    if "code" not in made or made.get("rows", "criteria") != rows:
        other = f"a table of {made['rows']}" if made.get("rows") in ROWS else "no table of a sweep"
        raise CourseError(f"--out {out}: is there and is {other}; move it away, or choose another --out")


def _write_rows(
    seeds: Sequence[int],
    made: dict[str, Any],
    out: Path,
    journal: Path,
    jobs: int,
    scheduler: str | None,
    quiet: bool,
) -> Path:
    """Compute the rows that are not there yet, note each at once, and write the table."""
    rows = {**_kept(*_read_table(out), made), **_kept(*_read_journal(journal), made)}
    todo = [seed for seed in seeds if seed not in rows]
    with progress(len(seeds), len(seeds) - len(todo), quiet) as tick, journal.open("w") as notes:
        for kept in [made, *rows.values()]:
            notes.write(json.dumps(kept) + "\n")
        computed = _on_dask(todo, made, scheduler) if scheduler else _on_processes(todo, made, jobs)
        try:
            for row in computed:
                rows[row["seed"]] = row
                notes.write(json.dumps(row) + "\n")
                notes.flush()
                tick()
        except (KeyboardInterrupt, CourseError) as error:
            done = sum(seed in rows for seed in seeds)
            so_far = f"{done} of {len(seeds)} seeds are finished and kept; the same command goes on"
            if isinstance(error, CourseError):
                raise CourseError(f"{error}; {so_far}") from None
            print(f"stopped: {so_far}", file=sys.stderr)
            raise
    beside = out.with_name(f".{out.name}.new")
    beside.write_text(_as_csv(made, [rows[seed] for seed in sorted(seeds)]), encoding="utf-8", newline="")
    beside.replace(out)
    journal.unlink()
    return out


def compute(seed: int, parameters: dict[str, Any], rows: str = "criteria") -> tuple[str, dict[str, Any]]:
    """Return the hash of the code at work, and the row of one seed; numbers with six decimals."""
    module, _, function = ROWS[rows].rpartition(".")
    row = getattr(importlib.import_module(module), function)(seed, **parameters)
    return code_hash(rows), {n: round(v, 6) if isinstance(v, float) else v for n, v in row.items()}


def _on_processes(todo: Sequence[int], made: dict[str, Any], jobs: int) -> Iterator[dict[str, Any]]:
    """Yield rows as local processes finish them; seeds whose process died are tried again, one by one."""
    waiting, suspects, tries = deque(todo), deque[int](), Counter[int]()
    while waiting or suspects:
        at_once = 1 if suspects else jobs  # alone, a seed that kills its process takes no other along
        line = suspects or waiting
        with worker_pool(at_once) as pool:
            running: dict[Future[tuple[str, dict[str, Any]]], int] = {}
            try:
                while line or running:
                    while line and len(running) < 2 * at_once - (at_once == 1):
                        seed = line.popleft()
                        running[pool.submit(compute, seed, made["parameters"], made["rows"])] = seed
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        row = future.result()[1]
                        del running[future]
                        yield row
            except BrokenProcessPool:
                tries.update(running.values() if at_once == 1 else ())
                suspects.extend(running.values())
        for seed, times in tries.items():
            if times >= TRIES:
                raise CourseError(f"seed {seed}: its process died {times} times, perhaps for lack of memory")


@contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that compute in one thread each, and end with this one."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))  # processes that are started from now on inherit it
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _begin() -> None:
    """Prepare a process of the pool: Ctrl-C is its parent's matter, and it never outlives its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _on_dask(todo: Sequence[int], made: dict[str, Any], address: str) -> Iterator[dict[str, Any]]:
    """Yield rows as the workers of a Dask scheduler finish them."""
    calls = {seed: (compute, seed, made["parameters"], made["rows"]) for seed in todo}
    for _, (code, row) in on_dask(address, calls, (code_hash, made["rows"]), made["code"], "seed"):
        if code != made["code"]:
            raise CourseError(f"--scheduler {address}: a worker runs other code than this checkout")
        yield row


def on_dask(
    address: str, calls: dict[Any, tuple[Any, ...]], asked: tuple[Any, ...], code: str, thing: str = ""
) -> Iterator[tuple[Any, Any]]:
    """Yield the results of calls as the workers of a Dask scheduler finish them; Dask gives a lost worker's calls to others.

    Parameters
    ----------
    address : str
        The scheduler's.
    calls : dict
        By a name, a function and its arguments.
    asked : tuple
        A function and its arguments that tell which code a worker has.
    code : str
        What that must be.
    thing : str
        What the names are of, for messages.

    Raises
    ------
    CourseError
        If the scheduler does not answer, has no workers, or has workers with other code.
    """
    if not calls:
        return
    try:
        import distributed
    except ModuleNotFoundError:
        raise CourseError("--scheduler needs Dask; install it with: pip install 'distributed'") from None
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said below, in one line
    try:
        client = distributed.Client(address, timeout=WORKERS_WAIT)
    except (OSError, ValueError, TimeoutError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CourseError(f"--scheduler {address}: no Dask scheduler answers there ({why})") from None
    with client:
        _check_workers(client, address, asked, code)
        pending = {client.submit(*call, pure=False): name for name, call in calls.items()}
        while pending:
            for future in _finished(client, list(pending), address):
                name = pending.pop(future)
                try:
                    yield name, future.result()
                except distributed.KilledWorker:
                    raise CourseError(
                        f"{thing} {name}: its workers died, one after another".lstrip()
                    ) from None
                except CancelledError:
                    raise CourseError(f"--scheduler {address}: the scheduler is gone") from None


def _finished(client: Any, futures: list[Any], address: str) -> list[Any]:
    """Wait for some to finish, and return those; raise an error if there is no worker left."""
    import distributed

    while True:
        try:
            return list(distributed.wait(futures, WORKERS_WAIT, "FIRST_COMPLETED").done)
        except TimeoutError:
            if not client.scheduler_info()["workers"]:
                raise CourseError(f"--scheduler {address}: it has no worker left") from None
        except CancelledError:
            raise CourseError(f"--scheduler {address}: the scheduler is gone") from None


def _check_workers(client: Any, address: str, asked: tuple[Any, ...], code: str) -> None:
    """Raise an error if there is no worker, or one that has other code."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_WAIT)
    except TimeoutError:
        raise CourseError(
            f"--scheduler {address}: it has no worker; start some with: dask worker {address} --nthreads 1"
        ) from None
    try:
        codes = client.run(*asked)
    except ModuleNotFoundError as error:
        raise CourseError(
            f"--scheduler {address}: a worker has no {error.name}; install the course where workers start"
        ) from None
    others = [worker for worker, found in codes.items() if found != code]
    if others:
        raise CourseError(
            f"--scheduler {address}: {', '.join(others)} runs other code than this; use the same commit on all"
        )


@contextmanager
def progress(total: int, done: int, quiet: bool, things: str = "seeds") -> Iterator[Any]:
    """Show a bar on a terminal, a line now and then elsewhere; yield what to call after each of so many things."""
    begun, count = time.monotonic(), 0

    def say() -> str:
        return (
            f"{done + count} of {total} {things}, {count / max(time.monotonic() - begun, 1e-9):.2f} a second"
        )

    if quiet or total == done:
        yield lambda: None
        return
    if sys.stdout.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn(things), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(things, total=total, completed=done)
            yield lambda: bar.advance(task)
        return
    last = begun

    def tick() -> None:
        nonlocal count, last
        count += 1
        if time.monotonic() - last > 10:
            last = time.monotonic()
            print(say(), flush=True)

    yield tick
    print(say(), flush=True)


def _kept(
    made_then: dict[str, Any], rows: list[dict[str, Any]], made: dict[str, Any]
) -> dict[int, dict[str, Any]]:
    """Return an earlier sweep's rows by seed, if the same code made them with the same parameters."""
    same = all(made_then.get(name, "criteria" if name == "rows" else None) == made[name] for name in made)
    return {row["seed"]: row for row in rows} if same else {}


def _read_journal(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what a stopped sweep noted; a line that was cut off, and what follows it, is left out."""
    found: list[dict[str, Any]] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            found.append(json.loads(line))
    except (OSError, ValueError):
        pass
    return (found[0], found[1:]) if found else ({}, [])


def _read_table(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return how a table was made, and its rows; nothing if there is none."""
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        made = json.loads(head.removeprefix("#"))
        rows = [{n: _number(v) for n, v in row.items()} for row in csv.DictReader(io.StringIO(body))]
    except (OSError, ValueError):
        return {}, []
    return (made, rows) if isinstance(made, dict) else ({}, [])


def _number(text: str) -> int | float | None:
    """Return a cell of the table as a number; None for an empty one."""
    if not text:
        return None
    return float(text) if "." in text or "e" in text else int(text)


def _as_csv(made: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return the table as text: how it was made, the names, a line per seed."""
    text = io.StringIO()
    text.write(f"# {json.dumps(made)}\n")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
