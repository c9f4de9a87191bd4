"""Pack the course for machines without a network: wheels, notebooks, and one command that sets up.

Steps: read the lock; for each platform and Python, take the packages that students need; keep the wheels that are
there and whose hash fits, and fetch the others; build what has no wheels; write the course, the students' notebooks, the
script `set-up.py`, and what to read first; write the lists of packages.

A list is written when all its wheels are there: `set-up.py` knows a platform by its list. What an earlier call packed
for other platforms stays, as long as it is of the same lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from course import places, setup
from course.classroom import set_up
from course.classroom.make import STUDENTS
from course.downloads import course_files
from course.errors import CourseError
from course.exercises import for_students
from course.project import Project, read_notebook

PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64", "macos-x86_64", "windows-x86_64")
PYTHONS = tuple(f"3.{minor}" for minor in range(setup.LOWEST[1], setup.HIGHEST[1] + 1))
# What a class does without: what makes the site.
NOT_FOR_STUDENTS = {"pypandoc-binary", "docstring-parser", "pyseccomp"}
# What the lock has as source code only, and so is built here: whether what comes of that runs everywhere. A wheel that
# was built here has a hash that is not in the lock; its source is checked against the lock, and its own hash is listed.
BUILT = {"minisom": True, "noise": False}
# Of several wheels that fit, the one is taken that asks for the oldest system: these are in that order.
GLIBC = (5, 12, 17, 24, 26, 27, 28)  # 2.28 is that of Debian 10 and RHEL 8
GLIBC_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}  # what some were called
MACOS = (11, 12, 13, 14)
MARKERS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}
BUNDLE = "bundle"
PACKED = (f"{set_up.COURSE}/", f"{set_up.STUDENTS}/")  # of these folders, what was packed is noted
HEAD = "# requirements.lock, SHA-256 "  # how a list begins: by it, one of another lock is known
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NO_NETWORK = re.compile(
    r"(?i)NewConnectionError|NameResolutionError|Max retries|name resolution|getaddrinfo|ProxyError"
    r"|Connection(?: was)? (?:refused|reset|aborted|broken)|Network is unreachable|Read ?Timeout|timed out"
)


@dataclass(frozen=True)
class Locked:
    """A package of the lock: its version, where it is needed, its hashes, and which packages need it."""

    name: str
    version: str
    marker: Marker | None
    hashes: frozenset[str] = field(repr=False)
    via: frozenset[str]


@dataclass(frozen=True)
class Target:
    """Machines that the bundle is for: a platform and a Python, as ``linux-x86_64`` and ``3.12``."""

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform} with Python {self.python}"

    @property
    def list_name(self) -> str:
        """Return what the list of its packages is called."""
        return f"requirements-{self.platform}-{self.python}.txt"

    @property
    def is_this_machine(self) -> bool:
        """Tell whether what is built here runs there."""
        return self == Target(set_up.platform_name(), "{}.{}".format(*sys.version_info[:2]))


def pack(
    project: Project,
    folder: Path,
    targets: Sequence[Target],
    *,
    class_folder: Path | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Write a bundle that sets up the course without a network.

    Parameters
    ----------
    project : Project
    folder : Path
        Where it goes: a new folder, or one that was packed before, whose wheels are used again.
    targets : sequence of Target
        The students' platforms and Pythons.
    class_folder : Path, optional
        What `course classroom make` wrote; of it, the students' notebooks are packed and nothing else.
    say : callable
        Is told how far it is.

    Raises
    ------
    CourseError
        If the folder holds something else, if a wheel cannot be had, or if the disk is full.
    """
    students = _students_notebooks(class_folder) if class_folder else {}
    text = (project.root / "requirements.lock").read_text(encoding="utf-8")
    about = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    lock = read_lock(text)
    folder = places.writable(folder, into=True)
    before = _packed_before(folder)
    try:
        wheels = folder / set_up.WHEELS
        wheels.mkdir(parents=True, exist_ok=True)
        # First, as by it the folder of a call that was stopped is known again.
        shutil.copyfile(set_up.__file__, folder / set_up.SCRIPT)
        head = HEAD + hashlib.sha256(text.encode()).hexdigest()
        _remove_unfit(folder, head, lock)
        places.write_list(folder, BUNDLE, before)
        lists = {}
        for target in targets:
            wanted = choose(lock, about["project"]["dependencies"], target)
            _fetch(wanted, target, wheels, say)
            lists[target] = "".join(map(as_requirement, wanted))
        for name, everywhere in BUILT.items():
            fitting = [target for target in targets if everywhere or target.is_this_machine]
            entry = _build(name, folder, text, say) if fitting else ""
            for target in fitting:
                lists[target] += entry
        _write_course(project, folder)
        if students:
            _write_students(students, folder, before)
        course = {name for name in places.files_in(folder) if name.startswith(f"{set_up.COURSE}/")}
        handed = {f"{set_up.STUDENTS}/{name}" for name in students} or {
            name for name in before if name.startswith(f"{set_up.STUDENTS}/")
        }
        places.write_list(folder, BUNDLE, course | handed)
        for target, listed in lists.items():
            _write(folder / target.list_name, f"{head}\n{listed}")
        _write(folder / set_up.README, read_me(folder))
    except OSError as error:
        full = " (a platform takes about 250 MB); make room, and pack again: what is there is kept"
        raise CourseError(
            f"{error.filename or folder}: {error.strerror}"
            + (full if set_up.FULL.search(str(error)) else "; choose another --out")
        ) from None


