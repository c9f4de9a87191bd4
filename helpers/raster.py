"""Read a picture of one's own with all that its file says: colors, missing pixels, pixel size, origin.

Steps: take three bands for red, green and blue; put values of more than 8 bits into bins; mask what holds no data; turn
the picture upright, or north up; note the pixel's area and what is said of date and license. `picture_file` opens the file.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from helpers import files
from helpers.picture_file import ORIENTATION, UnsuitableError, check_head, opened, other_pages, tiff_tags

# data/README.md says where it is from
LANDSAT = files.locate(Path(__file__).resolve().parents[1] / "data" / "landsat_rgb.tif")
MAX_PIXELS = 125_000_000  # a whole Sentinel-2 tile, 10,980 × 10,980, and a little more
CHECKED_WHOLE = 64_000_000  # pixels that `check` reads, in seconds; the chapters take minutes for as many
STRIP = 2**21  # pixels read at once
SAMPLE = 2**22  # values that the ends of the bins are chosen by
TAIL = 0.001  # share of the values at each end that may share a bin with the next
HUGE = 1e30  # missing, as NaN and inf are: programs write their largest numbers for it
# What else programs write for missing values, often without declaring it as the no-data value.
FILLS = (65_535, -9_999, -32_768, -99_999, -(2**31), 2**31 - 1, 2**32 - 1)
EARTH_RADIUS = 6371.0072  # kilometers: a sphere with the area of the Earth
NOT_STATED = "not stated"
# Red, green and blue, as descriptions of bands have them, and their wavelengths in nanometers. Sentinel-2 and the
# harmonized Landsat files write B04, B03, B02; B4 alone is another color on another satellite.
COLORS = {"red": ("b04", 665), "green": ("b03", 560), "blue": ("b02", 485)}
NEAR = 30  # nanometers that a center may lie from these
NOT_RED = {"edge", "infrared", "infra", "near"}  # in names of bands beyond red
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
# What a file may say of itself, and under which names: of TIFF, of PNG, and of cameras.
SAID = {
    "date": ("TIFFTAG_DATETIME", "ACQUISITIONDATETIME", "Creation Time", "DateTimeOriginal", "DateTime"),
    "source": ("TIFFTAG_ARTIST", "TIFFTAG_IMAGEDESCRIPTION", "Source", "Author", "Artist", "ImageDescription"),
    "license": ("TIFFTAG_COPYRIGHT", "Copyright", "License"),
}  # fmt: skip


@dataclass(frozen=True)
class Raster:
    """A picture as its file gives it."""

    image: NDArray[
        np.uint8
    ]  # (h, w, 3): red, green, blue; values of more than 8 bits are in bins, as `about` says
    mask: NDArray[
        np.bool_
    ]  # (h, w), True where the file holds no data: its no-data value, NaN, or full transparency
    row_area: (
        NDArray[np.float64] | None
    )  # (h,), square kilometers of a pixel in each row, if the file says them
    # Format, size, bands, values, no data, coordinates, pixel size, date, source, license; `NOT_STATED` where the file says
    # nothing; pages, if there is more than one picture in it.
    about: dict[str, str]
    crs: Any = None  # rasterio's coordinate system of `image`, if the file has one
    transform: Any = None  # the geotransform of `image`, an affine.Affine, if the file has one


def head(path: str | Path = LANDSAT, max_pixels: int = MAX_PIXELS) -> tuple[int, int, list[str]]:
    """Return the width and the height of the picture in a file, and what its bands are called; errors as in `read`."""
    with opened(path) as source:
        check_head(source, max_pixels)
        return source.width, source.height, _names(source)


def read(
    path: str | Path = LANDSAT, max_pixels: int = MAX_PIXELS, bands: Sequence[int | str] | None = None
) -> Raster:
    """Return the picture in a PNG, JPEG, TIFF or GeoTIFF file, and what the file says of it.

    Parameters
    ----------
    path : str or Path
        By default the Landsat picture of the Bahamas that comes with the course. ``~`` is the home folder.
    max_pixels : int
        A larger picture is refused before it is read.
    bands : sequence of three int or str, optional
        The bands shown as red, green and blue: numbers from 1, or names as `head` returns them.

    Raises
    ------
    ValueError
        In one line: the file is missing, no such picture, damaged, too large, or of another type of values.
    """
    with opened(path) as source:
        return _read(source, max_pixels, bands)


def check(path: str | Path, max_pixels: int = MAX_PIXELS) -> str:
    """Raise the error that `read` would, or one if there is nothing to cluster; return what to say of other pages.

    A picture of more than `CHECKED_WHOLE` pixels is judged by the head of its file alone.
    """
    with opened(path) as source:
        check_head(source, max_pixels)
        if source.width * source.height <= CHECKED_WHOLE:
            _check_colors(_read(source, max_pixels, None))
        return other_pages(source)


def _read(source: Any, max_pixels: int, wanted: Sequence[int | str] | None) -> Raster:
    """Return an opened picture, and say so if its file holds others."""
    check_head(source, max_pixels)
    bands = None if wanted is None else _numbers(_names(source), wanted)
    found = (_read_picture if isinstance(source, Image.Image) else _read_dataset)(source, bands)
    pages = other_pages(source)
    return replace(found, about=found.about | {"pages": pages}) if pages else found


def _names(source: Any) -> list[str]:
    """Return what the bands of an opened picture are called: as the file describes them, else by their colors."""
    if isinstance(source, Image.Image):
        return list(COLORS)
    means = [color.name for color in source.colorinterp]
    return [name or mean for name, mean in zip(source.descriptions, means, strict=True)]


def _numbers(names: list[str], wanted: Sequence[int | str]) -> list[int]:
    """Return the numbers, from 1, of three bands that are given by number or by name."""
    places = {name.lower(): number for number, name in reversed(list(enumerate(names, 1)))}
    bands = [places.get(band.lower(), 0) if isinstance(band, str) else band for band in wanted]
    if len(bands) != 3 or not all(band in range(1, len(names) + 1) for band in bands):
        named = ", ".join(names[:20])
        raise UnsuitableError(
            f"bands = {tuple(wanted)}: must be three numbers from 1 to {len(names)}, or three of the names {named}"
        )
    return bands


def _check_colors(found: Raster) -> None:
    """Raise an error for a picture without two colors."""
    if found.mask.all():
        raise UnsuitableError("no pixel holds data: there is nothing to cluster")
    first = found.image[np.unravel_index(found.mask.argmin(), found.mask.shape)]
    rows = zip(found.image, found.mask, strict=True)  # of most pictures the first is enough
    if not any(((colors != first).any(axis=1) & ~gone).any() for colors, gone in rows):
        raise UnsuitableError("the picture has a single color: there is nothing to cluster")


def _read_picture(picture: Image.Image, bands: Sequence[int] | None) -> Raster:
    """Return an 8-bit PNG or JPEG, upright, with transparency laid over white."""
    count, kind = len(picture.getbands()), f"{picture.format}, {picture.mode}"
    said = {str(name): value for name, value in picture.info.items()}
    exif = picture.getexif()
    for tags in (exif, exif.get_ifd(ExifTags.IFD.Exif)):
        said.update({ExifTags.TAGS.get(tag, str(tag)): value for tag, value in tags.items()})
    rgba = ImageOps.exif_transpose(picture).convert("RGBA")
    mask = np.asarray(rgba.getchannel("A")) == 0
    white = Image.new("RGBA", rgba.size, "white")
    image = np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    chosen = f"{count}"
    if bands is not None:
        image = image[..., np.subtract(bands, 1)]
        chosen += f"; {', '.join(map(str, bands))} taken for red, green, blue, as asked"
    return Raster(image, mask, None, _about(kind, image.shape, chosen, "8 bit, as they are", mask, said))


def _read_dataset(dataset: Any, wanted: Sequence[int] | None) -> Raster:
    """Return three bands of a TIFF, in strips, so that it takes little more memory than the result."""
    bands, chosen, false_alpha = _bands(dataset, wanted)
    image = np.empty((dataset.height, dataset.width, 3), dtype=np.uint8)
    mask = np.empty(image.shape[:2], dtype=bool)
    structure = dataset.tags(ns="IMAGE_STRUCTURE") | dataset.tags(bands[0], ns="IMAGE_STRUCTURE")
    kind = np.result_type(*dataset.dtypes)
    bits, white_is_zero = int(structure.get("NBITS", 8 * kind.itemsize)), "MINISWHITE" in structure
    low, width, fills, values = 0.0, 1.0, list[int](), f"{bits} bit, as they are"
    palette = None
    if bands == [1]:  # red, green, blue, alpha of each value; those that the file leaves out are transparent
        palette = np.zeros((2**16, 4), dtype=np.uint8)
        palette[list(dataset.colormap(1))] = list(dataset.colormap(1).values())
        values = f"{bits} bit, the colors of the palette"
    elif kind != np.uint8:
        low, width, fills, values = _bins(dataset, bands, false_alpha)
    elif bits < 8:
        values = f"{bits} bit, spread over 0 to 255"
    for rows, part, gone in _strips(dataset, bands, false_alpha, fills):
        mask[rows] = gone
        if palette is not None:
            mask[rows] |= palette[part[0], 3] == 0
            part = np.moveaxis(palette[part[0], :3], -1, 0)
        elif kind != np.uint8:
            part = part.astype(np.result_type(kind, np.float32))  # which is exact for 16 bits
            part = np.clip(np.where(gone, 0, (part - low) / width), 0, 255)
        elif bits < 8:
            part = part.astype(np.uint16) * 255 // (2**bits - 1)
        image[rows] = np.moveaxis(part, 0, -1)
    if white_is_zero:
        image, values = np.subtract(255, image, out=image), f"{values}; turned round, since zero is white"
    image, mask, row_area, place, turned = _upright(dataset, image, mask)
    about = _about(dataset.driver, image.shape, chosen, values, mask, dataset.tags())
    if fills:
        listed = ", ".join(map(_number, fills))
        about["no data"] += f"; {listed}, far from all other values, taken for no data"
    if dataset.crs:
        about["coordinates"] = dataset.crs.to_string()
        if len(about["coordinates"]) > len("EPSG:000000"):
            about["coordinates"] = "a system of its own"
    if row_area is not None:
        unit = "degrees" if dataset.crs.is_geographic else dataset.crs.linear_units.replace("metre", "meters")
        across, down = map(abs, dataset.res)  # negative where the file begins in the south
        about["pixel size"] = f"{across:,.6g} × {down:,.6g} {unit}"
    about["size"] += turned
    transform = place if place and not place.is_identity else None
    return Raster(image, mask, row_area, about, dataset.crs, transform)


def _bands(dataset: Any, wanted: Sequence[int] | None) -> tuple[list[int], str, int | None]:
    """Return the bands taken for red, green and blue, or one with a palette; in words, how; and a false alpha band."""
    means, count = list(dataset.colorinterp), dataset.count
    alpha = means.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in means else None
    false_alpha = alpha if alpha and _holds_values(dataset, alpha) else None
    of_color = [i for i in range(1, count + 1) if i != alpha or false_alpha] or [1]
    described, tagged = _described(dataset), [means.index(color) + 1 for color in RGB if color in means]
    if wanted is not None:
        bands, how = list(wanted), "{} taken for red, green, blue, as asked"
    elif means[0] == ColorInterp.palette and "MINISWHITE" not in dataset.tags(ns="IMAGE_STRUCTURE"):
        return [1], "1, with a palette", None
    elif len(described) == 3:
        bands, how = described, "red, green, blue are {}, as the file describes them"
    elif len(tagged) == 3:
        bands, how = tagged, "red, green, blue are {}"
    elif len(of_color) < 3:
        bands, how = of_color[:1] * 3, f"band {of_color[0]} taken as gray"
    else:
        bands, how = of_color[:3], "{} taken for red, green, blue, since the file names none"
    said = f"{count}; {how.format(', '.join(map(str, bands)))}"
    if false_alpha:
        said += f"; {alpha} is called alpha, but holds values, and is not taken for transparency"
    return bands, said, false_alpha


def _described(dataset: Any) -> list[int]:
    """Return the bands whose description, or else whose wavelength, is red, green and blue; fewer where some lack."""
    names = [(name or "").lower().strip() for name in dataset.descriptions]
    waves = np.array([_wavelength(dataset, band) for band in range(1, dataset.count + 1)])
    found = []
    for color, (number, wave) in COLORS.items():
        for i, name in enumerate(names):
            words = set(re.split(r"[^a-z0-9]+", name))
            if name == color[0] or number in words or (color in words and not words & NOT_RED):
                found.append(i + 1)
                break
        else:
            away = np.abs(waves - wave)
            found += [int(away.argmin()) + 1] if away.min() < NEAR else []
    return found


def _wavelength(dataset: Any, band: int) -> float:
    """Return a band's central wavelength in nanometers, or infinity where the file does not say."""
    tags = dataset.tags(band) | dataset.tags(band, ns="IMAGERY")
    said = {name.lower(): text for name, text in tags.items()}
    with contextlib.suppress(ValueError, KeyError):
        described = re.search(r"([0-9]+) ?nm", dataset.descriptions[band - 1] or "")
        wave = float(described[1] if described else said.get("central_wavelength_um") or said["wavelength"])
        return wave * 1000 if wave < 100 else wave  # micrometers
    return math.inf


