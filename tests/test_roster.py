"""Rosters as Moodle, Canvas and people write them, and the seeds that are drawn from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from course.classroom.roster import Student, draw_seeds, read_roster, token
from course.errors import CourseError
from helpers import variants

CLASS = [Student(f"s{number}") for number in range(200)]


@pytest.mark.parametrize(
    ("text", "students"),
    [
        ("ada\nbela\n", [Student("ada"), Student("bela")]),
        ("ada,Ada Lovelace,ada@x.org\n", [Student("ada", "Ada Lovelace", "ada@x.org")]),
        ("id,name\n7,Ada\n", [Student("7", "Ada")]),
        ("\ufeffID number;First name;Last name;Email address\n7;Ada;Lovelace;a@x.org\n", [Student("7", "Ada Lovelace", "a@x.org")]),
        ("Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n\"Lovelace, Ada\",12,u1,ada,A\n", [Student("12", "Lovelace, Ada")]),
        ("Name\tUsername\nAda  Lovelace\tada\n\n", [Student("ada", "Ada Lovelace")]),
    ],
)  # fmt: skip
def test_a_roster_is_read(tmp_path: Path, text: str, students: list[Student]) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    assert read_roster(path) == students


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "lists nobody"),
        (b"id,name\n", "lists nobody"),
        (b"ada\nAda\n", "Ada is listed twice, or is too much like ada"),
        (b"a b\na-b\n", "listed twice"),
        (b"id,name\n,Ada\n", "line 2: no id"),
        (b"???\n", "has no letter or digit"),
        (b"a,b,c,d\n", "which column is the id?"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (None, "the roster cannot be read: No such file"),
    ],
)
def test_what_is_no_roster_is_refused_in_one_line(tmp_path: Path, data: bytes | None, says: str) -> None:
    path = tmp_path / "roster.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CourseError, match=r".") as error:
        read_roster(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_everybody_gets_a_vetted_seed_of_their_own() -> None:
    seeds = draw_seeds(CLASS, variants.vetted(), "salt")
    assert len(set(seeds.values())) == len(CLASS)
    assert set(seeds.values()) <= set(variants.vetted())
    assert seeds == draw_seeds(CLASS, variants.vetted(), "salt")


def test_another_salt_gives_other_seeds() -> None:
    one, other = (draw_seeds(CLASS, variants.vetted(), salt) for salt in ("salt", "pepper"))
    assert sum(one[name] == other[name] for name in one) < 5


def test_who_is_added_at_the_end_changes_nobodys_seed() -> None:
    few = draw_seeds(CLASS[:150], variants.vetted(), "salt")
    many = draw_seeds(CLASS, variants.vetted(), "salt")
    assert {name: many[name] for name in few} == few


def test_more_students_than_landscapes_are_refused() -> None:
    with pytest.raises(CourseError, match="3 students, but only 2 vetted landscapes"):
        draw_seeds(CLASS[:3], [1, 2], "salt")
    assert len(draw_seeds(CLASS[:2], [1, 2], "salt")) == 2


def test_tokens_tell_students_apart_and_need_the_salt() -> None:
    assert token(CLASS[0], "salt") != token(CLASS[1], "salt")
    assert token(CLASS[0], "salt") != token(CLASS[0], "pepper")
