"""Read a picture of one's own with all that its file says: colors, missing pixels, pixel size, origin.

Steps: open the file as what it is, not as what its name says; take three bands for red, green and blue; put
more than 8 bits into bins; mask what holds no data; note the pixel's area and what is said of date and license.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from helpers import files

# data/README.md says where it is from
LANDSAT = files.locate(Path(__file__).resolve().parents[1] / "data" / "landsat_rgb.tif")
MAX_PIXELS = 125_000_000  # a whole Sentinel-2 tile, 10,980 × 10,980, and a little more
STRIP = 2**22  # pixels read at once
CACHE = 64  # megabytes that GDAL may keep; left alone, it takes a twentieth of the machine's memory
TAIL = 0.001  # share of 16-bit values at each end that may share a bin with the next
EARTH_RADIUS = 6371.0072  # kilometers: a sphere with the area of the Earth
NOT_STATED = "not stated"
KINDS = "a PNG, JPEG or TIFF picture"
# How files begin that rasterio reads, and the name of what reads them.
BEGINNINGS = {
    b"II*\0": "GTiff", b"MM\0*": "GTiff", b"II+\0": "GTiff", b"MM\0+": "GTiff",
    b"\x89PNG": "PNG", b"\0\0\0\x0cjP  ": "JP2OpenJPEG",
}  # fmt: skip
# What a file may say of itself, and under which names: of TIFF, of PNG, and of cameras.
SAID = {
    "date": ("TIFFTAG_DATETIME", "ACQUISITIONDATETIME", "Creation Time", "DateTimeOriginal", "DateTime"),
    "source": (
        "TIFFTAG_ARTIST",
        "TIFFTAG_IMAGEDESCRIPTION",
        "Source",
        "Author",
        "Artist",
        "ImageDescription",
    ),
    "license": ("TIFFTAG_COPYRIGHT", "Copyright", "License"),
}


Result = TypeVar("Result")


@dataclass(frozen=True)
class Raster:
    """A picture as its file gives it.

    Attributes
    ----------
    image : ndarray of shape (h, w, 3), uint8
        Red, green, blue; values of more than 8 bits are in bins, as `about` says.
    mask : ndarray of shape (h, w), bool
        True where the file holds no data: its no-data value, or full transparency.
    row_area : ndarray of shape (h,), float64, or None
        Square kilometers that a pixel of each row covers; None where the file does not say.
    about : dict of str
        What the file says of itself: format, size, bands, values, no data, coordinates, pixel size, date,
        source, license; `NOT_STATED` where it says nothing.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    row_area: NDArray[np.float64] | None
    about: dict[str, str]


def read(path: str | Path = LANDSAT, max_pixels: int = MAX_PIXELS) -> Raster:
    """Return the picture in a PNG, JPEG, TIFF or GeoTIFF file, and what the file says of it.

    Parameters
    ----------
    path : str or Path
        8 or 16 bits per channel; gray, color, with a palette, with transparency or a no-data value. By default
        the Landsat picture of the Bahamas that comes with the course.
    max_pixels : int
        A larger picture is refused before it is read.

    Raises
    ------
    ValueError
        In one line: the file is missing, no such picture, damaged, too large, or of another type of values.
    """
    return _opened(
        path,
        lambda picture: _read_picture(picture, max_pixels),
        lambda dataset: _read_dataset(dataset, max_pixels),
    )


def check(path: str | Path, max_pixels: int = MAX_PIXELS) -> None:
    """Raise the error that `read` would, as far as the head of the file shows it."""
    _opened(
        path,
        lambda picture: _check_size(picture.width, picture.height, max_pixels),
        lambda dataset: _check_dataset(dataset, max_pixels),
    )


