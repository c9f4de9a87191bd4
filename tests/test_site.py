"""The site of a run: which renderer, what is kept when it fails, what it offers."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path

import pytest

from course import embedded, site
from course.errors import CourseError
from course.gate import check_site, read_page
from course.preview import rebuild, serve, snapshot
from course.project import Project
from course.run import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Quarto is a shell script")


@pytest.fixture
def fake_quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Quarto on the PATH; a test writes what it does."""
    script = tmp_path / "bin" / "quarto"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    return script


def test_the_small_site_passes_the_gate_and_says_what_made_it(small_site: Path) -> None:
    assert check_site(small_site) == []
    manifest = json.loads((small_site / "manifest.json").read_text())
    assert manifest["renderer"].startswith("embedded renderer (Pandoc ")
    assert read_page(small_site / "index.html").generator == manifest["renderer"]


def test_the_site_tells_of_its_run_outside_the_search(
    small_course: tuple[Project, Run], small_site: Path
) -> None:
    html = (small_site / "chapters" / "this-run.html").read_text(encoding="utf-8")
    manifest = json.loads((small_site / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["renderer"] in html
    assert all(key in html for key in manifest["inputs"].values())
    assert json.loads((small_site / "record.json").read_text(encoding="utf-8")) == small_course[1].record
    for name in ("manifest.json", "record.json"):
        assert (small_site / name).read_bytes() == (small_site / "downloads" / name).read_bytes()
    assert "this-run" not in (small_site / "assets" / "search.js").read_text(encoding="utf-8")
    others = [page for page in small_site.rglob("*.html") if page.name != "this-run.html"]
    linking = [page for page in others if 'http-equiv="refresh"' not in page.read_text(encoding="utf-8")]
    assert all("this-run.html" in "".join(read_page(page).links) for page in linking)


def test_every_chapter_has_figures_and_each_an_alt_text_that_says_something(small_site: Path) -> None:
    for page in (small_site / "chapters").glob("[0-9]*.html"):
        if 'http-equiv="refresh"' in page.read_text(encoding="utf-8"):  # an old address
            continue
        images = read_page(page).images
        drawings = [i for i in images if "role img" in str(i["src"])]  # their inks follow the theme
        assert drawings, page.name
        assert all(len(str(i["alt"])) > 60 for i in drawings), page.name
        assert all(i.get("width") and i.get("height") for i in images if i not in drawings), page.name


def test_another_seed_makes_other_sentences(small_course: tuple[Project, Run], small_site: Path) -> None:
    text = (small_site / "chapters" / "02-synthetic-landscape.html").read_text(encoding="utf-8")
    shares = small_course[1].record["02-synthetic-landscape"]["shares"]
    assert f"{100 * shares['water']:.1f}% are water" in text


def test_auto_takes_quarto_where_there_is_one(
    small_course: tuple[Project, Run], fake_quarto: Path, tmp_path: Path
) -> None:
    project, run = small_course
    fake_quarto.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo 1.99.1; exit 0; fi\n'
        'mkdir -p "$3"\necho "$COURSE_RUN" > "$3/run.txt"\n'
        'echo \'<html lang="en"><title>x</title><meta name="generator" content="quarto-1.99"></html>\' > "$3/index.html"\n'
    )
    page, used = site.build(project, run, "auto", tmp_path / "site")
    assert used == "Quarto 1.99.1"
    assert (page.parent / "run.txt").read_text().strip() == str(run.folder.resolve())
    assert json.loads((page.parent / "manifest.json").read_text())["renderer"] == used
    assert "| Quarto 1.99.1 |" in (project.root / "chapters" / "this-run.qmd").read_text(encoding="utf-8")


def test_the_quarto_that_runs_the_stage_step_is_named_even_off_the_path(
    fake_quarto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_quarto.write_text("#!/bin/sh\necho 1.98.7\n")
    monkeypatch.setenv("PATH", "/nowhere")
    assert site.choose_renderer()[0] is None
    monkeypatch.setenv("QUARTO_BIN_PATH", str(fake_quarto.parent))
    assert site.choose_renderer() == (str(fake_quarto), "Quarto 1.98.7")
    assert site.choose_renderer("embedded") == (None, embedded.generator())


def test_quarto_that_fails_is_not_replaced_and_the_old_site_stays(
    small_course: tuple[Project, Run], small_site: Path, fake_quarto: Path, tmp_path: Path
) -> None:
    project, run = small_course
    out = shutil.copytree(small_site, tmp_path / "site")
    before = (out / "index.html").read_bytes()
    fake_quarto.write_text("#!/bin/sh\necho 'ERROR: no such theme: moss' >&2\necho bye\nexit 7\n")
    with pytest.raises(CourseError, match="Quarto failed with exit code 7: ERROR: no such theme: moss"):
        site.build(project, run, "auto", out)
    assert (out / "index.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "site"]


def test_quarto_that_is_asked_for_must_be_there(
    small_course: tuple[Project, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="there is no Quarto on the PATH"):
        site.build(*small_course, "quarto", tmp_path / "site")


def test_a_site_that_fails_the_gate_never_replaces_a_good_one(
    small_course: tuple[Project, Run], fake_quarto: Path, tmp_path: Path
) -> None:
    project, run = small_course
    fake_quarto.write_text('#!/bin/sh\nmkdir -p "$3"; echo "<p>::: x</p>" > "$3/index.html"\n')
    with pytest.raises(CourseError, match="did not pass its checks"):
        site.build(project, run, "quarto", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_site_that_cannot_be_put_in_place_leaves_the_old_one(
    small_course: tuple[Project, Run], small_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(small_site, tmp_path / "site")
    before = (out / "index.html").read_bytes()
    replace = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if self.name.endswith(".new") and target == out:
            raise OSError(28, "No space left on device", str(out))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(CourseError, match="No space left"):
        site.build(*small_course, "embedded", out)
    assert (out / "index.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_folder_with_something_else_in_it_is_left_alone(
    small_course: tuple[Project, Run], tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CourseError, match="something else than a site"):
        site.build(*small_course, "embedded", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="something else than a site"):
        site.build(*small_course, "embedded", tmp_path / "file")
    assert (tmp_path / "thesis.txt").exists()


def test_the_preview_serves_reloads_and_keeps_the_last_good_site(small_site: Path, tmp_path: Path) -> None:
    import threading
    import urllib.request

    server = serve(small_site, 43210)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        assert b"location.reload" in opener.open(f"{address}/").read()
        assert b"location.reload" not in (small_site / "index.html").read_bytes()
        first = opener.open(f"{address}/.build").read()
        said: list[str] = []

        def fails() -> Path:
            raise CourseError("chapter 3 broke")

        rebuild(fails, said.append)
        assert opener.open(f"{address}/.build").read() == first
        rebuild(lambda: small_site, said.append)
        assert opener.open(f"{address}/.build").read() != first
        assert said == ["course: chapter 3 broke", "Built again."]
    finally:
        server.shutdown()
        server.server_close()


def test_an_edit_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.ipynb").write_text("{}")
    before = snapshot(tmp_path)
    (tmp_path / "notebooks" / "b.ipynb").write_text("{}")
    assert snapshot(tmp_path) != before
