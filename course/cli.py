"""The command line: `course run`, `params`, `check`, `sweep`, `compare`, `stage`, `site`, `preview`, `gate`.

Steps: read what was typed, call the module that does it, print what it made. Whatever a user can mend
ends as one line on standard error and exit code 1; a wrong use of the command line is 2, Ctrl-C 130.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from course.errors import CourseError
from course.project import Chapter, Project, load
from helpers.parameters import TABLE, ParameterError

if TYPE_CHECKING:
    from course.run import Run

MOST_SECONDS = 10**6  # of a time limit: more than a week


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    os.environ.setdefault("COURSE_PYTHON", sys.executable)  # for the pre-render step, if Quarto runs it
    try:
        return cli.main(arguments, prog_name="course", standalone_mode=False) or 0
    except (CourseError, ParameterError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a folder that is not to be read, a name that is too long, a full disk
        place = str(error.filename2 or error.filename or "")
        shown = place if len(place) < 200 else f"{place[:197]}..."
        print(f"course: {shown}: {error.strerror}" if shown else f"course: {error}", file=sys.stderr)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130


class Seconds(click.FloatRange):
    """A time limit, which may have a fraction."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):  # it is in every range
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run, check and publish the course."""


@cli.command()
@click.argument("chapters", nargs=-1)
@click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A value; repeat for more."
)
@click.option("-f", "files", multiple=True, type=click.Path(path_type=Path), help="A YAML file of values.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/, named by the values]"
)
@click.option("--jobs", type=click.IntRange(min=1), help="Chapters at a time.  [default: one per processor]")
@click.option(
    "--timeout", type=Seconds(min=0, min_open=True, max=MOST_SECONDS), help="Seconds that a cell may take."
)
def run(
    chapters: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    out: Path | None,
    jobs: int | None,
    timeout: float | None,
) -> None:
    """Execute CHAPTERS (all, if none is named) with these parameters; what is not stale is reused."""
    from course import places
    from course import run as runs
    from course.check import untrue_claims

    project = load()
    values = read_parameters(parameters, files)
    names = list(chapters) or None
    folder = places.writable(out) if out else runs.run_folder(project, names, values)
    _refuse_unfit_picture(values.get("image_path"))
    made = runs.ensure(project, names, values, folder, jobs=jobs, timeout=timeout)
    click.echo(f"The run lies in {_shown(made.folder)}")
    untrue = len(untrue_claims(made))
    if untrue:
        told = "1 claim of it does" if untrue == 1 else f"{untrue} claims of it do"
        click.echo(f"{told} not hold; 'course check {_shown(made.folder)}' lists what")


@cli.command()
def params() -> None:
    """Print the table of parameters."""
    from rich.console import Console
    from rich.table import Table

    from course.run import declared_parameters

    project = load()
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("name", "type", "default", "allowed", "meaning", "chapters"):
        table.add_column(title, no_wrap=title in ("name", "type", "default"))
    users = {chapter.name: declared_parameters(chapter) for chapter in project.chapters}
    for row in TABLE.values():
        numbers = ", ".join(name.partition("-")[0] for name, names in users.items() if row.name in names)
        table.add_row(row.name, row.type.__name__, repr(row.default), row.allowed, row.meaning, numbers)
    Console(width=None if sys.stdout.isatty() else 200).print(table, markup=False, highlight=False)


@cli.command()
@click.argument("name", metavar="RUN", required=False)
@click.option("--drift", is_flag=True, help="Only list, as Markdown, what is not exactly as expected.")
@click.option("--accept", is_flag=True, help="Make what this default run found the expected values.")
def check(name: str | None, drift: bool, accept: bool) -> None:
    """Judge a finished RUN (the default one, if none is named): its claims, and its values if it is a default run."""
    from course import check as checks

    project = load()
    found = find_run(project, name)
    place = _shown(found.folder)
    if accept:
        click.echo(f"{place} is accepted: {_shown(checks.accept(project, found))} now expects what it found")
        return
    if drift:
        drifted = checks.drift(project, found)
        click.echo(checks.as_markdown(drifted) if drifted else "No value drifted.")
        return
    verdict = checks.check(project, found)
    for problem in verdict.problems:
        click.echo(str(problem))
    if verdict.problems:
        do = "does" if len(verdict.problems) == 1 else "do"
        raise CourseError(f"{place}: {len(verdict.problems)} of its claims and values {do} not hold")
    expected = f", {verdict.values} values are as expected" if verdict.values else ""
    click.echo(f"{place}: {verdict.claims} claims hold{expected}")


@cli.command()
@click.option("--run", "name", metavar="RUN", help="A finished run: its folder, or its name in runs/.")
def stage(name: str | None) -> None:
    """Turn a run's notebooks into what the site is made from."""
    from course.site import choose_renderer
    from course.stage import refuse_foreign_sources
    from course.stage import stage as stage_run

    project = load()
    refuse_foreign_sources(project)
    found = find_run(project, name or os.environ.get("COURSE_RUN"))
    changed = stage_run(project, found, choose_renderer()[1])
    click.echo(f"staged: {len(changed)} files changed")


