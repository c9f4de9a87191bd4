"""Open the file of a picture as what it is, not as what its name says, or say in one line why it is not read.

Steps: refuse what is no file; let Pillow open a PNG or JPEG of 8 bits, and rasterio all else; judge the picture by
the head of its file; list the other pictures that a TIFF holds.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rasterio
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

CACHE = 64  # megabytes that GDAL may keep; left alone, it takes a twentieth of the machine's memory
KINDS = "a PNG, JPEG or TIFF picture"
# How files begin that rasterio reads, and the name of what reads them.
BEGINNINGS = {
    b"II*\0": "GTiff", b"MM\0*": "GTiff", b"II+\0": "GTiff", b"MM\0+": "GTiff", b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG", b"\0\0\0\x0cjP  ": "JP2OpenJPEG", b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}  # fmt: skip
# Numbers of tags in a TIFF, and what they hold for colors that are not read, and for raw photos.
WIDTH, HEIGHT, COLORS, ORIENTATION, INNER, DNG = 256, 257, 262, 274, 330, 50706
LAB, RAW = {8, 9, 10}, {32803, 34892}

PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY  # photo editors write megabytes of text


class UnsuitableError(ValueError):
    """A picture that is whole, but that is not read here."""


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open a picture with Pillow or as a dataset of rasterio; errors here and in the block become one line.

    Raises
    ------
    ValueError
        What is wrong with the file, after its path.
    """
    shown = str(path) if str(path).isprintable() else repr(str(path))
    try:
        # A picture need not lie on a map, a tag may be damaged, and our limit of pixels is stricter than Pillow's.
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")
            yield _open(_file(path), stack)
    except UnsuitableError as error:
        raise ValueError(f"{shown}: {error}") from None
    except (RasterioError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise ValueError(f"{shown}: the picture cannot be read: {_reason(error)}") from None


def check_head(source: Any, max_pixels: int) -> None:
    """Raise an error for an opened picture that is too large or of a kind that is not read."""
    width, height = source.width, source.height
    if width * height > max_pixels:
        part = math.floor(100 * math.sqrt(max_pixels / (width * height)))
        raise UnsuitableError(
            f"{width:,} × {height:,} pixels are more than {max_pixels:,}; make it smaller "
            f"(gdal_translate -outsize {part}% {part}% does), or cut a part out"
        )
    if isinstance(source, Image.Image):
        if source.format == "PNG" and getattr(source, "is_animated", False):
            raise UnsuitableError("an animation; save one picture of it as PNG")
        return
    if any("complex" in kind for kind in source.dtypes):
        raise UnsuitableError("its values are complex numbers; save their magnitudes as float32")
    if any(tags.get(COLORS) in LAB for tags in tiff_tags(source)[:1]):
        raise UnsuitableError("its colors are stored as CIE Lab; save it as RGB")
    if source.colorinterp[0] == ColorInterp.cyan:
        raise UnsuitableError("its colors are stored as inks (CMYK) of more than 8 bits; save it as RGB")


def other_pages(source: Any) -> str:
    """Return what to say of a file that holds more than the picture that is read, else an empty text."""
    if isinstance(source, Image.Image):
        count, inside = getattr(source, "n_frames", 1), []
    else:
        count, inside = len(source.subdatasets), tiff_tags(source)
    said = f"page 1 of {count} is read" if count > 1 else ""
    sizes = [(tags.get(WIDTH, 0), tags.get(HEIGHT, 0)) for tags in inside]
    width, height = max(sizes, key=math.prod, default=(0, 0))
    size = f"{source.width:,} × {source.height:,} pixels"
    if any(DNG in tags or tags.get(COLORS) in RAW for tags in inside):
        said = f"a raw photo, of which only a preview of {size} is read; develop it into a JPEG or PNG"
    elif width * height > source.width * source.height:
        said = f"{said or 'the first picture is read'}, {size}; a larger one in the file, {width:,} × {height:,}, is not"
    return said


def tiff_tags(dataset: Any) -> list[dict[int, Any]]:
    """Return some tags of each picture in a TIFF, of pages and of what they contain, as far as they are sound."""
    found: list[dict[int, Any]] = []
    if dataset.driver != "GTiff":
        return found
    damage = (OSError, SyntaxError, ValueError, TypeError, struct.error)
    with contextlib.suppress(*damage), Path(dataset.name).open("rb") as file:
        head = file.read(8)
        head += file.read(8) if 43 in head[2:4] else b""  # of a BigTIFF
        waiting, seen = [ImageFileDirectory_v2(head).next], {0}
        while waiting and len(found) < 1000:
            start = waiting.pop(0)
            if start not in seen:
                seen.add(start)
                file.seek(start)
                tags = ImageFileDirectory_v2(head)
                tags.load(file)
                found.append({t: tags[t] for t in (WIDTH, HEIGHT, COLORS, ORIENTATION, DNG) if t in tags})
                waiting += [tags.next, *tags.get(INNER, ())]
    return found


def _file(path: str | Path) -> Path:
    """Return the place of a file, or raise an error if there is none; a device or a pipe might never end."""
    place = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 -- which leaves the name of a stranger as it is
    if place.is_file():
        return place
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise UnsuitableError("addresses are not read: download the picture and give its path")
    what = "a link that leads to no file" if place.is_symlink() else "there is no such file"
    if place.exists():
        what = "a folder, not a picture" if place.is_dir() else "not a file"
    raise UnsuitableError(f"{what}; give the path of {KINDS}")


def _open(place: Path, stack: contextlib.ExitStack) -> Any:
    """Return a PNG or JPEG of 8 bits as Pillow opens it, and all else as a dataset of rasterio."""
    # Of a picture that is too large for Pillow, rasterio has the size, too.
    with contextlib.suppress(UnidentifiedImageError, Image.DecompressionBombError):
        picture = stack.enter_context(Image.open(place, formats=["PNG", "JPEG"]))
        # Pillow opens some pictures of 16 bits per channel as if they had 8.
        if not picture.mode.startswith(("I", "F")) and ";16" not in str(getattr(picture, "tile", "")):
            return picture
    with place.open("rb") as file:
        begin = file.read(12)
    driver = next((kind for start, kind in BEGINNINGS.items() if begin.startswith(start)), None)
    if driver is None:
        raise UnsuitableError(
            f"this is not {KINDS}" + ("; save it as one" if begin else ": the file is empty")
        )
    stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE))
    return stack.enter_context(rasterio.open(place, driver=driver))


def _reason(error: Exception) -> str:
    """Return why a file could not be read; libraries see the end of a file as many kinds of damage."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeError):
        return "its name is not text in UTF-8; rename it"
    words = " ".join(f"{error} {error.__cause__ or ''}".split())
    if re.search("truncated|unpack_from|Read Error", words, re.IGNORECASE):
        return "the file ends too early; copy or download it again"
    if re.search("text chunk|MAX_TEXT", words, re.IGNORECASE):
        return "its text is too long; save it anew without metadata"
    return f"it is damaged, or the file ends too early; copy or download it again ({words})"
