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
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty
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


LARGEST_ANSWER = (
    300_000  # characters of its JSON: whoever marks takes fewer, and each may be written with twelve
)
FLOOD = 50  # times what is kept of a cell: one that shows more text is stopped
PATIENCE = 5.0  # seconds between two interrupts of a cell


async def execute(job: dict[str, Any], tell: Any) -> None:
    """Execute the cells; tell of each as it ends, how it ended and what it showed."""
    from jupyter_client.manager import AsyncKernelManager
    from traitlets.config import Config

    config = Config()
    config.KernelManager.transport = "tcp" if sys.platform == "win32" else "ipc"
    config.KernelManager.connection_file = str(Path(os.environ["HOME"], "k.json"))
    kernel = AsyncKernelManager(kernel_name="python3", config=config)
    await kernel.start_kernel(cwd=os.environ["HOME"], extra_arguments=["--HistoryManager.hist_file=:memory:"])
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        room = Room(job["limits"]["told"])
        for number, source in enumerate(job["cells"]):
            tell("started", number=number)
            told = partial(tell, "answers", number=number)
            shown = Shown(room, job["limits"]["output"], job["answer"], told)
            ended = "ok"
            if source.strip():
                ended = await run_cell(kernel, client, source, job["limits"]["cell_seconds"], shown)
            shown.tell_answers()
            tell("cell", number=number, ended=ended, outputs=shown.outputs, dropped=shown.dropped)
            if ended == DIED:
                return
    finally:
        client.stop_channels()
        with suppress(Exception):
            await kernel.shutdown_kernel(now=True)


DIED = "the kernel died"


class Room:
    """How many characters may yet be told of a notebook: of what it showed, and of its answers, which what it showed cannot use up."""

    def __init__(self, told: int) -> None:
        self.shown = told // 2
        self.answers = told // 4


class Shown:
    """What a cell showed, as text and up to a limit, and the answers that it recorded, all of them.

    An answer is an output of the type `answer`. Pictures and HTML are left out: whoever marks shows text alone.
    """

    def __init__(self, room: Room, most: int, answer: str, tell: Any) -> None:
        self.room, self.most, self.answer, self.tell = room, min(most, room.shown), answer, tell
        self.flood = FLOOD * most
        self.outputs: list[dict[str, Any]] = []
        self.dropped = 0  # characters
        self.seen = 0
        self.failed = False
        self._answers: dict[str, tuple[dict[str, Any], int]] = {}

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of the kernel."""
        data = content.get("data")
        if kind == "stream":
            self._show({"output_type": "stream", "name": content.get("name")}, content.get("text"), "text")
        elif kind == "error":
            self.failed = True
            shown = {"output_type": "error", "ename": str(content.get("ename"))[:1000]}
            self._show(shown, str(content.get("evalue")), "evalue")
        elif kind in ("display_data", "execute_result") and isinstance(data, dict):
            if isinstance(given := data.get(self.answer), dict):
                self._keep(given)
            elif isinstance(plain := data.get("text/plain"), str):
                shown = {"output_type": "display_data"}
                self._show(shown, plain, "text/plain", within="data")

    def _show(self, output: dict[str, Any], text: Any, name: str, within: str = "") -> None:
        if not isinstance(text, str):
            return
        self.seen += len(text)
        kept = text[: max(self.most, 0)]
        while kept and len(json.dumps(kept)) > self.most + 2:  # written, a character may take twelve
            kept = kept[: len(kept) // 2]
        self.dropped += len(text) - len(kept)
        if kept:
            cost = len(json.dumps(kept))
            self.most -= cost
            self.room.shown -= cost
            last = self.outputs[-1] if self.outputs else {}
            if name == "text" and last.get("name") == output["name"]:
                last["text"] += kept
            else:
                self.outputs.append({**output, **({within: {name: kept}} if within else {name: kept})})
                self.most -= 100
                self.room.shown -= 100

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep an answer; of several to one exercise, the last one."""
        name, size = str(given.get("exercise"))[:100], len(json.dumps(given))
        before = self._answers.get(name, ({}, 0))[1]
        if size <= LARGEST_ANSWER and self.room.answers >= size - before:
            self.room.answers -= size - before
            self._answers[name] = ({"output_type": "display_data", "data": {self.answer: given}}, size)

    def tell_answers(self) -> None:
        """Tell the answers that were not yet told."""
        if self._answers:
            self.tell(outputs=[output for output, _ in self._answers.values()])
            self._answers = {}


async def run_cell(kernel: Any, client: Any, source: str, seconds: float, shown: Shown) -> str:
    """Execute a cell, and return how it ended.

    A cell has ended when the kernel says that it is idle again. After an interrupt it may have ended without a word: the signal
    can meet the kernel just behind the last line. So the kernel is also asked something else. It answers one request after the other,
    and once it is done with that one, the cell has ended, too.
    """
    asked = {client.execute(source, store_history=True, allow_stdin=False, stop_on_error=False)}
    limit, stopped = time.monotonic() + seconds, ""
    told = time.monotonic()
    while True:
        now = time.monotonic()
        flooded = shown.seen > shown.flood and not stopped
        if now >= limit or flooded:
            stopped = stopped or ("flooded" if flooded else "too slow")
            await kernel.interrupt_kernel()
            asked.add(client.kernel_info())
            limit = now + PATIENCE
        if now > told + 1:  # so they are kept if this cell is the end of all
            shown.tell_answers()
            told = now
        try:
            message = await client.get_iopub_msg(timeout=min(1.0, max(0.0, limit - time.monotonic())))
        except Empty:
            if not await kernel.is_alive():
                return DIED
            continue
        if message["parent_header"].get("msg_id") not in asked:
            continue
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "status" and content.get("execution_state") == "idle":
            return stopped or ("error" if shown.failed else "ok")
        shown.add(kind, content)


if __name__ == "__main__":
    sys.exit(main())
