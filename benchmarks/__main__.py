"""Compare this code with a plain program and with other libraries: ``python -m benchmarks``.

Steps: name machine and versions; time each step of the course beside the plain way of doing it; time other
libraries' k-means; measure memory; time the chapters that mirror the article beside one plain notebook. Nothing here fails on
a time: the table shows the target, and a reader judges.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.cluster import KMeans

from benchmarks import classroom, large, measure, plain_criteria, plain_notebook
from course import project, sweep
from helpers import landscape, segmentation, selection
from sweeps import criteria
from tests import oracle


def compare_steps(quick: bool) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a row per step: what, ours, the plain way, how many times faster, target."""
    h = landscape.heights()
    image = landscape.colorize(h)
    pixels = image.reshape(-1, 3)
    steps: list[tuple[str, Callable[[], Any], Callable[[], Any], int, int]] = [
        ("heights, 512 × 512", landscape.heights, oracle.heights, 8, 15),
        ("colorize, 512 × 512", lambda: landscape.colorize(h), lambda: oracle.colorize(h), 20, 9),
        (
            "WCSS for k = 1…10: 10 starts per k / one fit per k on all pixels",
            lambda: selection.wcss_curve(image),
            lambda: oracle.wcss_loop(image, range(1, 11)),
            12,
            5,
        ),
        (
            "segment, k = 4 / KMeans(n_init=10) on all pixels",
            lambda: segmentation.segment(image, 4),
            lambda: KMeans(4, n_init=10, random_state=0).fit(pixels),
            30,
            5,
        ),
    ]
    for name, ours, theirs, target, repeats in steps:
        ours(), theirs()  # the first call of a library loads what the others find loaded
        a, b = measure.side_by_side(ours, theirs, 1 if quick else repeats)
        yield name, f"{a:.4f} s", f"{b:.4f} s", f"{b / a:.1f}×", f"≥ {target}×"


def compare_libraries(quick: bool) -> Iterator[tuple[str, str, str]]:
    """Yield a row per library: name, seconds, WCSS at k = 4 against the least of all."""
    image = landscape.colorize(landscape.heights())
    pixels = image.reshape(-1, 3)
    picture = Image.fromarray(image)

    def opencv(starts: int, rounds: int, epsilon: float) -> np.ndarray:
        cv2.setRNGSeed(0)
        until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, rounds, epsilon)
        _, labels, _ = cv2.kmeans(
            pixels.astype(np.float32), 4, np.empty(0, np.int32), until, starts, cv2.KMEANS_PP_CENTERS
        )
        return labels.ravel()

    def pillow() -> np.ndarray:
        # `kmeans` is no number of rounds but says when to stop: 1 is the strictest, 0 switches it off.
        return np.asarray(picture.quantize(4, kmeans=1)).ravel()

    ways: list[tuple[str, Callable[[], np.ndarray]]] = [
        ("helpers.segment", lambda: segmentation.segment(image, 4).labels.ravel()),
        ("scikit-learn KMeans(n_init=10), all pixels", lambda: KMeans(4, n_init=10, random_state=0).fit(pixels).labels_),
        ("scikit-learn KMeans(n_init=1), all pixels", lambda: KMeans(4, n_init=1, random_state=0).fit(pixels).labels_),
        ("OpenCV kmeans, 10 starts of 10 rounds", lambda: opencv(10, 10, 1.0)),
        ("OpenCV kmeans, 10 starts of 100 rounds, eps 0.01", lambda: opencv(10, 100, 0.01)),
        ("Pillow quantize(4, kmeans=1)", pillow),
    ]  # fmt: skip
    labels = {name: way() for name, way in ways}
    taken: dict[str, list[float]] = {name: [] for name, _ in ways}
    for _ in range(1 if quick else 5):
        for name, way in ways:
            taken[name].append(measure.seconds(way))
    wcss = {name: oracle.wcss(pixels, found) for name, found in labels.items()}
    for name in wcss:
        above = wcss[name] / min(wcss.values()) - 1
        yield name, f"{statistics.median(taken[name]):.4f} s", f"{wcss[name]:.4e} (+{above:.4%})"