def _holds_values(dataset: Any, alpha: int) -> bool:
    """Return True if a band is no transparency: most of its pixels are neither 0 nor all of one other value."""
    shape = min(dataset.height, 512), min(dataset.width, 512)
    values, counts = np.unique(dataset.read(alpha, out_shape=shape), return_counts=True)
    return bool(counts[values != 0].sum() - counts[values != 0].max(initial=0) > counts.sum() / 2)


def _bins(dataset: Any, bands: list[int], false_alpha: int | None) -> tuple[float, float, list[int], str]:
    """Return the lowest value and the width of 256 bins, values that stand for no data, and all of it in words.

    One scale serves all three bands: distances between colors keep their proportions.
    """
    stride = 3 * dataset.width * dataset.height // SAMPLE | 1
    least, most, whole, fills, samples = math.inf, -math.inf, True, set[float](), [np.empty(0)]
    for _, part, gone in _strips(dataset, bands, false_alpha):
        values = part[:, ~gone]
        samples.append(values[:, ::stride].ravel())
        is_fill = np.isin(values, FILLS)
        if is_fill.any():
            fills |= set(np.unique(values[is_fill]).tolist())
            values = values[~is_fill]
        if values.size:
            least, most = min(least, values.min().item()), max(most, values.max().item())
            whole = whole and (values.dtype.kind in "iu" or bool((values == np.rint(values)).all()))
    apart = [int(v) for v in sorted(fills) if min(abs(v - least), abs(v - most)) > most - least > 0]
    least, most = min({least, *fills} - {*apart}), max({most, *fills} - {*apart})
    sample = np.concatenate(samples)
    sample = sample[~np.isin(sample, apart)]
    bits = f"{8 * np.dtype(dataset.dtypes[bands[0] - 1]).itemsize} bit"
    if not len(sample):
        return 0, 1, apart, f"{bits}, none of them valid"
    held = f"{bits}, from {_number(least)} to {_number(most)}"
    if whole and least >= 0 and most < 256:
        return 0, 1, apart, f"{held}, as they are"
    low, high = least, most
    if most - least >= 256 or not whole:
        low, high = np.quantile(sample, [TAIL, 1 - TAIL], method="inverted_cdf").tolist()
    width = math.ceil((high - low + 1) / 256) if whole else (high - low) / 256 * (1 + 1e-6) or 1.0
    beyond = np.mean((sample < low) | (sample >= low + 256 * width))
    if width == 1 and not beyond:
        return low, 1, apart, f"{held}, counted from {_number(low)}"
    return low, width, apart, (
        f"{held}; in bins of {_number(width)}{' values' if whole else ''} from {_number(low)} up, 256 at most, the same for all bands; "
        f"{beyond:.2%} lie beyond and count into the first or the last bin"
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.4g}"


