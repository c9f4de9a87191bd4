"""Set up the course from a stick, without a network: ``python set-up.py``.

`course classroom pack` writes this file onto the stick, as ``set-up.py``. Steps: find the list of packages for this
machine and this Python; with ``--to``, copy the course to where it can be written; make `.venv` beside it; install the
list from the wheels of the stick, each checked against its hash; tell Python where the course lies; try it; say how to
open the notebooks.

Only the standard library is used, as nothing else is there yet. Nothing outside the folder is written.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

COURSE, STUDENTS, WHEELS, README, SCRIPT = "course", "students", "wheels", "README.md", "set-up.py"
LOG = "set-up.log"
STAMP = "course-stick"  # in .venv: which list and Python it is of; one without it is not ours
COPIED = ".copied"  # in the course that was copied from a stick; a folder without it is not ours
LIST = re.compile(r"requirements-(?P<platform>.+)-(?P<python>\d+\.\d+)\.txt")
# What a student may have worked in: it is not written over when the course is copied again.
WORKED_IN = (STUDENTS, f"{COURSE}/notebooks", f"{COURSE}/exercises/to-do")
FULL = re.compile(r"(?i)No space left|not enough space on the disk|Disk quota exceeded")


class SetUpError(Exception):
    """What stops the set-up, in one line: what, where, and what to do."""


def main(arguments: list[str] | None = None, here: Path | None = None) -> int:
    """Set up the course and return the exit code; `here` is the stick, by default where this file lies."""
    parser = argparse.ArgumentParser(
        prog=f"python {SCRIPT}", description="Set up the course from this folder."
    )
    parser.add_argument(
        "--to", metavar="FOLDER", help="copy the course into FOLDER first, as from a read-only stick"
    )
    to = parser.parse_args(arguments).to
    stick = here or Path(__file__).resolve().parent
    try:
        wanted = choose_list(stick, platform_name(), sys.version_info[:2])
        folder = Path(to).expanduser().absolute() if to else stick
        if folder.resolve() != stick.resolve():
            copy_course(stick, folder)
        require_writable(folder)
        set_up(stick, folder, wanted)
    except SetUpError as error:
        print(f"{SCRIPT}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{SCRIPT}: {in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{SCRIPT}: the set-up was stopped; the next one begins anew", file=sys.stderr)
        return 130
    print("The course is set up. This opens the notebooks:\n\n" + how_to_open(folder))
    return 0


def platform_name() -> str:
    """Return what the stick calls this machine's platform: ``linux-x86_64``, say."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    # On Windows, what counts is what Python was built for: one for x86-64 runs on ARM, too.
    machine = sysconfig.get_platform().split("-")[-1] if system == "windows" else platform.machine()
    machine = {"amd64": "x86_64", "aarch64": "arm64", "win32": "x86"}.get(machine.lower(), machine.lower())
    machine = "aarch64" if (system, machine) == ("linux", "arm64") else machine
    return f"{system}-{machine}" + ("" if sys.maxsize > 2**32 else "-32bit")


def choose_list(stick: Path, name: str, version: tuple[int, ...]) -> Path:
    """Return the list of packages for this platform and Python.

    Raises
    ------
    SetUpError
        If the stick has none; it says which there are.
    """
    python = f"{version[0]}.{version[1]}"
    there: dict[str, list[str]] = {}
    for path in sorted(stick.glob("requirements-*.txt"), key=lambda path: (len(path.name), path.name)):
        match = LIST.fullmatch(path.name)
        if match:
            there.setdefault(match["platform"], []).append(match["python"])
    if not there:
        raise SetUpError(f"{stick} has no requirements-*.txt: it is not whole; pack or copy it again")
    if name not in there:
        listed = "; ".join(f"{known} with Python {in_turn(there[known])}" for known in sorted(there))
        raise SetUpError(f"this machine is {name}, and the stick is for {listed}; ask for one that has yours")
    if python not in there[name]:
        first = there[name][-1]
        raise SetUpError(
            f"this is Python {python}, and for {name} the stick has Python {in_turn(there[name])}; "
            f"run {SCRIPT} with that one ({command_of(first)} {SCRIPT})"
        )
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise SetUpError(
            f"the stick is for the usual Python; this one is {sys.implementation.name}, or free-threaded"
        )
    return stick / f"requirements-{name}-{python}.txt"