def compare_sweep(quick: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows about the sweep: what, ours, beside what, target."""
    criteria.of_landscape(999)  # the first call of a library loads what the others find loaded
    ours, plain = measure.side_by_side(
        lambda: criteria.of_landscape(1), lambda: plain_criteria.of_landscape(1), 1 if quick else 2
    )
    yield (
        "one seed, all criteria / with scikit-learn",
        f"{ours:.2f} s",
        f"{plain:.1f} s, {plain / ours:.0f}×",
        "",
    )
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        for jobs in (1, 2):
            seeds = range(4 if quick else 30 * jobs)
            table = Path(folder) / f"{jobs}.csv"
            start = measure.seconds(
                lambda jobs=jobs, table=table: sweep.sweep(range(jobs), {}, table, jobs=jobs, quiet=True)
            )
            whole = measure.seconds(
                lambda jobs=jobs, table=table, seeds=seeds: sweep.sweep(
                    [seed + 1000 for seed in seeds], {}, table.with_suffix(".more.csv"), jobs=jobs, quiet=True
                )
            )
            rates[jobs] = (len(seeds) - jobs) / (whole - start)
            beside = "" if jobs == 1 else f"{rates[2] / rates[1]:.2f}× of one"
            yield (
                f"seeds per second and core, {jobs} {'worker' if jobs == 1 else 'workers'}, start-up left out",
                f"{rates[jobs] / jobs:.2f}",
                beside,
                "≥ 1.5",
            )
    few, many = (5, 10) if quick else (50, 500)
    peaks = {n: measure.time_and_peak(SEEDS.format(n=n))[1] for n in (few, many)}
    yield (
        f"peak memory of a worker after {many} seeds / {few}, size 64",
        f"{peaks[many] / 1e6:.0f} MB",
        f"{peaks[few] / 1e6:.0f} MB",
        "flat",
    )


SEEDS = "from course import sweep; [sweep.compute(seed, dict(size=64, scale=16.0)) for seed in range({n})]"


def time_check() -> Iterator[tuple[str, str, str, str]]:
    """Yield the row about `course check` on the default run, if there is one."""
    if (measure.ROOT / "runs" / "default" / "manifest.json").is_file():
        command = [sys.executable, "-m", "course", "check", "runs/default"]
        taken = [
            measure.seconds(
                lambda: subprocess.run(command, cwd=measure.ROOT, check=False, capture_output=True)
            )
            for _ in range(3)
        ]
        yield "course check runs/default, the whole process", f"{statistics.median(taken):.2f} s", "", "< 2 s"


def measure_memory() -> tuple[str, str, str]:
    """Return what was measured, the seconds, and the peak memory with its target."""
    code = "from helpers import landscape; landscape.heights(size=4096, scale=1024.0)"
    taken, peak = measure.time_and_peak(code)
    return (
        "heights, 4096 × 4096, in a process of its own",
        f"{taken:.2f} s",
        f"{peak / 1e9:.2f} GB (target < 1.5 GB)",
    )


def compare_course(repeats: int, jobs: int | None) -> tuple[str, str, str, str]:
    """Return the seconds of the chapters that mirror the article, and of one plain notebook that does as much."""
    with tempfile.TemporaryDirectory() as folder:
        count = iter(range(2 * repeats))

        def course() -> None:
            names = [chapter.name for chapter in project.load(measure.ROOT).chapters[:5]]
            run = [sys.executable, "-m", "course", "run", *names]
            run += ["--out", str(Path(folder) / f"run-{next(count)}")]
            run += ["--jobs", str(jobs)] if jobs else []
            subprocess.run(run, cwd=measure.ROOT, check=True, capture_output=True, text=True)

        ours, theirs = measure.side_by_side(course, lambda: plain_notebook.execute(Path(folder)), repeats)
    return f"{ours:.1f} s", f"{theirs:.1f} s", f"{ours / theirs:.2f}×", "≤ 2.5×"


def show(console: Console, title: str, columns: list[str], rows: Iterator[tuple[str, ...]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@click.command(help=__doc__.partition("\n")[0])
@click.option("--quick", is_flag=True, help="One repeat of each, without the whole course: does it run?")
@click.option(
    "--course/--no-course", "with_course", default=None, help="Time the whole course, or leave it out."
)
@click.option(
    "--limit",
    default=large.LIMIT,
    show_default=True,
    help="Seconds after which a library is left out on larger pictures.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Chapters at a time.  [default: as `course run`]")
def main(quick: bool, with_course: bool | None, limit: float, jobs: int | None) -> None:
    """Print all tables."""
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(measure.about(), highlight=False)
    steps = ["step (ours / plain)", "ours", "plain", "faster", "target"]
    show(console, "Beside the plain per-pixel program", steps, compare_steps(quick))
    libraries = ["k-means of the picture, k = 4", "seconds", "WCSS"]
    show(console, "Beside other libraries", libraries, compare_libraries(quick))
    show(console, "Memory", ["what", "seconds", "peak"], iter([measure_memory()]))
    columns = [
        "pixels",
        "k-means of a real picture, k = 6",
        "seconds",
        "memory above it",
        "WCSS above the least",
    ]
    show(
        console, "Large pictures (target: < 1.5 GB above, WCSS +0.01 %)", columns, large.compare(quick, limit)
    )
    if not quick:
        console.print(f"Time against pixels is drawn in {large.PLOT.relative_to(measure.ROOT)}")
        show(console, "A whole tile", ["what", "seconds", "peak"], large.chapter_on_a_tile())
    rows = [*compare_sweep(quick), *time_check()]
    show(console, "The sweep, and the check", ["what", "ours", "beside", "target"], iter(rows))
    show(console, "A class", ["what", "ours", "beside", "target"], classroom.compare(quick))
    if with_course or (with_course is None and not quick):
        columns = ["chapters 1 to 5", "one plain notebook", "ratio", "target"]
        try:
            row = compare_course(1 if quick else 3, jobs)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or b"").strip()
            last = (said.decode(errors="replace") if isinstance(said, bytes) else said).splitlines()[-1:]
            console.print(f"The whole course could not be timed: {''.join(last)}", highlight=False)
            return
        show(console, "The chapters that mirror the article", columns, iter([row]))


if __name__ == "__main__":
    main()
