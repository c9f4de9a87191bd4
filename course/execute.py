"""Execute one chapter through papermill, in a process of its own.

Steps: make a private environment (kernel, settings, one thread); watch for the end of whoever started
this; execute cell by cell and tell of each; strip what differs from run to run; put the executed
notebook in its place.

`course.run` starts it as ``python -m course.execute JOB``, or has it forked by `course.warm_kernels`. It writes
one JSON object a line to its standard output: ``cell`` for each cell that starts, and at the end ``finished``
or ``failed``. It stops, and its kernel with it, when its standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from course.exercises import solved
from course.project import read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

INJECTED = "injected-parameters"  # papermill's tag for the cell it adds, and the id that we give it
KERNEL = "the kernel"
Tell = Callable[..., None]


def main(job: dict[str, Any], provisioner: str = "local-provisioner") -> int:
    """Execute a job, with a kernel of this provisioner of jupyter_client; return 0 if the chapter finished."""
    tell = _open_report()
    private = Path(job["private"])
    logging.disable()  # standard error is for what the kernel says
    os.environ.update(private_environment(private, Path(job["root"]), Path(job["cache"]), provisioner))
    _end_with_parent(private)
    try:
        return execute(job, tell)
    finally:
        _kill_children()
        shutil.rmtree(private, ignore_errors=True)  # if nobody reads what is told, nobody else may do it


def private_environment(private: Path, root: Path, cache: Path, provisioner: str) -> dict[str, str]:
    """Return the environment in which kernels start: this Python, and nothing of the user's settings."""
    spec = private / "kernels" / "python3" / "kernel.json"
    for folder in (spec.parent.parent, spec.parent):  # never `private`: if that is gone, so is who made it
        folder.mkdir()
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"kernel_provisioner": {"provisioner_name": provisioner}}
    named = {"argv": argv, "display_name": "Python 3", "language": "python", "metadata": about}
    spec.write_text(json.dumps(named), "utf-8")
    (private / "matplotlibrc").touch()
    temporary = ("TMPDIR", "TEMP", "TMP")  # what a chapter leaves there goes with the private folder
    return {
        **library_environment(cache),
        "JUPYTER_PATH": str(private),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_RUNTIME_DIR": str(private),
        "IPYTHONDIR": str(private / "ipython"),
        "MATPLOTLIBRC": str(private / "matplotlibrc"),
        "PYTHONPATH": str(root),
        **dict.fromkeys(temporary, str(private)),
    }


