"""Serve the site on this computer and follow edits.

Steps: build; serve on loopback; look once a second whether a source changed; if so run what is stale,
build again, and tell the open pages to reload. What fails is printed, and the last good site stays.
"""

from __future__ import annotations

import threading
import time
import webbrowser
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from course.errors import CourseError
from course.project import Project

WATCHED = [
    "_quarto.yml",
    "*.qmd",
    "references.bib",
    "notebooks/*",
    "exercises/*",
    "helpers/*.py",
    "figures/*.py",
    "claims/*.py",
    "data/**/*",
    "assets/*",
    "course/embedded/*",
]
# Put into pages on their way to the browser, never into the site: asks once a second which build this is.
RELOAD = (
    b"<script>let v;setInterval(async()=>{try{const t=await(await fetch('/.build')).text();"
    b"if(v&&v!==t)location.reload();v=t}catch{}},1000)</script></body>"
)


class _Handler(SimpleHTTPRequestHandler):
    """Serves the site's files, and the number of the build."""

    build: ClassVar[list[int]] = [0]  # shared by all requests

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if self.path == "/.build":
            self._send(str(self.build[0]).encode(), "text/plain")
        elif path.suffix == ".html" and path.is_file():
            self._send(path.read_bytes().replace(b"</body>", RELOAD), "text/html; charset=utf-8")
        else:
            super().do_GET()

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


def preview(
    project: Project,
    build: Callable[[], Path],
    *,
    port: int = 4200,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Build, serve and follow edits until interrupted.

    Parameters
    ----------
    project : Project
        Whose sources are watched.
    build : callable
        Runs what is stale and builds the site; returns its home page.
    port : int
        The first port tried on 127.0.0.1; up to 20 more are.
    browser : bool
        Whether to open the browser.
    say : callable
        Takes each line for the user.
    """
    seen = snapshot(project.root)
    index = build()
    server = serve(index.parent, port)
    address = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"The site is at {address} and follows your edits. Ctrl-C ends it.")
    if browser:
        webbrowser.open(address)
    try:
        while True:
            time.sleep(1)
            now = snapshot(project.root)
            if now != seen:
                seen = now
                rebuild(build, say)
    except KeyboardInterrupt:
        say("The preview ended.")
    finally:
        server.shutdown()
        server.server_close()


def rebuild(build: Callable[[], Path], say: Callable[[str], None]) -> None:
    """Build again; what fails is said, and the last good site goes on being served."""
    try:
        build()
    except CourseError as error:
        say(f"course: {error}")
    else:
        _Handler.build[0] += 1
        say("Built again.")


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the folder on loopback, at the first free port from `port` on."""
    for number in range(port, port + 21):
        try:
            return ThreadingHTTPServer(("127.0.0.1", number), partial(_Handler, directory=str(folder)))
        except OSError:
            continue
    raise CourseError(f"no free port from {port} to {port + 20}; name another with --port")


def snapshot(root: Path) -> dict[str, int]:
    """Return when each watched file was last changed."""
    found = {}
    for pattern in WATCHED:
        for path in root.glob(pattern):
            if path.is_file() and not path.name.startswith("."):
                found[str(path)] = path.stat().st_mtime_ns
    return found