def _opened(
    path: str | Path, of_picture: Callable[[Image.Image], Result], of_dataset: Callable[[Any], Result]
) -> Result:
    """Open a file as what it is; return what the one or the other function makes of it."""
    if not Path(path).is_file():
        what = "a folder, not a picture" if Path(path).is_dir() else "there is no such file"
        raise ValueError(f"{path}: {what}; give the path of {KINDS}")
    try:
        with warnings.catch_warnings():
            # Our own limit is stricter than Pillow's, and a picture need not lie on a map.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            try:
                with Image.open(path, formats=["PNG", "JPEG"]) as picture:
                    if not _is_deep(picture):
                        return of_picture(picture)
            except UnidentifiedImageError:
                pass
            with Path(path).open("rb") as file:
                driver = next(
                    (kind for begin, kind in BEGINNINGS.items() if file.peek().startswith(begin)), None
                )
            if driver is None:
                raise UnsuitableError(f"this is not {KINDS}")
            with rasterio.Env(GDAL_CACHEMAX=CACHE), rasterio.open(path, driver=driver) as dataset:
                return of_dataset(dataset)
    except UnsuitableError as error:
        raise ValueError(f"{path}: {error}") from None
    except (RasterioError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error.__cause__ or error).replace(str(path), Path(path).name).split())
        raise ValueError(f"{path}: the picture cannot be read: {reason}") from None


class UnsuitableError(ValueError):
    """A picture that is whole, but that is not read here."""


def reduction(shape: tuple[int, ...], most: int = 2_000_000) -> int:
    """Return the smallest step with which a picture of this shape has at most `most` cells of step × step pixels."""
    step = 1
    while math.ceil(shape[0] / step) * math.ceil(shape[1] / step) > most:
        step += 1
    return step


def cell_areas(row_area: NDArray[np.float64], width: int, step: int) -> NDArray[np.float64]:
    """Return the area of each cell of `step` × `step` pixels of a picture that is `width` pixels wide.

    Cells at the right and the lower border may hold fewer pixels.
    """
    columns = np.add.reduceat(np.ones(width), np.arange(0, width, step))
    return np.add.reduceat(row_area, np.arange(0, len(row_area), step))[:, np.newaxis] * columns


def fullest(mask: NDArray[np.bool_], side: int) -> tuple[slice, slice]:
    """Return, of the parts of `side` × `side` pixels that a picture is cut into, the first of those that hold most data."""
    tops, lefts = (np.arange(0, n, side) for n in mask.shape)
    seen = np.add.reduceat(np.add.reduceat(~mask, tops, axis=0, dtype=np.int64), lefts, axis=1)
    row, col = np.unravel_index(seen.argmax(), seen.shape)
    return slice(row * side, (row + 1) * side), slice(col * side, (col + 1) * side)


def _read_picture(picture: Image.Image, max_pixels: int) -> Raster:
    """Return an 8-bit PNG or JPEG, upright, with transparency laid over white."""
    _check_size(picture.width, picture.height, max_pixels)
    bands, kind = len(picture.getbands()), f"{picture.format}, {picture.mode}"
    said = {str(name): value for name, value in picture.info.items()}
    exif = picture.getexif()
    for tags in (exif, exif.get_ifd(ExifTags.IFD.Exif)):
        said.update({ExifTags.TAGS.get(tag, str(tag)): value for tag, value in tags.items()})
    rgba = ImageOps.exif_transpose(picture).convert("RGBA")
    mask = np.asarray(rgba.getchannel("A")) == 0
    white = Image.new("RGBA", rgba.size, "white")
    image = np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    values = "8 bit, as they are"
    return Raster(image, mask, None, _about(kind, image.shape, f"{bands}", values, mask, said))


def _is_deep(picture: Image.Image) -> bool:
    """Tell whether a picture has 16 bits per channel; Pillow opens some of these as if they had 8."""
    deep = any(";16" in str(tile) for tile in getattr(picture, "tile", ()))
    return picture.mode.startswith(("I", "F")) or deep


