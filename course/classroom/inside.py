"""Execute a student's notebook inside the jail, and tell of each cell. Nothing of the course is imported here.

Steps: read the job from standard input; limit what this process and all that it starts may take; execute cell by
cell, going on after an error; write a line of JSON for each cell that ended.

Whatever is told here comes from where the student's code runs, so whoever reads it trusts no word of it: it
holds answers, and no marks.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PR_SET_DUMPABLE = 4


def main() -> int:
    """Execute the notebook that standard input describes."""
    job = json.load(sys.stdin)
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what is printed is no event
    sys.stdin.close()
    with suppress(OSError):  # where the machine's memory ends, the kernel ends this first
        Path("/proc/self/oom_score_adj").write_text("1000", "utf-8")
    if job["user"]:
        os.setgroups([])
        os.setresgid(job["user"], job["user"], job["user"])
        os.setresuid(job["user"], job["user"], job["user"])
    if sys.platform == "linux":
        # Else the memory of this process, which tells how cells ended, could be written from a cell.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    limit(job["limits"])
    if hasattr(os, "nice"):
        os.nice(19)  # whoever watches this comes first
    home = Path(os.environ["HOME"])
    os.environ |= {
        **{
            f"JUPYTER_{name}": str(home / ".jupyter")
            for name in ("PATH", "DATA_DIR", "CONFIG_DIR", "RUNTIME_DIR")
        },
        "IPYTHONDIR": str(home / ".ipython"),
    }
    spec = home / ".jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), "utf-8")

    def tell(event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=told, flush=True)

    asyncio.run(execute(job, tell))
    tell("finished")
    return 0


def limit(limits: dict[str, Any]) -> None:
    """Set limits that neither this process nor what it starts can lift again."""
    try:
        import resource
    except ImportError:  # Windows, where there is no jail either
        return
    for name, value in (
        ("RLIMIT_AS", limits["memory"] + 2**31),  # addresses, of which libraries reserve more than they use
        ("RLIMIT_NPROC", limits["threads"]),
        ("RLIMIT_FSIZE", limits["scratch"]),
        ("RLIMIT_CPU", int(limits["seconds"]) + 5),
        ("RLIMIT_NOFILE", limits["open_files"]),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


async def execute(job: dict[str, Any], tell: Any) -> None:
    """Execute the cells; tell of each as it ends, how it ended and what it showed."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from nbformat.v4 import new_code_cell, new_notebook
    from traitlets.config import Config

    config = Config()
    config.KernelManager.transport = "tcp" if sys.platform == "win32" else "ipc"
    config.KernelManager.connection_file = str(Path(os.environ["HOME"], "k.json"))
    most = job["limits"]["output"]

    class Client(NotebookClient):
        """nbclient, but what a cell shows is cut where it is too much, and the cell is interrupted then."""

        shown = 0
        flooded = False
        slow = False
        interrupting: Any = None

        async def _async_handle_timeout(self, timeout: Any, cell: Any = None) -> Any:
            self.slow = True
            return await super()._async_handle_timeout(timeout, cell)

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                self.shown += len(str(msg["content"]))
                if self.shown > most:
                    if not self.flooded:
                        self.flooded = True
                        kernel: Any = self.km
                        self.interrupting = asyncio.ensure_future(kernel.interrupt_kernel())
                    return None
            return super().process_message(msg, cell, cell_index)

    notebook = new_notebook(cells=[new_code_cell(source) for source in job["cells"]])
    client = Client(
        notebook, kernel_name="python3", timeout_func=lambda cell: job["limits"]["cell_seconds"], interrupt_on_timeout=True, allow_errors=True,
        record_timing=False, store_widget_state=False, config=config, resources={"metadata": {"path": os.environ["HOME"]}},
    )  # fmt: skip
    async with client.async_setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.shown, client.flooded, client.slow = 0, False, False
            tell("started", number=number)
            try:
                await client.async_execute_cell(cell, number, store_history=True)
            except DeadKernelError:
                tell("cell", number=number, ended="the kernel died", outputs=list(cell.get("outputs", [])))
                return
            errors = [output for output in cell.outputs if output["output_type"] == "error"]
            ended = (
                "flooded" if client.flooded else "too slow" if client.slow else "error" if errors else "ok"
            )
            tell("cell", number=number, ended=ended, outputs=json.loads(json.dumps(cell.outputs)))


if __name__ == "__main__":
    sys.exit(main())