def choose_targets(platforms: Sequence[str], pythons: Sequence[str]) -> list[Target]:
    """Return each of the platforms with each of the Pythons; where none is named, this machine's."""
    here = set_up.platform_name()
    for option, words, known in (("platform", platforms, PLATFORMS), ("python", pythons, PYTHONS)):
        for word in words:
            if word not in known:
                raise CourseError(f"--{option} {word}: not known; there are {', '.join(known)}")
    if not platforms and here not in PLATFORMS:
        raise CourseError(f"this machine is {here}, which has no wheels; name the students' with --platform")
    these = pythons or ["{}.{}".format(*sys.version_info[:2])]
    return [
        Target(platform, python)
        for platform in dict.fromkeys(platforms or [here])
        for python in dict.fromkeys(these)
    ]


def read_lock(text: str) -> dict[str, Locked]:
    """Return the packages of a lock by name.

    Raises
    ------
    CourseError
        If the lock does not say which packages need which.
    """
    found = {}
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        line = entry.partition("\\\n")[0].strip()
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        (version,) = requirement.specifier
        # "# via one", or "# via" and then a line for each
        needing = re.findall(r"(?m)^ +#(?: via)? +([A-Za-z0-9._-]+)(?!.*pyproject\.toml).*$", entry)
        name = str(canonicalize_name(requirement.name))
        found[name] = Locked(
            name,
            version.version,
            requirement.marker,
            frozenset(HASH.findall(entry)),
            frozenset(str(canonicalize_name(one)) for one in needing if one != "via"),
        )
    if not any(package.via for package in found.values()):
        raise CourseError(
            "requirements.lock: has no comments '# via'; lock it again with them, as they say what needs what"
        )
    return found


def choose(lock: dict[str, Locked], dependencies: Sequence[str], target: Target) -> list[Locked]:
    """Return the packages that students need on a platform with a Python, by name; but for those that are built.

    Parameters
    ----------
    lock : dict
        From `read_lock`.
    dependencies : sequence of str
        What the project needs, as in pyproject.toml.
    target : Target
    """
    names = {str(canonicalize_name(Requirement(line).name)) for line in dependencies}
    names -= NOT_FOR_STUDENTS | set(BUILT)
    more = names
    while more:
        more = {package.name for package in lock.values() if package.via & names} - names
        names |= more
    return [lock[name] for name in sorted(names) if is_needed(lock[name].marker, target)]


def is_needed(marker: Marker | None, target: Target) -> bool:
    """Tell whether a marker lets a package in; one that asks for a patch version of Python counts as yes."""
    if marker is None:
        return True
    system, _, machine = target.platform.partition("-")
    known = {
        **MARKERS[system],
        "platform_machine": "AMD64" if target.platform == "windows-x86_64" else machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "python_version": target.python,
        "extra": "",
    }
    full = (f"{target.python}.0", f"{target.python}.99")
    return any(
        marker.evaluate({**known, "python_full_version": one, "implementation_version": one}) for one in full
    )


def platform_tags(platform: str) -> list[str]:
    """Return what a wheel's name may say of the platform, the oldest system first."""
    system, _, machine = platform.partition("-")
    if system == "windows":
        return ["win_amd64"]
    if system == "macos":
        tags = [tag for version in MACOS for tag in mac_platforms((version, 0), machine)]
        return list(dict.fromkeys(tags))
    named = [[f"manylinux_2_{minor}", GLIBC_NAMES.get(minor, "")] for minor in GLIBC]
    return [f"{name}_{machine}" for names in named for name in names if name]


def wheel_tags(target: Target) -> list[Tag]:
    """Return the tags of the wheels that fit, the best first."""
    version = tuple(int(part) for part in target.python.split("."))
    abi = "cp" + target.python.replace(".", "")
    platforms = platform_tags(target.platform)
    return [*cpython_tags(version, [abi], platforms), *compatible_tags(version, abi, platforms)]