@cli.command()
@click.option("--run", "name", metavar="RUN", help="A finished run: its folder, or its name in runs/.")
@click.option(
    "--renderer", type=click.Choice(["auto", "quarto", "embedded"]), default="auto", show_default=True
)
@click.option("--out", type=click.Path(path_type=Path), help="The site's folder.  [default: _site]")
def site(name: str | None, renderer: str, out: Path | None) -> None:
    """Make the site from a run (the default one, if none is named), and check it."""
    from course.site import build, check_place

    project = load()
    check_place(project, out)  # first, as the run may have to be made
    found = find_run(project, name)
    os.environ["COURSE_RUN"] = str(found.folder)  # so that Quarto's pre-render step stages this run
    page, used = build(project, found, renderer, out)
    click.echo(f"The site of {_shown(found.folder)}, rendered by {used}, lies in {_shown(page.parent)}")
    click.echo(f"Open {page.absolute().as_uri()} or run 'make preview'")


@cli.command()
@click.option("--port", default=4200, show_default=True, help="The first port tried.")
@click.option("--browser/--no-browser", default=True, help="Whether to open the browser.")
def preview(port: int, browser: bool) -> None:
    """Serve the site on this computer, open it, and follow what you edit."""
    from course.check import check
    from course.preview import preview as serve
    from course.site import build, check_place

    def make() -> Path:
        fresh = load()  # _quarto.yml may be what was edited
        check_place(fresh)
        made = find_run(fresh, None)
        for problem in check(fresh, made).problems:
            click.echo(f"would not be published: {problem}")
        return build(fresh, made, "auto", fresh.root / "_site", judged=False)[0]

    serve(load(), make, port=port, browser=browser, say=click.echo)


@cli.command()
@click.option("--seeds", required=True, help="0:200 for the seeds 0 to 199; 3,5,8 for these.")
@click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A value; repeat for more."
)
@click.option("-f", "files", multiple=True, type=click.Path(path_type=Path), help="A YAML file of values.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The CSV file.  [default: runs/, named by the values]"
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one per processor]")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, whose workers compute instead.")
def sweep(
    seeds: str,
    parameters: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    out: Path | None,
    jobs: int | None,
    scheduler: str | None,
) -> None:
    """Ask every criterion of chapter 4 about many SEEDS; a stopped sweep goes on where it was."""
    from course import sweep as sweeps

    project = load()
    values = read_parameters(parameters, files)
    named = "_".join(["sweep", seeds.replace(":", "-"), *(f"{n}-{v}" for n, v in sorted(values.items()))])
    place = out or project.root / "runs" / f"{named}.csv"
    made = sweeps.sweep(sweeps.parse_seeds(seeds), values, place, jobs=jobs, scheduler=scheduler)
    click.echo(f"The table lies in {_shown(made)}")


@cli.command()
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The page's folder.  [default: runs/compare_A_B]"
)
def compare(run_a: str, run_b: str, out: Path | None) -> None:
    """Show RUN_A and RUN_B, two finished runs, side by side: a page, and what differs as a table."""
    from course import compare as comparing

    project = load()
    if out:
        comparing.check_place(out)
    a, b = find_run(project, run_a), find_run(project, run_b)
    found, page = comparing.compare(a, b, out or comparing.default_folder(project, a, b))
    comparing.report(found)
    click.echo(f"The page lies in {_shown(page)}\nOpen {page.as_uri()}\n{found.summary()}")


@cli.group()
def classroom() -> None:
    """A landscape for each student of a class, and marking that is safe."""


@classroom.command("make")
@click.argument("roster", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The class's folder.")
@click.option(
    "--exercises", default="04", show_default=True, help="Of which chapter: its number, or its name."
)
@click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A value for the whole class."
)
@click.option("-f", "files", multiple=True, type=click.Path(path_type=Path), help="A YAML file of values.")
@click.option(
    "--id-column",
    metavar="NAME",
    help="The roster's column that tells students apart.  [default: the first that is known]",
)
@click.option(
    "--salt", help="The secret of an earlier class, to get its seeds again.  [default: made anew, and kept]"
)
@click.option(
    "--salt-from",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Another class's folder, to give each student the same landscape again.",
)
@click.option(
    "--again", is_flag=True, help="Change a class that is there to other parameters, or other students."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one per processor]")
