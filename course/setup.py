"""Make the folder of packages, `.venv`, from `requirements.lock`: ``python -m course setup``.

Steps: look at the Python; stop if what the lock asks for is there; make a new environment; install what
builds packages, then all that the lock names, each checked against its hash, then this project; write that
into the stamp. An environment whose stamp says something else is made anew; one without a stamp is not ours.

Only the standard library is used, as nothing else is there yet.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOWEST, HIGHEST = (3, 11), (3, 13)
BUILD_TOOLS = ("packaging", "setuptools", "wheel")  # what builds `noise` and this project
STAMP = "course-setup"  # in the environment: which lock and Python it is of
UNFINISHED = "unfinished\n"  # what the stamp says until all is installed
NO_COMPILER = (
    "the package noise is compiled on this machine and needs a C compiler and Python's headers "
    "(Debian: apt-get install gcc python3-dev; macOS: xcode-select --install; Windows: the Visual C++ build tools)"
)


class SetupError(Exception):
    """What stops the set-up, in one line."""


def main(arguments: list[str] | None = None) -> int:
    """Set up the environment and return the exit code; ``--newest`` takes no notice of the lock."""
    newest = "--newest" in (arguments or [])
    unknown = [word for word in arguments or [] if word != "--newest"]
    try:
        if unknown:
            raise SetupError(f"unknown argument {unknown[0]}; setup takes --newest, or nothing")
        folder = os.environ.get("COURSE_VENV") or ROOT / (".venv-newest" if newest else ".venv")
        (set_up_newest if newest else set_up)(ROOT, Path(folder).absolute())
    except (SetupError, OSError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("course: the set-up was stopped; the next one begins anew", file=sys.stderr)
        return 130
    return 0


def set_up(root: Path, venv: Path) -> bool:
    """Make `venv` what the lock of `root` asks for.

    Returns
    -------
    bool
        False if it was so already.

    Raises
    ------
    SetupError
        If this Python does not fit, or a step fails.
    """
    check_python(sys.version_info[:2])
    stamp, wanted = venv / STAMP, fingerprint(root)
    python = python_of(venv)
    if python.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    make_environment(venv)
    lock = root / "requirements.lock"
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        tools = Path(folder) / "build-tools.txt"
        tools.write_text(cut(lock.read_text(encoding="utf-8"), BUILD_TOOLS), encoding="utf-8")
        pip = install_with(python)
        hashed = [*pip, "--require-hashes", "--no-build-isolation", "-r"]
        run([*hashed, str(tools)], "the build tools could not be installed")
        run([*hashed, str(lock)], "the packages could not be installed")
        run([*pip, "--no-deps", "--no-build-isolation", "-e", str(root)], "the course could not be installed")
    stamp.write_text(wanted, encoding="utf-8")
    print("The packages are installed", flush=True)
    return True


def set_up_newest(root: Path, venv: Path) -> None:
    """Make `venv` anew with the newest packages that `pyproject.toml` allows, whatever the lock says.

    Raises
    ------
    SetupError
        If this Python does not fit, or a step fails.
    """
    check_python(sys.version_info[:2])
    make_environment(venv)
    packages = [*install_with(python_of(venv)), "-e", f"{root}[test]"]
    run(packages, "the newest packages could not be installed")
    print("The newest packages are installed", flush=True)


def make_environment(venv: Path) -> None:
    """Make an empty environment in place of the one that this course may have made there."""
    stamp = venv / STAMP
    if venv.exists() and (not venv.is_dir() or (any(venv.iterdir()) and not stamp.is_file())):
        raise SetupError(
            f"{venv} is there and was not made by this course; move it away, or name another folder "
            "with COURSE_VENV (with make: make VENV=FOLDER ...; VENV=none takes the active Python as it is)"
        )
    print(f"Making {venv} (some minutes the first time)", flush=True)
    venv.mkdir(parents=True, exist_ok=True)
    stamp.write_text(UNFINISHED, encoding="utf-8")  # first, as by it a stopped set-up is known again
    for path in venv.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != stamp:
            path.unlink()
    base = getattr(sys, "_base_executable", sys.executable)  # not the Python that is about to be replaced
    run([base, "-m", "venv", str(venv)], "no environment could be made")


def install_with(python: Path) -> list[str]:
    """Return the words of a command that installs packages for this Python."""
    return [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]


def check_python(version: tuple[int, ...]) -> None:
    """Refuse a Python that the lock is not made for."""
    if not LOWEST <= version <= HIGHEST:
        raise SetupError(
            f"this is Python {version[0]}.{version[1]}; the course needs {LOWEST[0]}.{LOWEST[1]} "
            f"to {HIGHEST[0]}.{HIGHEST[1]} (with make: make PYTHON=python{HIGHEST[0]}.{HIGHEST[1]} ...)"
        )


def python_of(venv: Path) -> Path:
    """Return where an environment's Python lies."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(root: Path) -> str:
    """Return what changes when the environment must be made anew."""
    import tomllib  # not there before Python 3.11, which is refused by then

    about = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tables = [about["build-system"], about["project"], about.get("tool", {}).get("setuptools")]
    # The folder counts: an environment that was moved along with it no longer finds its own files.
    text = f"{sys.version}\n{root}\n{tables}\n{(root / 'requirements.lock').read_text(encoding='utf-8')}"
    return hashlib.sha256(text.encode()).hexdigest()


def cut(lock: str, names: tuple[str, ...]) -> str:
    """Return the entries of these packages out of a lock, with their hashes."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    return "".join(entry for entry in entries if re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0] in names)


def run(command: list[str], failure: str) -> None:
    """Run a command; only if it fails, show what it printed and say what failed."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    print(said.rstrip(), file=sys.stderr)
    compiling = re.search(r"(?i)noise", said) and re.search(
        r"(?i)gcc|clang|\bcc\b|Visual C\+\+|Python\.h", said
    )
    if "ensurepip" in said:
        failure += "; this Python lacks ensurepip (Debian: apt-get install python3-venv)"
    raise SetupError(f"set-up failed: {NO_COMPILER if compiling else failure}; what went wrong stands above")