def as_requirement(package: Locked) -> str:
    """Return a package as pip reads it, with the lock's hashes and without a marker."""
    hashes = "".join(f" \\\n    --hash=sha256:{one}" for one in sorted(package.hashes))
    return f"{package.name}=={package.version}{hashes}\n"


def missing(wanted: Sequence[Locked], target: Target, wheels: Path) -> list[Locked]:
    """Return the packages of which no wheel is there that fits and has a hash of the lock."""
    tags = set(wheel_tags(target))
    there = set()
    for path in wheels.glob("*.whl"):
        try:
            name, _, _, fits = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if fits & tags:
            there.add((str(name), _sha256(path)))
    return [package for package in wanted if not any((package.name, one) in there for one in package.hashes)]


def explain(said: str, wheels: Path, target: Target, todo: Sequence[Locked]) -> str:
    """Return in one line why wheels could not be fetched, from what pip printed."""
    unknown = re.search(r"No matching distribution found for ([^\s;]+)", said)
    if set_up.FULL.search(said):
        return f"{wheels}: the disk is full (a platform takes about 250 MB); make room, and pack again"
    if NO_NETWORK.search(said):
        count = f"{len(todo)} wheel{'' if len(todo) == 1 else 's'}"
        return (
            f"{wheels} lacks {count} for {target}, and there is no network to fetch {'it' if len(todo) == 1 else 'them'} over; "
            "connect, and pack again"
        )
    if unknown:
        return (
            f"{unknown[1]}: no wheel of it is to be had for {target}; leave out that platform or that Python"
        )
    last = ([line.strip() for line in said.splitlines() if line.strip()] or ["pip gave no reason"])[-1]
    return f"the wheels for {target} could not be fetched; pip says: {last.removeprefix('ERROR: ')}"


def read_me(folder: Path) -> str:
    """Return what to read first: whom the bundle is for, the one command, and what it lacks."""
    lists = sorted(folder.glob("requirements-*.txt"))
    machines = [match for path in lists if (match := set_up.LIST.fullmatch(path.name))]
    rows = "".join(f"- {match['platform']} with Python {match['python']}\n" for match in machines)
    built = [
        f"{match['platform']} with Python {match['python']}"
        for match in machines
        if "\nnoise==" in (folder / match.string).read_text(encoding="utf-8")
    ]
    only = f"is here for {set_up.in_turn(built)} only" if built else "is not here"
    return READ_ME.format(machines=rows, only=only)


READ_ME = """# The course, without a network

Copy this folder to your computer, open a terminal in it, and type

    python set-up.py

That makes the folder `.venv` and installs into it what lies in `wheels/`; nothing else on the computer changes. The last lines that it prints
open the notebooks. From a stick that cannot be written, `python set-up.py --to FOLDER` copies the course to your computer first. On macOS and
Linux the command may be `python3`, on Windows `py`.

It needs one of these, and about 1 GB of disk:

{machines}
| place | what |
|:--|:--|
| `students/` | a notebook for each student, if your teacher packed a class |
| `course/notebooks/` | the chapters |
| `course/exercises/to-do/` | the exercises |
| `course/` | the course; `course/README.md` says more of it. In this folder, `../.venv/bin/python -m course run` runs chapters with other parameters |

Chapter 2 compares with the package `noise`, which {only}: elsewhere leave out its line `import noise` and the cell that compares. All else runs.
"""


def _students_notebooks(class_folder: Path) -> dict[str, bytes]:
    """Return the students' notebooks of a class, by name."""
    place = class_folder / STUDENTS
    found = {path.name: path.read_bytes() for path in sorted(place.glob("*.ipynb"))}
    if not found:
        raise CourseError(
            f"--class {class_folder}: {place} has no notebooks; `course classroom make` writes them"
        )
    return found


def _packed_before(folder: Path) -> set[str]:
    """Return which files of course/ and students/ an earlier call packed; raise an error if others would be replaced."""
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"--out {folder}: is a file; name a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return set()
    script = folder / set_up.SCRIPT
    if not script.is_file() or not script.read_bytes().startswith(b'"""Set up the course from a stick'):
        raise CourseError(f"--out {folder}: is there and holds something else; choose another folder")
    made = places.read_list(folder, BUNDLE)
    if made is None:  # from before there were such lists
        return {name for name in places.files_in(folder) if name.startswith(PACKED)}
    mine = [name for name in places.files_in(folder) if name.startswith(PACKED) and name not in made]
    if mine:
        raise CourseError(
            f"--out {folder}: holds {places.some(mine)}, which was not packed; move that away, or choose another folder"
        )
    return made