def _strips(
    dataset: Any, bands: list[int], false_alpha: int | None, fills: Sequence[int] = ()
) -> Iterator[tuple[slice, NDArray[Any], NDArray[np.bool_]]]:
    """Yield strips of whole blocks: their rows, the values of the bands, and True where a pixel holds no data.

    A pixel of 8 bits is missing where all its bands have the no-data value, which may be an ordinary one; else
    where one of them has.
    """
    block = dataset.block_shapes[0][0]
    step = max(1, STRIP // (dataset.width * block)) * block
    for top in range(0, dataset.height, step):
        window = Window(0, top, dataset.width, min(step, dataset.height - top))
        part = dataset.read(bands, window=window)
        gone = np.zeros(part.shape, dtype=bool)
        if not false_alpha or dataset.nodata is not None:
            gone = dataset.read_masks(bands, window=window) == 0
        if part.dtype.kind == "f":
            gone |= ~(np.abs(part) < HUGE)
        if fills:
            gone |= np.isin(part, fills)
        missing = np.all(gone, axis=0) if part.dtype == np.uint8 else np.any(gone, axis=0)
        yield slice(top, top + window.height), part, missing


def _upright(
    dataset: Any, image: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64] | None, Any, str]:
    """Return picture, mask, areas, geotransform, and in words what was done: north up or, off the map, as the camera was held."""
    place, area = dataset.transform, _row_area(dataset)
    if dataset.crs or not place.is_identity:
        if place.b or place.d:
            return image, mask, area, place, ", rotated: north is not up"
        down, right = -1 if place.e > 0 else 1, -1 if place.a < 0 else 1
        image = np.ascontiguousarray(image[::down, ::right])
        mask = np.ascontiguousarray(mask[::down, ::right])
        turned = ", turned: in the file its north is not up" if min(down, right) < 0 else ""
        corner = dataset.width if right < 0 else 0, dataset.height if down < 0 else 0
        place = place * place.translation(*corner) * place.scale(right, down)
        return image, mask, area if area is None else area[::down], place, turned
    orientation = next(iter(tiff_tags(dataset)), {}).get(ORIENTATION, 1)
    if orientation not in range(2, 9):
        return image, mask, area, None, ""
    pictures = [Image.fromarray(array) for array in (image, mask)]
    for picture in pictures:
        picture.getexif()[ORIENTATION] = orientation
    upright = [np.asarray(ImageOps.exif_transpose(picture)) for picture in pictures]
    return upright[0], upright[1], area, None, ", turned as the camera was held"


def _row_area(dataset: Any) -> NDArray[np.float64] | None:
    """Return the square kilometers of a pixel in each row, or None where the file does not place its pixels.

    Degrees narrow towards the poles, and the map of web pages (EPSG:3857) widens: both are undone by latitude.
    """
    place, crs = dataset.transform, dataset.crs
    if not crs or place.is_identity or not (crs.is_projected or crs.is_geographic):
        return None
    if (crs.is_geographic or crs.to_epsg() == 3857) and (place.b or place.d):
        return None  # rotated: a row has no latitude
    edges = place.f + place.e * np.arange(dataset.height + 1)
    if crs.is_geographic:
        width = math.radians(abs(place.a))
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
