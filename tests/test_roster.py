"""Rosters as Moodle, Canvas and people write them, and the seeds that are drawn from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from course.classroom.roster import Roster, Student, draw_seeds, read_roster, token
from course.cli import main
from course.errors import CourseError
from sweeps import variants

CLASS = [Student(f"s{number}") for number in range(200)]


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Map (77)\n    Points Possible,,,,,10\n,,,,,Manual Posting\n"
    '"Müller, Jürgen",9000,0100234,jm,S1,3\n"Student, Test",9999,,abc,S1,\n'
)
JUERGEN = Student(
    "0100234",
    "Müller, Jürgen",
    "",
    {"ID": "9000", "SIS User ID": "0100234", "SIS Login ID": "jm", "Section": "S1"},
)


@pytest.mark.parametrize(
    ("text", "students", "id_from"),
    [
        ("ada\nbela\n", [Student("ada"), Student("bela")], ""),
        ("ada\r\nbela\r\n", [Student("ada"), Student("bela")], ""),
        ("id,name\n7,Ada\n", [Student("7", "Ada")], "id"),
        ("\ufeffID number;First name;Last name;Email address\n7;Ada;Lovelace;a@x.org\n", [Student("7", "Ada Lovelace", "a@x.org")], "ID number"),
        ("First name,Surname,ID number\nAda,Lovelace,7\n", [Student("7", "Ada Lovelace")], "ID number"),
        (CANVAS, [JUERGEN], "SIS User ID"),
        ("Student,ID,SIS Login ID,Section\nAda,12,ada,A\n", [Student("ada", "Ada", "", {"ID": "12", "SIS Login ID": "ada", "Section": "A"})], "SIS Login ID"),
        ("Student,ID,SIS User ID,SIS Login ID\nAda,12,,ada\n", [Student("ada", "Ada", "", {"ID": "12", "SIS User ID": "", "SIS Login ID": "ada"})], "SIS Login ID"),
        ("Name\tUsername\nAda  Lovelace\tada\n\n", [Student("ada", "Ada Lovelace")], "Username"),
        ("Vorname;Nachname;ID-Nummer\nJürgen;Müller;7\n", [Student("7", "Jürgen Müller")], "ID-Nummer"),
        ("Name,E-Mail\nAda Lovelace,a@x.org\n", [Student("a@x.org", "Ada Lovelace", "a@x.org")], "E-Mail"),
        ("sep=;\nMatrikelnummer;Vorname;Nachname\n0100234;Jürgen;Müller\n", [Student("0100234", "Jürgen Müller")], "Matrikelnummer"),
        ("\ufeffPr\u00e9nom,Nom,Num\u00e9ro d\u2019identification,Adresse de courriel\nAda,Lovelace,0012,a@x.org\n", [Student("0012", "Ada Lovelace", "a@x.org")], "Numéro d’identification"),
        ("OrgDefinedId,Username,Last Name,First Name,Email,End-of-Line Indicator\n#0012,#ada,Lovelace,Ada,a@x.org,#\n", [Student("0012", "Ada Lovelace", "a@x.org")], "OrgDefinedId"),
        ("Login;Nachname;Vorname\nada;Lovelace;Ada\n", [Student("ada", "Ada Lovelace")], "Login"),
        ("\n\n,,\nID number,Name\n\n0012,A B\n,,\n", [Student("0012", "A B")], "ID number"),
        ("Name;Vorname;Anmeldename;E-Mail-Adresse\nMüller;Jürgen;jm;j@x.de\n", [Student("jm", "Jürgen Müller", "j@x.de")], "Anmeldename"),
    ],
)  # fmt: skip
def test_a_roster_is_read(tmp_path: Path, text: str, students: list[Student], id_from: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode())
    assert read_roster(path) == Roster(students, id_from)


def test_another_column_may_hold_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("Kürzel;Name;ID\nju;Jürgen;7\n", encoding="utf-8")
    assert read_roster(path, " kürzel ") == Roster([Student("ju", "Jürgen")], "Kürzel")
    with pytest.raises(
        CourseError, match="no column 'mail' for --id-column; its first line has: Kürzel, Name, ID"
    ):
        read_roster(path, "mail")


@pytest.mark.parametrize(
    ("ids", "warns"),
    [
        (["12", "13", "123000"], True),  # 0012, 0013 and 123000
        (["998", "1002"], True),
        (["0012", "0013", "123000"], False),
        (["12", "13"], False),
        ([str(number) for number in range(1, 120)], False),  # a count
        (["s1", "s12"], False),
    ],
)
def test_ids_that_may_have_lost_zeros_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ids: list[str], warns: bool
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("ID number,Name\n" + "".join(f"{one},A\n" for one in ids), encoding="utf-8")
    words = ["classroom", "make", str(path), "--out", str(tmp_path / "out"), "-p", "seed", "3"]
    assert main(words) == 1  # for another reason, and before anything is made
    warning, *others = capsys.readouterr().err.splitlines()
    assert bool(others) == warns
    if warns:
        assert warning.startswith(
            f"Warning: {path}, line 2: {ids[0]} in the column ID number has fewer digits"
        )
    assert read_roster(path).students[0].id == ids[0]


def test_how_a_roster_was_read_is_one_line() -> None:
    assert (
        Roster([Student("0100234", "Jürgen Müller"), Student("2")], "SIS User ID").summary
        == "2 students; id from 'SIS User ID'; the first is 0100234, Jürgen Müller"
    )
    assert Roster([Student("ada")]).summary == "1 student; id from each line; the first is ada"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "lists nobody"),
        (b"id,name\n", "lists nobody"),
        (b"ada\nAda\n", "line 2: the id Ada differs from ada in line 1 only by case"),
        (b"a b\na-b\n", "line 2: the id a-b differs from a b in line 1 only by case, or by characters"),
        (b"id,name\n\n7,Ada\n7,Bob\n", "line 4: the id 7 is listed twice, first in line 3"),
        (b"id,name\n7,Bob\n,Ada\n", "line 3: no id; fill it, or name another column of ids with --id-column"),
        (b"ID,Student,SIS User ID\n1,Ada,u1\n2,Bob,\n", "line 3: no SIS User ID; fill it"),
        (b"???\n", "has no letter or digit"),
        (b"a" * 201 + b"\n", "line 1: the id has 201 characters, and 200 is the most"),
        ("ada\u200b\n".encode(), "line 1: the id 'ada\\u200b' holds a character that is not seen"),
        (b"ada,Ada Lovelace\n", "which column is the id? Its first line has: ada, Ada Lovelace; known are: sis user id,"),
        (b"a,b,c,d\n", "which column is the id? Its first line has: a, b, c, d"),
        (b"ada\nbela;Bela\n", "which column is the id? Its first line has: ada;"),
        (b"Vorname;Nachname\nAda;Lovelace\n", "which column is the id? Its first line has: Vorname, Nachname"),
        (b"Name\nAda\n", "which column is the id? Its first line has: Name"),
        (b"id,name\n7,Lovelace, Ada\n", "line 2: 3 cells, but the first line names 2 columns"),
        (b'id,name\n7,"Ada\n8,Bob\n', "line 2: a quotation mark is opened here and not closed"),
        (b'id,name\n7,Ada\n8,"' + b"Bob\n" * 50_000, "line 3: a quotation mark is opened here and not closed"),
        (b"\xff\xfe\x00", "not text in UTF-8; save it anew, in Excel as the type 'CSV UTF-8'"),
        ("id;name\n7;J\u00fcrgen\n".encode("cp1252"), "not text in UTF-8; save it anew"),
        ("id;name\n7;Ada\n".encode("utf-16"), "not text in UTF-8; save it anew"),
        ("id;name\n7;Ada\n".encode("utf-16-le"), "not text in UTF-8; save it anew"),
        (None, "the roster cannot be read: No such file"),
        (b"ID number,Name\n0012,A\n1.23E+05,B\n", "line 3: 1.23E+05 in the column ID number is a number as a spreadsheet writes it"),
        (b"ID number;Name\n1,23E+05;B\n", "line 2: 1,23E+05 in the column ID number is a number as a spreadsheet"),
        (b"ID number,Name\n12.0,A\n", "line 2: 12.0 in the column ID number is a number as a spreadsheet writes it"),
        (b"1234567\n1.23457e+06\n", "line 2: 1.23457e+06 in the column of ids is a number as a spreadsheet"),
        (b"ID number,Name\n007,A\n7,C\n", "line 3: 7 in the column ID number is 007 in line 2, but for zeros at the beginning"),
        (b"id,name\n=1+1,A\n", "line 2: =1+1 in the column id begins with =, so a spreadsheet takes it for a formula"),
        (b"id,name\n+49 170,A\n", "line 2: +49 170 in the column id begins with +"),
        (b"id,name\n@x,A\n", "line 2: @x in the column id begins with @"),
        (b"id,name\nCON,A\n", "line 2: CON in the column id can name no folder on Windows"),
        (b"Course: Maps,,\nID number,Name\n0012,A\n", "the columns are named in line 2, not in the first line, which has: Course: Maps"),
        (b"PK\x03\x04\x00\x00", "is a workbook, not text; save it from the spreadsheet as the type 'CSV UTF-8'"),
    ],
)  # fmt: skip
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