def classroom_make(
    roster: Path,
    out: Path,
    exercises: str,
    parameters: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    id_column: str | None,
    salt: str | None,
    salt_from: Path | None,
    again: bool,
    jobs: int | None,
) -> None:
    """Write a notebook for each student on ROSTER, with a landscape of their own, and the key."""
    from course.classroom import make
    from course.classroom.roster import read_roster

    project = load()
    chapter = find_exercises(project, exercises)
    found = read_roster(roster, id_column)
    click.echo(found.summary)
    if found.warning:
        click.echo(f"Warning: {found.warning}", err=True)
    values = read_parameters(parameters, files)
    place = make.make(
        project,
        chapter,
        found.students,
        out,
        parameters=values,
        salt=salt,
        salt_from=salt_from,
        again=again,
        jobs=jobs,
    )
    click.echo(f"Hand out what lies in {_shown(out / make.STUDENTS)}")
    click.echo(f"The key is {_shown(place)}; nobody but you should have it")


@classroom.command("mark")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The key, or the class's folder.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Where feedback and gradebooks go."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Notebooks at a time.  [default: one per processor]")
@click.option(
    "--timeout",
    type=Seconds(min=1, max=MOST_SECONDS),
    help="Seconds that a notebook may take.  [default: 180]",
)
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, whose workers run the notebooks.")
@click.option(
    "--again", is_flag=True, help="Run again what was stopped: on a busy machine it may have been slow."
)
@click.option(
    "--answers", is_flag=True, help="Tell students the right answers; not while they may still hand in."
)
@click.option(
    "--uncontained", is_flag=True, help="Run them even where nothing can contain them. See the site first."
)
def classroom_mark(
    submissions: Path,
    key: Path,
    out: Path,
    jobs: int | None,
    timeout: float | None,
    scheduler: str | None,
    again: bool,
    answers: bool,
    uncontained: bool,
) -> None:
    """Mark what was handed in: run each notebook of SUBMISSIONS contained, and compare its answers with the key."""
    from course.classroom import jail
    from course.classroom.mark import mark

    if uncontained:
        click.echo("Not contained: a student's code can do what you can.", err=True)
    limits = jail.Limits(seconds=timeout, cell_seconds=min(timeout, 60.0)) if timeout else jail.Limits()
    results = mark(
        load(),
        submissions,
        key,
        out,
        limits=limits,
        contained=not uncontained,
        jobs=jobs,
        scheduler=scheduler,
        again=again,
        answers=answers,
    )
    if not (uncontained or scheduler or jail.filtered()):
        click.echo(
            "Contained, but without a filter of system calls: libseccomp is not on this machine.", err=True
        )
    strange = sum(bool(result["problem"] or result["notes"] or result["flags"]) for result in results)
    click.echo(f"{len(results)} marked, {strange} with something to look at: {_shown(out / 'report.html')}")
    click.echo(f"Gradebooks: {_shown(out)}/gradebook.csv, moodle.csv and canvas.csv")


@classroom.command("vet")
@click.option("--seeds", default="1000:5000", show_default=True, help="1000:5000 for the seeds 1000 to 4999.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: one per processor]")
def classroom_vet(seeds: str, jobs: int | None) -> None:
    """Measure landscapes anew, for the table of those that are equally hard; it takes a quarter of an hour."""
    from course import sweep as sweeps
    from course.classroom import variants

    table = load().root / "data" / variants.TABLE.name
    made = sweeps.sweep(sweeps.parse_seeds(seeds), {}, table, jobs=jobs, rows="variants")
    click.echo(f"{len(variants.vetted(made))} of the landscapes in {_shown(made)} are equally hard")


