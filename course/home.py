"""The pieces of the home page and of other pages: pictures, the map of the course, lessons, parameters, the run."""

from __future__ import annotations

import io
import textwrap
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from course import seeds, thisrun
from course.downloads import published_values
from course.markdown import code
from course.project import Project, sidebar_files
from course.run import Run
from helpers import parameters

Thumbnail = tuple[str, dict[str, Any]]


def pieces(project: Project, run: Run, thumbnails: list[Thumbnail]) -> dict[str, bytes]:
    """Return the files that assets/pieces.lua puts into pages: the strip of pictures, the map of the course, the run, the tables.

    Parameters
    ----------
    project, run
        The course and the run to publish.
    thumbnails : list of (str, dict)
        The name of a chapter, and its entry of the strip with the picture as PNG.
    """
    steps = []
    files: dict[str, bytes] = {}
    thumbnails = sorted(thumbnails, key=lambda entry: entry[1]["name"])
    for name_of_chapter, about in thumbnails:
        name = f"chapters/home_files/step-{about['name']}.png"
        files[name] = about["png"]
        image = f"![]({name}){{alt={_quoted(about['alt'])} width=320 height=320}}"
        steps.append(f"::: {{.step}}\n[{image}](chapters/{name_of_chapter}.ipynb)\n\n{about['caption']}\n:::")
    rows = [
        f"| `{row.name}` | `{row.default!r}` | {row.allowed} | {row.meaning} |"
        for row in parameters.TABLE.values()
    ]
    header = ["| parameter | default | allowed | meaning |", "|:---|:---|:---|:---|"]
    given = published_values(run.manifest["parameters"])
    listed = " ".join(code(f"{name} = {value!r}") for name, value in given.items())
    text = (
        f"This site was made by a run with {listed}; all other parameters at their defaults."
        if given
        else ("This site was made by a run with all parameters at their defaults: the article's landscape.")
    )
    more = f"[What ran, on what, and how long it took]({thisrun.PAGE})."
    files["chapters/home_files/card.png"] = _card(project, [data["png"] for _, data in thumbnails])
    texts = {
        "chapters/_strip.md": "\n\n".join([":::: {.strip}", *steps, "::::"]) + "\n",
        "chapters/_map.md": _map(project),
        "chapters/_lessons.md": lessons(project),
        "chapters/_seeds.md": seeds.as_markdown(),
        seeds.OLD_PAGE: seeds.REDIRECT,
        "chapters/_parameters.md": "\n".join(header + rows) + "\n",
        "chapters/_run.md": f"{text} {more}\n",
    }
    return files | {name: text.encode() for name, text in texts.items()}


def _map(project: Project) -> str:
    """Return the map of the course: its parts, and in each a line for every chapter with what it gives and its minutes."""
    chapters = {f"chapters/{chapter.name}.ipynb": chapter for chapter in project.chapters}
    parts, total, first = [], 0, ""
    for entry in project.website["sidebar"]["contents"]:
        listed = [
            name
            for name in sidebar_files({"website": {"sidebar": {"contents": [entry]}}})
            if name in chapters
        ]
        rows, minutes = [], 0
        for name in listed:
            about = chapters[name].about
            minutes += int(about["minutes"])
            rows.append(
                f"::: {{.chapter-card}}\n[{chapters[name].number}]{{.number}} [{about['title']}]({name}) "
                f"[{about['minutes']} min]{{.minutes}}\n\n{about.get('description', about.get('subtitle', ''))}\n:::"
            )
        if rows:
            title = entry.get("section", "") if isinstance(entry, dict) else ""
            heading = [f"### {title} [{minutes} minutes]{{.minutes}}"] if title else []
            parts += [*heading, ":::: {.cards}", *rows, "::::"]
            if not first and len(listed) > 1:
                first = f" Read {_numbers([chapters[name].number for name in listed])} first, in order. Each of the others is complete in itself."
        total += minutes
    many = len(chapters)
    return (
        "\n\n".join(
            [
                f"{many} chapters, about {_hours(total)} in all. Each runs alone.{first} Each ends with exercises.",
                *parts,
            ]
        )
        + "\n"
    )


def _numbers(numbers: list[int]) -> str:
    """Return numbers as people say them: "1 to 5, 11 and 12"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = [f"{run[0]} to {run[-1]}" if run[2:] else " and ".join(map(str, run)) for run in runs]
    return ", ".join(said)


# Which chapters make a lesson: a name, and the numbers that the chapters' names begin with.
LESSONS = {
    "A first look, 45 minutes": ["01", "03"],
    "k-means and its limits, 90 minutes": ["01", "03", "04"],
    "From a picture to a map, a morning": ["01", "02", "03", "04", "05"],
    "What k-means cannot see, an afternoon": ["06", "07", "12"],
    "Finding what is odd, 45 minutes": ["09"],
    "A real picture, 45 minutes": ["11"],
}


def lessons(project: Project) -> str:
    """Return the table of lessons: the chapters of each, and their minutes added up."""
    rows = [
        "| lesson | chapters | minutes of reading |",
        "|:---------------|:---------------------------|------:|",
    ]
    for name, numbers in LESSONS.items():
        chapters = [chapter for chapter in project.chapters if chapter.name[:2] in numbers]
        titles = [f"[{c.about['title']}](chapters/{c.name}.ipynb)" for c in chapters]
        minutes = sum(int(c.about["minutes"]) for c in chapters)
        rows.append(f"| {name} | {', '.join(titles)} | {minutes} |")
    return "\n".join([*rows, "", ": Lessons, and what they are made of."]) + "\n"


def _hours(minutes: int) -> str:
    """Return minutes in words, to half an hour where they are many."""
    halves = round(minutes / 30)
    if halves < 2:
        return f"{minutes} minutes"
    return f"{halves // 2}{' and a half' * (halves % 2)} hour{'s' if halves > 2 else ''}"


def _card(project: Project, pngs: list[bytes]) -> bytes:
    """Return the picture that other sites show beside a link to this one: the title over the run's own pictures."""
    card = Image.new("RGB", (1200, 630), "#15191e")
    draw = ImageDraw.Draw(card)
    title = textwrap.wrap(str(project.website["title"]), 26)
    draw.text((60, 56), "\n".join(title), fill="#ffffff", font=ImageFont.load_default(64), spacing=12)
    side = 250
    for number, png in enumerate(pngs[-4:]):
        picture = Image.open(io.BytesIO(png)).convert("RGB").resize((side, side))
        card.paste(picture, (60 + number * (side + 26), 320))
    return png_of(card)


def png_of(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _quoted(text: str) -> str:
    """Return text as the value of a Pandoc attribute."""
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'