def library_environment(cache: Path) -> dict[str, str]:
    """Return what Python and libraries read when they start or are imported."""
    return {
        "MATPLOTLIBRC": os.devnull,
        # Kept from run to run: it holds matplotlib's list of fonts, which takes seconds to make.
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # One thread against two changes sums in their last digits.
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def execute(job: dict[str, Any], tell: Tell) -> int:
    """Execute a chapter and write it, whole or as far as it came.

    Parameters
    ----------
    job : dict
        ``source``, ``output`` and ``failed`` (paths), ``root``, ``cache`` and ``private`` (folders),
        ``parameters``, ``timeout`` (seconds per cell).
    tell : callable
        Takes an event's name and its values.

    Returns
    -------
    int
        0 if the chapter finished, 1 if not.
    """
    started = time.perf_counter()
    source = solved(_with_ids(read_notebook(Path(job["source"]))))
    progress = Progress(source, tell)
    reason = ""
    try:
        reason = _run_papermill(job, source, progress)
        if progress.notebook is not None:
            _clean(progress.notebook, source, Path(job["root"]))
            _write(progress.notebook, Path(job["failed" if reason else "output"]))
    except OSError as error:
        what = error.filename or "the executed notebook"
        tell("failed", reason=f"{what} cannot be written: {error.strerror or error}")
        return 1
    if reason:
        tell("failed", reason=progress.place() + reason, kernel=reason.startswith(KERNEL))
        return 1
    tell("finished", seconds=time.perf_counter() - started, peak_memory_mb=progress.peak_memory() / 2**20)
    return 0


class Progress:
    """Where the execution is: tells of each cell as it starts, and keeps the notebook as it grows."""

    def __init__(self, source: dict[str, Any], tell: Tell) -> None:
        self.cells = source["cells"]
        self.tell = tell
        self.notebook: NotebookNode | None = None
        self.cell: NotebookNode | None = None
        self.peak = 0

    def start_cell(self, cell: NotebookNode, cell_index: int) -> None:
        """Tell that a cell starts; nbclient calls this."""
        self.cell = cell
        if cell.cell_type != "code":
            return
        self.tell("cell", number=self.number(), of=len(self.cells), at=self.heading() or _first_line(cell))

    def end_cell(self, **_: Any) -> None:
        """Read the kernel's peak memory while it lives, where the system does not keep it for us."""
        if sys.platform == "win32":
            for child in psutil.Process().children():
                self.peak = max(self.peak, child.memory_info().peak_wset)

    def number(self) -> int:
        """Return the cell's number in the source, from 1; the injected cell counts as the one before it."""
        assert self.notebook is not None
        before = []
        for cell in self.notebook.cells:
            before += [] if INJECTED in cell.metadata.get("tags", []) else [cell]
            if cell is self.cell:
                break
        return len(before)

    def heading(self) -> str:
        """Return the nearest heading above the cell."""
        texts = [c["source"] for c in self.cells[: self.number()] if c["cell_type"] == "markdown"]
        found = re.findall(
            r"^#+ +(.+?)(?: *\{.*\})?$", "\n".join("".join(text) for text in texts), re.MULTILINE
        )
        return found[-1] if found else ""

    def place(self) -> str:
        """Return where the execution is, to begin a message with."""
        if self.cell is None or self.notebook is None:
            return ""
        if INJECTED in self.cell.metadata.get("tags", []):
            return "the given parameters: "
        return f"cell {self.number()} ({_first_line(self.cell)}): "

    def peak_memory(self) -> int:
        """Return the most memory, in bytes, that the kernel held at once."""
        if sys.platform == "win32":
            return self.peak
        import resource

        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _run_papermill(job: dict[str, Any], source: dict[str, Any], progress: Progress) -> str:
    """Execute the notebook; return why it did not finish, in one line, or nothing."""
    # jsonschema would compile a grammar of web addresses, which takes most of a second and is not used here.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook, remove_error_markers

    from course.engine import CourseEngine
    from course.inline import WeaveError

    class Engine(CourseEngine):
        """The course's engine; it only lets us have the notebook when the kernel dies, too."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            progress.notebook = nb_man.nb
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("course run", Engine)
    try:
        execute_notebook(
            nbformat.reads(json.dumps(source), as_version=4),
            None,
            job["parameters"],
            engine_name="course run",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=job["root"],
            timeout_func=lambda cell: job["timeout"],  # papermill's own option takes whole seconds alone
            config=_kernel_config(Path(job["private"])),
            shutdown_kernel="immediate",
            coalesce_streams=True,
            record_timing=False,
            on_cell_start=progress.start_cell,
            on_cell_executed=progress.end_cell,
        )
    except PapermillExecutionError as error:
        remove_error_markers(progress.notebook)  # cells that papermill adds, which would count as ours
        return _one_line(f"{error.ename}: {error.evalue}")
    except CellTimeoutError:
        return f"took longer than {job['timeout']:g} s, which is what --timeout allows a cell"
    except DeadKernelError:
        return f"{KERNEL} died: it ran out of memory, or the code ended the process"
    except WeaveError as error:
        return _one_line(str(error))
    except RuntimeError as error:
        why = _one_line(str(error))
        return f"RuntimeError: {why}" if progress.cell else f"{KERNEL} did not start ({why})"
    except (ValueError, nbformat.ValidationError) as error:
        return _one_line(f"{type(error).__name__}: {error}")
    return "the chapter ended itself here, before its last cell" if _stopped_early(progress.notebook) else ""


def _kernel_config(private: Path) -> Any:
    """Return how the kernel is talked to: by sockets in a private folder; on Windows, loopback with a key."""
    from traitlets.config import Config

    config = Config()
    config.KernelManager.connection_file = str(private / "k.json")
    config.KernelManager.transport = "tcp" if sys.platform == "win32" else "ipc"
    return config


def _stopped_early(notebook: Any) -> bool:
    """Tell whether a cell called ``sys.exit()``, which papermill takes for a good end."""
    return any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))


def _with_ids(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook with an id in each cell: nbformat would make up random ones."""
    cells = [{"id": f"cell-{number:02d}", **cell} for number, cell in enumerate(notebook["cells"])]
    return {**notebook, "cells": cells, "nbformat_minor": max(5, notebook.get("nbformat_minor", 0))}


def _clean(notebook: Any, source: dict[str, Any], root: Path) -> None:
    """Strip times, paths and random ids, so that the same inputs give the same bytes."""
    found = {"course_run": notebook.metadata["course_run"]} if "course_run" in notebook.metadata else {}
    notebook.metadata.clear()
    notebook.metadata.update({**source["metadata"], **found})
    paths = re.compile(
        "|".join([r"\S*ipykernel_\d+[/\\]\d+\.py", *(re.escape(p + os.sep) for p in (sys.prefix, str(root)))])
    )
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        elif INJECTED in cell.metadata.tags:
            cell.id = INJECTED
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = paths.sub("", output.text)


def _write(notebook: Any, path: Path) -> None:
    """Write beside, then put in place."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    beside.replace(path)


def _first_line(cell: Any) -> str:
    """Return the first line of code in a cell."""
    lines = [line.strip() for line in cell["source"].splitlines()]
    line = next((line for line in lines if line and not line.startswith("#")), "")
    return line if len(line) <= 60 else line[:57] + "..."


def _one_line(text: str) -> str:
    """Return the first line of a text that says something."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[0].removesuffix(":") if lines else "no reason given"


def _open_report() -> Tell:
    """Keep standard output for events alone: what else is printed goes to standard error."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=report, flush=True)

    return tell


def _end_with_parent(private: Path) -> None:
    """End everything when standard input does: whoever started this is gone, or wants it to stop."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        for _ in range(3):  # a kernel may be on its way
            _kill_children()
            time.sleep(0.02)
        shutil.rmtree(private, ignore_errors=True)
        os._exit(130)

    threading.Thread(target=watch, daemon=True).start()


def _kill_children() -> None:
    """Kill the kernel and what it started, and wait until they are gone: they may be writing."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=5)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