def _remove_unfit(folder: Path, head: str, lock: dict[str, Locked]) -> None:
    """Remove the lists of another lock, and the wheels of its packages that are of no list and not of this lock, or damaged."""
    known = {one for package in lock.values() for one in package.hashes}
    for path in folder.glob("requirements-*.txt"):
        listed = path.read_text(encoding="utf-8")
        if listed.startswith(head):
            known |= set(HASH.findall(listed))  # of `noise`, whose wheel is not in the lock
        elif listed.startswith(HEAD):
            path.unlink()
    for path in (folder / set_up.WHEELS).glob("*.whl"):
        ours = canonicalize_name(path.name.partition("-")[0]) in {*lock, *BUILT}
        if ours and path.is_file() and _sha256(path) not in known:
            path.unlink()


def _fetch(wanted: Sequence[Locked], target: Target, wheels: Path, say: Callable[[str], None]) -> None:
    """Download the wheels that are missing, each checked against the lock."""
    todo = missing(wanted, target, wheels)
    say(f"{target}: {len(wanted)} packages, {len(todo)} to fetch")
    if not todo:
        return
    with tempfile.TemporaryDirectory(prefix="course-") as place:
        listed = Path(place, "requirements.txt")
        listed.write_text("".join(map(as_requirement, todo)), encoding="utf-8")
        words = ["download", "--quiet", "--retries", "2", "--no-deps", "--only-binary=:all:"]
        words += ["--implementation", "cp", "--python-version", target.python]
        words += ["--abi", "cp" + target.python.replace(".", "")]
        words += [word for tag in platform_tags(target.platform) for word in ("--platform", tag)]
        done = _pip([*words, "--require-hashes", "-r", str(listed), "--dest", str(wheels)])
    if done.returncode:
        raise CourseError(explain(done.stdout + done.stderr, wheels, target, todo))
    still = missing(todo, target, wheels)
    if still:  # a setting of pip's, say, that sends wheels elsewhere
        raise CourseError(
            f"{wheels}: pip fetched no fitting wheel of {still[0].name} for {target}; see `pip config list`"
        )


def _build(name: str, folder: Path, lock: str, say: Callable[[str], None]) -> str:
    """Return the entry of a package whose wheel is built here, unless that is there; nothing if it cannot be built."""
    source = setup.cut(lock, (name,))
    version = re.findall(r"==(\S+)", source)[0]
    wheels = folder / set_up.WHEELS
    known = {
        one
        for path in folder.glob("requirements-*.txt")
        for one in HASH.findall(setup.cut(path.read_text(encoding="utf-8"), (name,)))
    }
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}" if not BUILT[name] else "py"
    there = [path for path in wheels.glob(f"{name}-{version}-{tag}*.whl") if _sha256(path) in known]
    if not there:
        with tempfile.TemporaryDirectory(prefix="course-") as place:
            listed = Path(place, "requirements.txt")
            listed.write_text(source, encoding="utf-8")
            words = ["wheel", "--quiet", "--retries", "2", "--no-deps", "--no-build-isolation"]
            done = _pip([*words, "--require-hashes", "-r", str(listed), "--wheel-dir", place])
            if done.returncode:
                needs = " (it needs a C compiler)" if name == "noise" else ""
                say(
                    f"{name} could not be built{needs} and is left out; the chapter that imports it will stop there"
                )
                return ""
            (built,) = Path(place).glob("*.whl")
            there = [wheels / built.name]
            shutil.copyfile(built, there[0])
    return f"{name}=={version} \\\n    --hash=sha256:{_sha256(there[0])}\n"


def _write_course(project: Project, folder: Path) -> None:
    """Write the course's files as the zip has them, but with the notebooks' own parameters, in place of older ones."""
    held = course_files(project)
    for exercises in project.exercises:
        notebook = for_students(read_notebook(exercises.source))
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        held[f"exercises/to-do/{exercises.source.name}"] = text.encode()
    place, beside = folder / set_up.COURSE, folder / f".{set_up.COURSE}.new"
    shutil.rmtree(beside, ignore_errors=True)
    for name, data in held.items():
        path = beside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if place.exists():
        shutil.rmtree(place)
    beside.replace(place)


def _write_students(students: dict[str, bytes], folder: Path, before: set[str]) -> None:
    """Write the students' notebooks, and remove those that were packed of another class."""
    place = folder / set_up.STUDENTS
    place.mkdir(exist_ok=True)
    for name in before:
        if name.startswith(f"{set_up.STUDENTS}/") and Path(name).name not in students:
            (folder / name).unlink(missing_ok=True)
    for name, data in students.items():
        (place / name).write_bytes(data)


def _write(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


def _pip(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run this Python's pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    # The times in a wheel that is built are those of no day, so that its hash is the same tomorrow.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "SOURCE_DATE_EPOCH": "315532800"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
