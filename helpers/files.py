"""Find the course's data and exercises: beside this package in a checkout, inside it where a wheel was installed.

Steps: look into the package, where pyproject.toml puts these folders when a wheel is built; else stay in the checkout.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def locate(path: Path) -> Path:
    """Return where a file or folder of the course lies.

    Parameters
    ----------
    path : Path
        Its place in a checkout: a path in the folder that holds this package. Any other path is returned as it is.
    """
    if not path.is_relative_to(PACKAGE.parent):
        return path
    folder, *names = path.relative_to(PACKAGE.parent).parts or ("",)
    inside = PACKAGE.joinpath(f"_{folder}", *names)
    return inside if inside.exists() else path
