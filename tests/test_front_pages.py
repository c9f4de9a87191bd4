"""The pages that are no chapters: what they tell the reader to do works, and they hold what they promise."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from course import home, lookup
from course.cli import cli
from course.project import Project, load
from course.run import Run
from helpers import landscape, segmentation, selection
from tests.projects import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", "index.qmd", "rerun.qmd", "teach.qmd"]
PROJECT = load(ROOT)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


COMMANDS = sorted(
    {
        line.partition("  #")[0].strip()
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if line.startswith(".venv/bin/course ")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_a_page_names_is_one(command: str) -> None:
    _, name, *options = shlex.split(command)
    made = cli.commands[name].make_context(name, [*options], resilient_parsing=False)  # type: ignore[attr-defined]
    assert made.info_name == name
    chapters = {chapter.name for chapter in PROJECT.chapters}
    assert {word for word in options if re.match(r"\d\d-", word)} <= chapters


def test_the_program_of_your_own_runs_as_written(tmp_path: Path) -> None:
    [program] = blocks("rerun.qmd", "python")
    Image.fromarray(landscape.colorize(landscape.heights(96, 24.0))).save(tmp_path / "my-picture.png")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] in {"2", "3", "4", "5", "6"}
    assert "area" in done.stdout
    assert "terrain" not in done.stdout  # clusters have numbers, not names


def test_every_term_of_the_glossary_is_set_in_bold_by_a_chapter(
    small_course: tuple[Project, Run], small_site: Path
) -> None:
    project, _ = small_course
    page = (project.root / lookup.GLOSSARY_PAGE).read_text(encoding="utf-8")  # staged for the small site
    terms = lookup.read_terms(PROJECT).meaning
    lost = [term for term in terms if not re.search(rf"#{lookup.anchor(term)}}}.*\n:   .*\[Chapter \d", page)]
    assert not lost, f"no chapter sets in bold: {', '.join(lost)}"
    assert len({lookup.anchor(term) for term in terms}) == len(terms)


def test_a_term_is_linked_once_and_never_in_a_heading() -> None:
    terms = lookup.Terms(
        {"seed": "x", "WCSS": "y"}, {"seed": "seed", "wcss": "WCSS", "sum of squares": "WCSS"}
    )
    seen: set[str] = set()
    text = "# A **seed**\n\nA **seed**, a **Seed** and the **sum of squares**, [**WCSS**](x)."
    linked = terms.link(text, "02-x", 2, seen)
    assert linked.startswith("# A **seed**\n\nA [**seed**](glossary.qmd#term-seed){.term}, a **Seed** and ")
    assert "[**sum of squares**](glossary.qmd#term-wcss){.term}" in linked
    assert terms.first == {"seed": (2, "02-x"), "WCSS": (2, "02-x")}
    assert "**seed**" in terms.link("a **seed**", "02-x", 2, seen)
    broken = terms.link("The **sum of\nsquares** and **a\nthing** of a **seed**.", "03-y", 3, set())
    assert broken.startswith(
        "The [**sum of\nsquares**](glossary.qmd#term-wcss){.term} and **a\nthing** of a [**seed**]"
    )


def test_the_page_of_the_helpers_has_every_public_function_and_refuses_one_without_words(
    tmp_path: Path,
) -> None:
    page, script = lookup.helpers_page(PROJECT)
    for name in (
        "landscape.heights",
        "segmentation.segment",
        "selection.elbow",
        "regions.table",
        "check.check",
    ):
        assert f"{{#{name}}}" in page
        assert f'"{name}"' in script
    assert "_hide" not in page
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_quarto.yml").write_text("website: {title: x}")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "silent.py").write_text('"""Words."""\n\n\ndef mute():\n    pass\n')
    with pytest.raises(Exception, match=r"silent.py, line 4: silent.mute has no docstring"):
        lookup.helpers_page(load(tmp_path))


def test_references_have_a_doi_or_an_address_and_the_founding_ones_are_there() -> None:
    entries = (ROOT / "references.bib").read_text(encoding="utf-8").split("\n@")[1:]
    keys = set()
    for entry in entries:
        key = re.search(r"\{([^,]+),", "@" + entry)
        assert key
        keys.add(key[1])
        assert re.search(r"^\s*(doi|url|isbn|eprint)\s*=", entry, re.MULTILINE | re.IGNORECASE), key[1]
    assert keys >= {
        "lloyd1982", "macqueen1967", "arthur2007", "rousseeuw1987", "tibshirani2001", "satopaa2011", "schubert2023",
        "perlin1985", "perlin2002",
    }  # fmt: skip
    cited = set()
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "index.qmd"]:
        cited |= set(re.findall(r"@([a-z]+\d{4})", path.read_text(encoding="utf-8")))
    assert keys <= cited, f"in the list but cited nowhere: {', '.join(sorted(keys - cited))}"


def test_lessons_name_chapters_that_exist() -> None:
    numbers = {chapter.name[:2] for chapter in PROJECT.chapters}
    assert {number for chapters in home.LESSONS.values() for number in chapters} <= numbers
    table = home.lessons(PROJECT)
    assert table.count("\n|") == len(home.LESSONS) + 1
    for name, chapters in home.LESSONS.items():
        if match := re.search(r"(\d+) minutes", name):
            total = sum(int(c.about["minutes"]) for c in PROJECT.chapters if c.name[:2] in chapters)
            assert total <= int(match[1]), f"{name} takes {total} minutes"


def test_seeds_of_the_glossary_and_settings_are_yaml() -> None:
    assert yaml.safe_load((ROOT / lookup.TERMS).read_text(encoding="utf-8"))
    assert CliRunner().invoke(cli, ["--help"]).exit_code == 0


# What teach.qmd says of single seeds, in words; computed here, so that the words cannot rot.


def terrains_on_the_map(seed: int, k: int = 0) -> tuple[list[int], int]:
    """Return the terrain of each cluster of a landscape, and the k that was chosen for it."""
    image = landscape.colorize(landscape.heights(seed=seed))
    k = k or selection.choose(image)
    return list(segmentation.nearest_terrain(segmentation.segment(image, k).centers)), k


def test_the_seeds_that_the_page_for_teachers_names() -> None:
    text = (ROOT / "teach.qmd").read_text(encoding="utf-8")
    assert "`-p seed 3`, `-p seed 33` and `-p seed 130` " in text
    assert "-p seed 114 -p n_clusters 4 " in text
    rows = {int(row["seed"]): row for row in swept()}
    assert {rows[3][name] for name in ("elbow_1_8", "elbow_1_10", "elbow_2_15", "best")} == {"4"}
    assert terrains_on_the_map(33)[0] == [0, 1, 2]
    assert float(rows[33]["snow"]) > 0.05
    assert terrains_on_the_map(114)[0] == [0, 1, 2]
    assert float(rows[114]["chosen_right"]) > 0.98
    assert terrains_on_the_map(114, 4)[0] == [0, 0, 1, 2]
    assert (rows[130]["elbow_1_10"], rows[130]["best"]) == ("2", "3")
    colors = segmentation.distinct_colors(landscape.colorize(landscape.heights(seed=130)))
    for state in range(30):
        fits = [segmentation.segment_colors(colors, k, state, n_init=1).wcss for k in range(1, 11)]
        assert selection.elbow(range(1, 11), fits) == 2


def swept() -> list[dict[str, str]]:
    """Return the rows of the committed sweep."""
    lines = (ROOT / "data" / "sweep.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_core_and_optional_are_marked_in_the_navigation_and_on_the_home_page() -> None:
    parts = {
        entry["section"]: [name for name in entry["contents"] if name.endswith(".ipynb")]
        for entry in PROJECT.website["sidebar"]["contents"]
        if isinstance(entry, dict)
    }
    numbers = {part: [int(Path(name).name[:2]) for name in names] for part, names in parts.items() if names}
    assert numbers == {"Core": [1, 2, 3, 4, 5, 11, 12], "Optional": [6, 7, 8, 9, 10, 13]}
    shown = home._map(PROJECT)
    assert "Read 1 to 5, 11 and 12 first, in order." in shown
    assert shown.index("### Core") < shown.index("12-where-next") < shown.index("### Optional")
    assert shown.index("### Optional") < shown.index("06-space-and-color")