def copy_course(stick: Path, folder: Path) -> None:
    """Copy the course, and the students' notebooks, into a folder; what was worked in stays as it is.

    Raises
    ------
    SetUpError
        If the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise SetUpError(f"{folder} is a file; name a folder that is new")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / COURSE / COPIED).is_file():
        raise SetUpError(f"{folder} is there and holds something else; name a folder that is new")
    if folder.resolve().is_relative_to(stick.resolve()):
        raise SetUpError(f"{folder} lies on the stick itself; name a folder outside of {stick}")
    print(f"Copying the course to {folder}", flush=True)
    (folder / COURSE).mkdir(parents=True, exist_ok=True)
    (folder / COURSE / COPIED).touch()  # first: by it a stopped copy is known again
    kept = 0
    for top in (COURSE, STUDENTS, README):
        place = stick / top
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            name = path.relative_to(stick)
            copy = folder / name
            if not path.is_file() or "__pycache__" in name.parts:
                continue
            if copy.exists() and name.as_posix().startswith(WORKED_IN):
                kept += copy.read_bytes() != path.read_bytes()
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)  # without its mode: what comes from a read-only place can be written
    if kept:
        print(f"{kept} notebook{' is' if kept == 1 else 's are'} there already and stay as they are")


def require_writable(folder: Path) -> None:
    """Raise an error where no environment can be made: on a read-only stick, or one that knows no links."""
    try:
        with tempfile.TemporaryDirectory(prefix=".try-", dir=folder) as place:
            if os.name != "nt":
                Path(place, "link").symlink_to("nothing")  # as an environment has, but for Windows
    except OSError as error:
        if FULL.search(str(error)):
            raise
        raise SetUpError(
            f"{folder} cannot hold an environment ({error.strerror}); "
            f"copy the course elsewhere first: python {SCRIPT} --to FOLDER"
        ) from None


def set_up(stick: Path, folder: Path, wanted: Path) -> None:
    """Make `folder`/.venv what the list asks for, unless it is that already."""
    venv = folder / ".venv"
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    text = f"{sys.version}\n{folder}\n{wanted.read_text(encoding='utf-8')}"
    stamp, mark = venv / STAMP, hashlib.sha256(text.encode()).hexdigest()
    if python.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == mark:
        return
    if venv.exists() and not stamp.is_file() and any(venv.iterdir()):
        raise SetUpError(f"{venv} is there and was not made by {SCRIPT}; move it away")
    print(f"Making {venv} (a minute or two)", flush=True)
    venv.mkdir(exist_ok=True)
    stamp.write_text("unfinished\n", encoding="utf-8")  # first, as by it a stopped set-up is known again
    for path in venv.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != stamp:
            path.unlink()
    base = getattr(sys, "_base_executable", sys.executable)  # not the Python that may be replaced
    run([base, "-I", "-m", "venv", str(venv)], folder, "no environment could be made")
    install = [str(python), "-I", "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input"]
    install += ["--no-cache-dir", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-index"]
    install += ["--find-links", str(stick / WHEELS), "--require-hashes", "-r", str(wanted)]
    run(install, folder, "the packages could not be installed")
    make_importable(venv, folder / COURSE)
    trial = "import helpers.check, course.project"
    run([str(python), "-I", "-c", trial], folder, "what was installed does not run")
    stamp.write_text(mark, encoding="utf-8")
    (folder / LOG).unlink(missing_ok=True)


def make_importable(venv: Path, course: Path) -> None:
    """Tell an environment where the course lies: by a path from there, which is right for any folder's name."""
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))
    (packages / "course-stick.pth").write_text(f"{os.path.relpath(course, packages)}\n", encoding="utf-8")


def run(command: list[str], folder: Path, failure: str) -> None:
    """Run a command; if it fails, say why in one line, and keep what it printed.

    Raises
    ------
    SetUpError
        If it fails.
    """
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}  # a machine's settings may name an index
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode:
        said = done.stdout + done.stderr
        why = explain(said, folder)
        if not why:
            (folder / LOG).write_text(said, encoding="utf-8")
            why = f"{failure}; what went wrong stands in {folder / LOG}"
        raise SetUpError(why)


def explain(said: str, folder: Path) -> str:
    """Return in one line what went wrong and what to do, from what a command printed; nothing if it is not known."""
    missing = re.search(r"No matching distribution found for ([^\s;]+)", said)
    if FULL.search(said):
        return f"the disk of {folder} is full; make room (the course takes about 1 GB), and try again"
    if "ensurepip" in said:
        return "this Python lacks ensurepip (Debian: the package python3-venv); install it, or take another Python"
    if "DO NOT MATCH THE HASHES" in said:
        return f"a file in {WHEELS}/ is damaged; copy the stick again"
    if missing:
        return (
            f"no file in {WHEELS}/ fits {missing[1]} and this machine: the copy is not whole, or the system is older "
            "than the package asks for"
        )
    if "Long Path" in said:
        return f"{folder} is too long a path for Windows; take a shorter one: python {SCRIPT} --to C:\\segmentation"
    return ""


def in_words(error: OSError) -> str:
    """Return in one line what the system refused."""
    where = f"{error.filename}: " if error.filename else ""
    what = "make room, and try again" if FULL.search(str(error)) else "or take another folder: --to FOLDER"
    return f"{where}{error.strerror or error}; {what}"


def how_to_open(folder: Path) -> str:
    """Return the lines to type that open the notebooks."""
    what = STUDENTS if (folder / STUDENTS).is_dir() else f"{COURSE}/notebooks"
    windows = os.name == "nt"
    jupyter = ".venv\\Scripts\\jupyter" if windows else ".venv/bin/jupyter"
    # `pushd` changes the drive, too, in both of Windows' shells.
    go = "" if Path.cwd() == folder else f'    {"pushd" if windows else "cd"} "{folder}"\n'
    return f"{go}    {jupyter} lab {what}"


def command_of(python: str) -> str:
    """Return how one starts this version of Python here."""
    return f"py -{python}" if os.name == "nt" else f"python{python}"


def in_turn(words: list[str]) -> str:
    """Return words as a list in prose."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


if __name__ == "__main__":
    sys.exit(main())