@classroom.command("pack")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle's folder.")
@click.option(
    "--class",
    "class_folder",
    type=click.Path(path_type=Path),
    help="What `make` wrote: its students/ are packed.",
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help="linux-x86_64, linux-aarch64, macos-arm64, macos-x86_64 or windows-x86_64; repeat for more.  [default: this machine's]",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="3.N",
    help="3.11, 3.12 or 3.13; repeat for more.  [default: this one]",
)
def classroom_pack(
    out: Path, class_folder: Path | None, platforms: tuple[str, ...], pythons: tuple[str, ...]
) -> None:
    """Write a folder that sets up the course without a network: wheels, notebooks, and a script."""
    from course.classroom import pack

    targets = pack.choose_targets(platforms, pythons)
    pack.pack(load(), out.absolute(), targets, class_folder=class_folder, say=click.echo)
    files = [path for path in (out / "wheels").iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    click.echo(f"The bundle lies in {_shown(out)}: {len(files)} wheels, {size:.0f} MB")
    click.echo("Put that folder on a stick; `python set-up.py` in it sets up the course")


@cli.command()
@click.argument("site", type=click.Path(exists=True, file_okay=False, path_type=Path))
def gate(site: Path) -> None:
    """Check a rendered SITE: no raw markup, no dead link, alt texts, no request to elsewhere."""
    from course.gate import check_site

    problems = check_site(site)
    for problem in problems:
        click.echo(problem)
    if problems:
        raise CourseError(f"{_shown(site)}: {len(problems)} problems")
    click.echo(f"{_shown(site)}: no problems")


def _refuse_unfit_picture(path: Any) -> None:
    """Raise an error if a file is no picture that chapters can read, before any of them starts."""
    if not isinstance(path, str) or not (_is_address(path) or Path(path).is_file()):
        return  # what is no file at all is refused by the run itself
    from helpers import raster

    try:
        note = raster.check(path)
    except ValueError as error:
        raise CourseError(f"image_path: {error}") from None
    if note:
        click.echo(f"image_path: {note}", err=True)


def _is_address(path: str) -> bool:
    return "://" in path


def find_run(project: Project, name: str | None) -> Run:
    """Return the finished run of this folder or name; without one the default run, made if it is stale."""
    from course import run as runs

    if name is None:
        return runs.ensure(project, None, {}, runs.run_folder(project, None, {}))
    given, listed = Path(name), project.root / "runs" / name
    if not given.exists() and not listed.exists():
        there = sorted(path.parent.name for path in (project.root / "runs").glob("*/manifest.json"))
        hint = f"in runs/ there are: {', '.join(there)}" if there else "`course run` makes one"
        raise CourseError(f"{name}: there is no such run; {hint}")
    return runs.load_run(listed if not given.is_dir() and listed.is_dir() else given.absolute())


def find_exercises(project: Project, name: str) -> Chapter:
    """Return the exercises of a chapter, by its number or name."""
    number = Path(name).name[:2] if not name.isdigit() else name.zfill(2)
    found = [chapter for chapter in project.exercises if chapter.name[:2] == number]
    if not found:
        raise CourseError(f"no exercises {name}; there are: {', '.join(c.name for c in project.exercises)}")
    return found[0]


def read_parameters(pairs: tuple[tuple[str, str], ...], files: tuple[Path, ...]) -> dict[str, Any]:
    """Return the values given by ``-f`` and ``-p``, read as papermill reads them; ``-p`` wins.

    A picture's path is made absolute here, as the notebooks run in another folder: a relative one counts from
    where the command is typed, and ``~`` is the home folder.
    """
    values: dict[str, Any] = {}
    for path in files:
        values |= _read_file(path)
    values |= {name: read_value(text) for name, text in pairs}
    for name, value in values.items():
        try:
            str(value).encode()
        except UnicodeEncodeError:  # a file of another system; a run's manifest could not hold its name
            raise CourseError(f"{name} = {value!r}: not text in UTF-8; give the file another name") from None
    picture = values.get("image_path")
    if isinstance(picture, str) and picture and not _is_address(picture):
        values["image_path"] = str(Path(os.path.expanduser(picture)).absolute())  # noqa: PTH111 -- no error for ~nobody
    return values


def read_value(text: str) -> Any:
    """Return a value of ``-p`` as papermill's command line does: ``1e3`` is 1000.0, ``true`` a text."""
    words: dict[str, Any] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class _NoDates(yaml.SafeLoader):
    """YAML as papermill has it: what looks like a date stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _read_file(path: Path) -> dict[str, Any]:
    """Return the values that a YAML file holds."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDates) or {}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise CourseError(f"{path}: cannot be read: {why}") from None
    except yaml.YAMLError as error:
        raise CourseError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or thousands of brackets
        raise CourseError(f"{path}: holds a number or a list that is too long to be read") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CourseError(f"{path}: must hold lines of NAME: VALUE")
    return values


def _shown(path: Path) -> str:
    """Return a path as seen from here."""
    path = path.absolute()
    return (path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path).as_posix()
