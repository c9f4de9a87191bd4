"""Build the site of a run: stage it, render it beside the old one, pass the gate, swap.

Steps: choose the renderer; stage the run; render into a new folder; add the manifest and the record; check;
put it in the old site's place. Whatever fails, the old site stays as it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from course import embedded, gate, places
from course.errors import CourseError
from course.project import Project
from course.stage import refuse_foreign_sources, stage

if TYPE_CHECKING:
    from course.run import Run


def build(
    project: Project, run: Run, renderer: str = "auto", out: Path | None = None, *, judged: bool = True
) -> tuple[Path, str]:
    """Build the site of a finished run.

    Parameters
    ----------
    project, run
        The course, and the run to publish.
    renderer : {"auto", "quarto", "embedded"}
        "auto" takes Quarto where there is one, else the embedded renderer; never the second because the first
        failed.
    out : Path, optional
        The site's folder; `_site` in the project by default.
    judged : bool
        Whether a run that `course check` finds fault with is refused.

    Returns
    -------
    index, renderer : Path and str
        The home page, and the name and version of what rendered it.

    Raises
    ------
    CourseError
        If `out` holds what is no site of this course, if staging or rendering fails, or the site does not pass the gate.
    """
    out = check_place(project, out)
    quarto, name = choose_renderer(renderer)
    fresh = out.with_name(f".{out.name}.new")
    try:
        stage(project, run, name, judged=judged)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        if quarto:
            _render_with_quarto(project, run, quarto, fresh)
        else:
            fresh.mkdir()
            embedded.render(project, fresh)
        for published in ("manifest.json", "record.json"):  # where programs look for them: at the root
            shutil.copyfile(project.root / "downloads" / published, fresh / published)
        _pass_gate(fresh)
        places.write_list(fresh, "site", places.files_in(fresh))
        swap(fresh, out)
    except OSError as error:
        raise CourseError(
            f"the site cannot be written: {error.strerror or error}: {error.filename or out}"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return out / "index.html", name


def check_place(project: Project, out: Path | None = None) -> Path:
    """Return the folder of a site; raise an error if something else than the course's own files would be replaced.

    Parameters
    ----------
    project : Project
    out : Path, optional
        `_site` in the project by default.
    """
    refuse_foreign_sources(project)
    default = project.root / "_site"
    out = places.writable(out or default)
    made = places.read_list(out, "site")
    if made is None and out == default.resolve() and _is_site(out):
        made = set(places.files_in(out))  # `quarto render` writes there, too, and leaves no list
    places.refuse_foreign(out, "site", made)
    return out


def _is_site(folder: Path) -> bool:
    """Return True if a folder holds a page that one of the renderers made, as far as that can be seen."""
    index = folder / "index.html"
    generator = gate.read_page(index).generator.lower() if index.is_file() else ""
    return generator.startswith(("quarto", "embedded renderer"))


def choose_renderer(choice: str = "auto") -> tuple[str | None, str]:
    """Return the path of Quarto, or None for the embedded renderer, and the name and version of the one chosen.

    Raises
    ------
    CourseError
        If Quarto is asked for, and there is none.
    """
    inside = os.environ.get("QUARTO_BIN_PATH")  # set by the Quarto that runs us, which the PATH may not hold
    quarto = (shutil.which("quarto", path=inside) if inside else None) or shutil.which("quarto")
    if choice == "quarto" and not quarto:
        raise CourseError("there is no Quarto on the PATH; install it, or take --renderer embedded")
    if choice == "embedded" or not quarto:
        return None, embedded.generator()
    said = subprocess.run([quarto, "--version"], capture_output=True, text=True, check=False)
    return quarto, f"Quarto {said.stdout.strip()}".strip()


def _render_with_quarto(project: Project, run: Run, quarto: str, fresh: Path) -> None:
    """Let Quarto render into `fresh`; its pre-render step stages the same run again, and finds nothing to do."""
    # Quarto takes an output folder relative to the project, and there it may not be hidden.
    inside = project.root / "_site.quarto"
    shutil.rmtree(inside, ignore_errors=True)
    done = subprocess.run(
        [quarto, "render", "--output-dir", inside.name],
        cwd=project.root, env={**os.environ, "COURSE_RUN": str(run.folder.resolve())}, text=True, encoding="utf-8",
        errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    try:
        if done.returncode:
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            said = next(
                (line for line in reversed(lines) if "ERROR" in line.upper()),
                lines[-1] if lines else "no message",
            )
            raise CourseError(f"Quarto failed with exit code {done.returncode}: {said}")
        if not (inside / "index.html").is_file():
            raise CourseError("Quarto ended well, but made no index.html")
        shutil.move(inside, fresh)
    finally:
        shutil.rmtree(inside, ignore_errors=True)


def _pass_gate(site: Path) -> None:
    problems = gate.check_site(site)
    if problems:
        more = f" (and {len(problems) - 3} more; `course gate` lists them)" if len(problems) > 3 else ""
        raise CourseError(
            f"the new site did not pass its checks, the old one stays: {'; '.join(problems[:3])}{more}"
        )


def swap(fresh: Path, out: Path) -> None:
    """Put the new site in the old one's place."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    try:
        fresh.replace(out)
    except BaseException:
        if old.exists():
            old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