def _read_dataset(dataset: Any, max_pixels: int) -> Raster:
    """Return three bands of a TIFF, in strips, so that it takes little more memory than the result."""
    _check_dataset(dataset, max_pixels)
    kinds = set(dataset.dtypes)
    bands, chosen = _bands(dataset)
    image = np.empty((dataset.height, dataset.width, 3), dtype=np.uint8)
    mask = np.empty(image.shape[:2], dtype=bool)
    deep = kinds != {"uint8"}
    low, width, values = _bins(dataset, bands) if deep else (0, 1, "8 bit, as they are")
    colors = _palette(dataset) if dataset.colorinterp[0] == ColorInterp.palette else None
    for rows, window in _windows(dataset):
        part = np.moveaxis(dataset.read(bands, window=window), 0, -1)
        mask[rows] = dataset.dataset_mask(window=window) == 0
        if colors is not None:
            mask[rows] |= colors[part[..., 0], 3] == 0
            part = colors[part[..., 0], :3]
        if deep:
            part = np.clip((part.astype(np.int32) - low) // width, 0, 255)
        image[rows] = part
    said = dataset.tags()
    about = _about(dataset.driver, image.shape, chosen, values, mask, said)
    about["coordinates"] = dataset.crs.to_string() if dataset.crs else NOT_STATED
    if dataset.crs and len(about["coordinates"]) > len("EPSG:000000"):
        about["coordinates"] = "a system of its own"
    row_area = _row_area(dataset)
    if row_area is not None:
        unit = "degrees" if dataset.crs.is_geographic else dataset.crs.linear_units.replace("metre", "meters")
        about["pixel size"] = f"{dataset.res[0]:,.6g} × {dataset.res[1]:,.6g} {unit}"
    return Raster(image, mask, row_area, about)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        part = math.floor(100 * math.sqrt(max_pixels / (width * height)))
        raise UnsuitableError(
            f"{width:,} × {height:,} pixels are more than {max_pixels:,}; make it smaller "
            f"(gdal_translate -outsize {part}% {part}% does), or cut a part out"
        )


def _check_dataset(dataset: Any, max_pixels: int) -> None:
    _check_size(dataset.width, dataset.height, max_pixels)
    kinds = set(dataset.dtypes)
    if not kinds <= {"uint8", "uint16", "int16"}:
        how = "rio convert in.tif out.tif --dtype uint16 --scale-ratio 10000"
        raise UnsuitableError(
            f"its values are of type {', '.join(sorted(kinds))}; "
            "whole numbers of 8 or 16 bits are read here, so convert it first"
            + (
                f" (of reflectances from 0 to 1: .venv/bin/{how})"
                if any("float" in kind for kind in kinds)
                else ""
            )
        )


def _bands(dataset: Any) -> tuple[list[int], str]:
    """Return the bands taken for red, green and blue, counted from 1, and how they were chosen."""
    means = list(dataset.colorinterp)
    count = dataset.count
    if means[0] == ColorInterp.palette:
        return [1], "1, with a palette"
    rgb = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if all(color in means for color in rgb):
        bands = [means.index(color) + 1 for color in rgb]
        return bands, f"{count}; red, green, blue are {bands[0]}, {bands[1]}, {bands[2]}"
    of_color = [i for i, meaning in enumerate(means, start=1) if meaning != ColorInterp.alpha]
    if len(of_color) < 3:
        return [of_color[0]] * 3, f"{count}; band {of_color[0]} taken as gray"
    first = ", ".join(map(str, of_color[:3]))
    return of_color[:3], f"{count}; {first} taken for red, green, blue, since the file names none"


def _bins(dataset: Any, bands: list[int]) -> tuple[int, int, str]:
    """Return the lowest value and the width of 256 bins for 16-bit values, and both in words.

    One scale serves all three bands: distances between colors keep their proportions.
    """
    seen, offset = np.zeros(2**16, dtype=np.int64), 2**15 if "int16" in dataset.dtypes else 0
    for _, window in _windows(dataset):
        part = dataset.read(bands, window=window)[:, dataset.dataset_mask(window=window) > 0]
        seen += np.bincount(part.ravel().astype(np.int32) + offset, minlength=len(seen))
    found = np.flatnonzero(seen) - offset
    if not len(found):
        return 0, 1, "16 bit, none of them valid"
    least, most = int(found[0]), int(found[-1])
    held = f"16 bit, from {least:,} to {most:,}"
    if least >= 0 and most < 256:
        return 0, 1, f"{held}, as they are"
    low, high = least, most
    if most - least >= 256:
        share = seen.cumsum() / seen.sum()
        low, high = (int(np.searchsorted(share, part)) - offset for part in (TAIL, 1 - TAIL))
    width = math.ceil((high - low + 1) / 256)
    last = low + 256 * width
    beyond = (seen[: low + offset].sum() + seen[last + offset :].sum()) / seen.sum()
    if width == 1 and not beyond:
        return low, 1, f"{held}, counted from {low:,}"
    return low, width, (
        f"{held}; in bins of {width:,} values from {low:,} up, 256 at most, the same for all bands; "
        f"{beyond:.2%} lie beyond and count into the first or the last bin"
    )  # fmt: skip


def _palette(dataset: Any) -> NDArray[np.uint8]:
    """Return the color of each value of a picture with a palette, (2**16, 4), red, green, blue, alpha."""
    colors = np.zeros((2**16, 4), dtype=np.uint8)
    for value, color in dataset.colormap(1).items():
        colors[value] = color
    return colors


def _windows(dataset: Any) -> list[tuple[slice, Window]]:
    """Return strips of whole blocks, as rows of the picture and as windows of the file."""
    block = dataset.block_shapes[0][0]
    step = max(1, STRIP // (dataset.width * block)) * block
    tops = range(0, dataset.height, step)
    ends = [min(top + step, dataset.height) for top in tops]
    return [(slice(a, b), Window(0, a, dataset.width, b - a)) for a, b in zip(tops, ends, strict=True)]


def _row_area(dataset: Any) -> NDArray[np.float64] | None:
    """Return the square kilometers of a pixel in each row, or None where the file does not place its pixels.

    Degrees narrow towards the poles, and the map of web pages (EPSG:3857) widens: both are undone by latitude.
    """
    place, crs = dataset.transform, dataset.crs
    if not crs or place.is_identity or not (crs.is_projected or crs.is_geographic):
        return None
    edges = place.f + place.e * np.arange(dataset.height + 1)
    if crs.is_geographic:
        width = math.radians(abs(place.a)) if not place.b else math.nan
        area = EARTH_RADIUS**2 * width * np.abs(np.diff(np.sin(np.radians(edges))))
        return area if np.isfinite(area).all() else None
    area = np.full(dataset.height, abs(place.determinant) * (crs.linear_units_factor[1] / 1000) ** 2)
    if crs.to_epsg() == 3857:
        middle = (edges[1:] + edges[:-1]) / 2
        area /= np.cosh(middle / 6378137) ** 2
    return area


def _about(
    kind: str, shape: tuple[int, ...], bands: str, values: str, mask: NDArray[np.bool_], said: dict[str, Any]
) -> dict[str, str]:
    """Return what is known of a picture, in the order in which it is shown."""
    return {
        "format": kind,
        "size": f"{shape[1]:,} × {shape[0]:,} pixels",
        "bands": bands,
        "values": values,
        "no data": f"{mask.mean():.1%} of the pixels" if mask.any() else "none",
        "coordinates": NOT_STATED,
        "pixel size": NOT_STATED,
        **{what: _said(said, names) for what, names in SAID.items()},
    }


def _said(said: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of some entries that a file has, as one short line without markup."""
    for name in names:
        value = said.get(name)
        text = " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
        text = "".join(c for c in text if c.isprintable() and c not in "`|<>{}[]*_$\\#@")
        if text:
            return text if len(text) <= 100 else text[:99] + "…"
    return NOT_STATED
