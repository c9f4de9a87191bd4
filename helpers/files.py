"""Find the course's data and exercises: beside this package in a checkout, inside it where a wheel was installed."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def locate(path: Path) -> Path:
    """Return where a path of the checkout lies: in the package, where pyproject.toml put it into a wheel, or there."""
    if not path.is_relative_to(PACKAGE.parent):
        return path
    folder, *names = path.relative_to(PACKAGE.parent).parts or ("",)
    inside = PACKAGE.joinpath(f"_{folder}", *names)
    return inside if inside.exists() else path
