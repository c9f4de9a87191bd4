"""Read a picture of one's own with all that its file says: colors, missing pixels, pixel size, origin."""

import contextlib
import math
import os
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base as Tag
from rasterio.enums import ColorInterp

from helpers import files

LANDSAT = files.locate(Path(__file__).resolve().parents[1] / "data" / "landsat_rgb.tif")  # see data/README.md
MAX_PIXELS = 125_000_000  # a whole Sentinel-2 tile, 10,980 × 10,980, and a little more
CHECKED_WHOLE = 64_000_000  # pixels that `check` reads, in seconds; of more, it looks at the head alone
CACHE = 64  # megabytes that GDAL may keep; left alone, it takes a twentieth of the machine's memory
STRIP = 2**21  # pixels read at once
SAMPLE = 2**22  # values that the ends of the bins are chosen by
TAIL = 0.001  # share of the values at each end that may share a bin with the next
HUGE = 1e30  # missing, as NaN and inf are: programs write their largest numbers for it
FILLS = (65_535, -9_999, -32_768, -99_999, -(2**31), 2**31 - 1, 2**32 - 1)  # undeclared no-data values
EARTH_RADIUS = 6371.0072  # kilometers: a sphere with the area of the Earth
KINDS = "a PNG, JPEG or TIFF picture"
# How files begin that rasterio reads, by the name of the driver that reads them.
BEGINNINGS = rb"(?P<GTiff>II[*+]\0|MM\0[*+])|(?P<PNG>\x89PNG)|(?P<JPEG>\xff\xd8\xff)|(?P<JP2OpenJPEG>\0\0\0\x0cjP  |\xff\x4f\xff\x51)"
# What libraries say of a damaged file, and what it means: they see its end as many kinds of damage.
REASONS = {
    "surrogate": "its name is not text in UTF-8; rename it",
    "truncated|unpack_from|Read Error": "the file ends too early; copy or download it again",
    "text chunk|MAX_TEXT": "its text is too long; save it anew without metadata",
    "": "it is damaged, or the file ends too early; copy or download it again ({})",
}
# Names of bands in Sentinel-2 and harmonized Landsat files (B4 alone is another color elsewhere), and nanometers.
COLORS = {"red": ("b04", 665), "green": ("b03", 560), "blue": ("b02", 485)}
NEAR = 30  # nanometers that a center may lie from these
NOT_RED = {"edge", "infrared", "infra", "near"}  # in names of bands beyond red
TAGS = (Tag.ImageWidth, Tag.ImageLength, Tag.PhotometricInterpretation, Tag.Orientation, Tag.DNGVersion)
LAB, RAW = {8, 9, 10}, {32803, 34892}  # photometric interpretations
NOT_STATED = "not stated"
# What a file may say of itself, and under which names: of TIFF, of PNG, and of cameras.
SAID = {
    "date": ("TIFFTAG_DATETIME", "ACQUISITIONDATETIME", "Creation Time", "DateTimeOriginal", "DateTime"),
    "source": ("TIFFTAG_ARTIST", "TIFFTAG_IMAGEDESCRIPTION", "Source", "Author", "Artist", "ImageDescription"),
    "license": ("TIFFTAG_COPYRIGHT", "Copyright", "License"),
}  # fmt: skip
Array = NDArray[Any]
Bands = Sequence[int | str] | None
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY  # photo editors write megabytes of text


class Raster(NamedTuple):
    """A picture as its file gives it."""

    image: NDArray[np.uint8]  # (h, w, 3): red, green, blue; more than 8 bits are in bins, as `about` says
    mask: NDArray[np.bool_]  # (h, w), True where there is no data: a value for it, NaN, full transparency
    row_area: NDArray[np.float64] | None  # (h,), square kilometers of a pixel in each row, if they are known
    about: dict[str, str]  # what the file says, else `NOT_STATED`; "pages" only if it holds more pictures
    crs: Any = None  # rasterio's coordinate system of `image`, if the file has one
    transform: Any = None  # the geotransform of `image`, an affine.Affine, if the file has one


class _UnsuitableError(ValueError):
    """A picture that is whole, but that is not read here."""


def head(path: str | Path = LANDSAT, max_pixels: int = MAX_PIXELS) -> tuple[int, int, list[str]]:
    """Return the width and the height of the picture in a file, and what its bands are called; errors as in `read`."""
    with _opened(path, max_pixels) as source:
        return source.width, source.height, _names(source)


def read(path: str | Path = LANDSAT, max_pixels: int = MAX_PIXELS, bands: Bands = None) -> Raster:
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
    with _opened(path, max_pixels) as source:
        return _read(source, bands)


def check(path: str | Path, max_pixels: int = MAX_PIXELS) -> str:
    """Raise the error that `read` would, or one if there is nothing to cluster; return what to say of other pages."""
    with _opened(path, max_pixels) as source:
        if source.width * source.height <= CHECKED_WHOLE:
            found = _read(source, None)
            if found.mask.all():
                raise _UnsuitableError("no pixel holds data: there is nothing to cluster")
            first = found.image[np.unravel_index(found.mask.argmin(), found.mask.shape)]
            rows = zip(found.image, found.mask, strict=True)  # of most pictures the first is enough
            if not any((colors[~gone] != first).any() for colors, gone in rows):
                raise _UnsuitableError("the picture has a single color: there is nothing to cluster")
        return _other_pages(source)


@contextlib.contextmanager
def _opened(path: str | Path, max_pixels: int) -> Iterator[Any]:
    """Open a picture with Pillow or as a dataset of rasterio; errors here and in the block become one line."""
    shown = str(path) if str(path).isprintable() else repr(str(path))
    try:
        # A picture need not lie on a map, a tag may be damaged, and our limit of pixels is stricter than Pillow's.
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")
            source = _open(path, stack)
            if source.width * source.height > max_pixels:
                part = math.floor(100 * math.sqrt(max_pixels / (source.width * source.height)))
                smaller = f"make it smaller (gdal_translate -outsize {part}% {part}% does), or cut a part out"
                size = f"{source.width:,} × {source.height:,} pixels"
                raise _UnsuitableError(f"{size} are more than {max_pixels:,}; {smaller}")
            yield source
    except _UnsuitableError as error:
        raise ValueError(f"{shown}: {error}") from None
    except (rasterio.errors.RasterioError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        words = " ".join(f"{error} {error.__cause__ or ''}".split())
        known = next(reason for part, reason in REASONS.items() if re.search(part, words, re.IGNORECASE))
        reason = getattr(error, "strerror", None) or known.format(words)
        raise ValueError(f"{shown}: the picture cannot be read: {reason}") from None


def _open(path: str | Path, stack: contextlib.ExitStack) -> Any:
    """Return a PNG or JPEG of 8 bits as Pillow opens it, and all else as a dataset of rasterio."""
    place = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 -- which leaves the name of a stranger as it is
    if not place.is_file():  # a device or a pipe might never end
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
            raise _UnsuitableError("addresses are not read: download the picture and give its path")
        what = "a link that leads to no file" if place.is_symlink() else "there is no such file"
        if place.exists():
            what = "a folder, not a picture" if place.is_dir() else "not a file"
        raise _UnsuitableError(f"{what}; give the path of {KINDS}")
    # Of a picture that is too large for Pillow, rasterio has the size, too.
    with contextlib.suppress(UnidentifiedImageError, Image.DecompressionBombError):
        picture = stack.enter_context(Image.open(place, formats=["PNG", "JPEG"]))
        # Pillow opens some pictures of 16 bits per channel as if they had 8.
        if not picture.mode.startswith(("I", "F")) and ";16" not in str(getattr(picture, "tile", "")):
            if picture.format == "PNG" and getattr(picture, "is_animated", False):
                raise _UnsuitableError("an animation; save one picture of it as PNG")
            return picture
    begin = stack.enter_context(place.open("rb")).read(12)
    if not (known := re.match(BEGINNINGS, begin)):
        raise _UnsuitableError(f"this is not {KINDS}{'; save it as one' if begin else ': the file is empty'}")
    stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE))
    dataset = stack.enter_context(rasterio.open(place, driver=known.lastgroup))
    if any("complex" in kind for kind in dataset.dtypes):
        raise _UnsuitableError("its values are complex numbers; save their magnitudes as float32")
    if any(tags.get(Tag.PhotometricInterpretation) in LAB for tags in _tiff_tags(dataset)[:1]):
        raise _UnsuitableError("its colors are stored as CIE Lab; save it as RGB")
    if dataset.colorinterp[0] == ColorInterp.cyan:
        raise _UnsuitableError("its colors are stored as inks (CMYK) of more than 8 bits; save it as RGB")
    return dataset


def _tiff_tags(source: Any) -> list[dict[int, Any]]:
    """Return `TAGS` of each picture in a TIFF, of pages and of what they contain; of a damaged one, the first."""
    found: list[dict[int, Any]] = []
    with contextlib.suppress(Exception), Path(source.name).open("rb") as file:
        begin = file.read(8)
        begin += file.read(8) if 43 in begin[2:4] else b""  # of a BigTIFF
        starts = [TiffImagePlugin.ImageFileDirectory_v2(begin).next]
        for start in starts:
            file.seek(start)
            tags = TiffImagePlugin.ImageFileDirectory_v2(begin)
            tags.load(file)
            found.append({tag: tags[tag] for tag in TAGS if tag in tags})
            inside = (tags.next, *tags.get(Tag.SubIFDs, ()))
            starts += [place for place in inside if place and place not in starts][: 1000 - len(starts)]
    return found


def _other_pages(source: Any) -> str:
    """Return what to say of a file that holds more than the picture that is read, else an empty text."""
    inside = _tiff_tags(source)
    count = getattr(source, "n_frames", None) or len(getattr(source, "subdatasets", ()))
    said = f"page 1 of {count} is read" if count > 1 else ""
    sizes = [(tags.get(Tag.ImageWidth, 0), tags.get(Tag.ImageLength, 0)) for tags in inside]
    width, height = max(sizes, key=math.prod, default=(0, 0))
    size = f"{source.width:,} × {source.height:,} pixels"
    if any(Tag.DNGVersion in tags or tags.get(Tag.PhotometricInterpretation) in RAW for tags in inside):
        said = f"a raw photo, of which only a preview of {size} is read; develop it into a JPEG or PNG"
    elif width * height > source.width * source.height:
        said = f"{said or 'the first picture is read'}, {size}; a larger one in the file, {width:,} × {height:,}, is not"
    return said


def _names(source: Any) -> list[str]:
    """Return what the bands of an opened picture are called: as the file describes them, else by their colors."""
    named, means = getattr(source, "descriptions", COLORS), getattr(source, "colorinterp", COLORS)
    return [name or mean.name for name, mean in zip(named, means, strict=True)]


def _read(source: Any, wanted: Bands) -> Raster:
    """Return an opened picture, of the bands with these numbers or names."""
    numbers, names = None, _names(source)
    if wanted is not None:
        places = {name.lower(): number for number, name in reversed(list(enumerate(names, 1)))}
        numbers = [places.get(band.lower(), 0) if isinstance(band, str) else band for band in wanted]
        if len(numbers) != 3 or not all(number in range(1, len(names) + 1) for number in numbers):
            must = f"three numbers from 1 to {len(names)}, or three of the names {', '.join(names[:20])}"
            raise _UnsuitableError(f"bands = {tuple(wanted)}: must be {must}")
    return (_read_picture if isinstance(source, Image.Image) else _read_dataset)(source, numbers)


def _read_picture(picture: Image.Image, bands: Sequence[int] | None) -> Raster:
    """Return an 8-bit PNG or JPEG, upright, with transparency laid over white."""
    chosen, kind = f"{len(picture.getbands())}", f"{picture.format}, {picture.mode}"
    exif = picture.getexif()
    tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    said = picture.info | {ExifTags.TAGS.get(tag): value for tag, value in tags.items()}
    rgba = ImageOps.exif_transpose(picture).convert("RGBA")
    mask = np.asarray(rgba.getchannel("A")) == 0
    image = np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"))
    if bands is not None:
        image = image[..., np.subtract(bands, 1)]
        chosen += f"; {', '.join(map(str, bands))} taken for red, green, blue, as asked"
    return Raster(image, mask, None, _about(picture, kind, chosen, "8 bit, as they are", mask, said))


def _read_dataset(dataset: Any, wanted: Sequence[int] | None) -> Raster:
    """Return three bands of a TIFF, in strips, so that it takes little more memory than the result."""
    structure = dataset.tags(ns="IMAGE_STRUCTURE") | dataset.tags(1, ns="IMAGE_STRUCTURE")
    white_is_zero, kind = "MINISWHITE" in structure, np.result_type(*dataset.dtypes)
    bits = int(structure.get("NBITS", 8 * kind.itemsize))
    bands, chosen, is_masked = _bands(dataset, wanted, white_is_zero)
    low, width, fills, values = 0.0, 1.0, list[int](), "as they are" if bits >= 8 else "spread over 0 to 255"
    palette = np.zeros((2**16, 4), dtype=np.uint8)  # RGBA; values that it leaves out are transparent
    if bands == [1]:
        palette[list(dataset.colormap(1))] = list(dataset.colormap(1).values())
        values = "the colors of the palette"
    elif kind != np.uint8:
        low, width, fills, values = _bins(dataset, bands, is_masked)
    image = np.empty((dataset.height, dataset.width, 3), dtype=np.uint8)
    mask = np.empty(image.shape[:2], dtype=bool)
    for rows, part, gone in _strips(dataset, bands, is_masked, fills):
        if bands == [1]:
            *part, alpha = np.moveaxis(palette[part[0]], -1, 0)
            gone |= alpha == 0
        elif kind != np.uint8:
            part = part.astype(np.result_type(kind, np.float32))  # which is exact for 16 bits
            part = np.clip(np.where(gone, 0, (part - low) / width), 0, 255)
        elif bits < 8:
            part = part.astype(np.uint16) * 255 // (2**bits - 1)
        mask[rows], image[rows] = gone, np.moveaxis(part, 0, -1)
    if white_is_zero:
        image, values = np.subtract(255, image, out=image), f"{values}; turned round, since zero is white"
    image, mask, row_area, place, turned = _upright(dataset, image, mask)
    about = _about(dataset, dataset.driver, chosen, f"{bits} bit, {values}", mask, dataset.tags())
    about["size"] += turned
    if fills:
        listed = ", ".join(map(_number, fills))
        about["no data"] += f"; {listed}, far from all other values, taken for no data"
    if dataset.crs:
        name = dataset.crs.to_string()
        about["coordinates"] = name if len(name) <= len("EPSG:000000") else "a system of its own"
    if row_area is not None:
        unit = "degrees" if dataset.crs.is_geographic else dataset.crs.linear_units.replace("metre", "meters")
        across, down = map(abs, dataset.res)  # negative where the file begins in the south
        about["pixel size"] = f"{across:,.6g} × {down:,.6g} {unit}"
    return Raster(image, mask, row_area, about, dataset.crs, None if place.is_identity else place)


def _bands(dataset: Any, wanted: Any, white_is_zero: bool) -> tuple[list[int], str, bool]:
    """Return the bands taken for red, green and blue, or one with a palette; in words, how; True if masks count."""
    means = list(dataset.colorinterp)
    if wanted is None and means[0] == ColorInterp.palette and not white_is_zero:
        return [1], "1, with a palette", True
    alpha = means.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in means else 0
    shape = min(dataset.height, 512), min(dataset.width, 512)
    values, counts = np.unique(dataset.read(alpha, out_shape=shape) if alpha else 0, return_counts=True)
    shown = counts[values != 0]  # transparency is of most pixels 0 or one other value
    false_alpha = shown.sum() - shown.max(initial=0) > counts.sum() / 2
    of_color = [band for band in dataset.indexes if band != alpha or false_alpha] or [1]
    choices = {
        "{} taken for red, green, blue, as asked": wanted or (),
        "red, green, blue are {}, as the file describes them": _described(dataset),
        "red, green, blue are {}": [
            means.index(ColorInterp[c]) + 1 for c in COLORS if ColorInterp[c] in means
        ],
        "{} taken for red, green, blue, since the file names none": of_color[:3],
        f"band {of_color[0]} taken as gray": of_color[:1] * 3,
    }
    how, bands = next((how, list(bands)) for how, bands in choices.items() if len(bands) == 3)
    said = f"{dataset.count}; {how.format(', '.join(map(str, bands)))}"
    if false_alpha:
        said += f"; {alpha} is called alpha, but holds values, and is not taken for transparency"
    return bands, said, not false_alpha or dataset.nodata is not None


def _described(dataset: Any) -> list[int]:
    """Return the bands whose description, or else whose wavelength, is red, green and blue; fewer where some lack."""
    words, waves, found = [], np.full(dataset.count, np.inf), []  # wavelengths in nanometers
    for band, name in enumerate(dataset.descriptions, start=1):
        words.append(set(re.findall("[a-z0-9]+", (name or "").lower())))
        tags = dataset.tags(band) | dataset.tags(band, ns="IMAGERY")
        said = {tag.lower(): text for tag, text in tags.items()}
        in_name = re.search(r"([0-9]+) ?nm", name or "")
        with contextlib.suppress(ValueError, KeyError):
            wave = float(in_name[1] if in_name else said.get("central_wavelength_um") or said["wavelength"])
            waves[band - 1] = wave * 1000 if wave < 100 else wave  # micrometers
    for color, (number, wave) in COLORS.items():
        named = [{color[0]} == own or number in own or (color in own and not own & NOT_RED) for own in words]
        away = np.abs(waves - wave)
        if any(named) or away.min() < NEAR:
            found.append(int(np.argmax(named) if any(named) else away.argmin()) + 1)
    return found


def _bins(dataset: Any, bands: list[int], is_masked: bool) -> tuple[float, float, list[int], str]:
    """Return the lowest value and the width of 256 bins, the same for all bands; values that are no data; words."""
    stride = 3 * dataset.width * dataset.height // SAMPLE | 1
    least, most, whole, fills, samples = math.inf, -math.inf, True, set[float](), [np.empty(0)]
    for _, part, gone in _strips(dataset, bands, is_masked):
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
    if not len(sample):
        return 0, 1, apart, "none of them valid"
    held = f"from {_number(least)} to {_number(most)}"
    low, high = (0, 255) if whole and least >= 0 and most < 256 else (least, most)
    if most - least >= 256 or not whole:
        low, high = np.quantile(sample, [TAIL, 1 - TAIL], method="inverted_cdf").tolist()
    width = math.ceil((high - low + 1) / 256) if whole else (high - low) / 256 * (1 + 1e-6) or 1.0
    beyond = np.mean((sample < low) | (sample >= low + 256 * width))
    if width == 1 and not beyond:
        return low, 1, apart, f"{held}, {f'counted from {_number(low)}' if low else 'as they are'}"
    held += f"; in bins of {_number(width)}{' values' if whole else ''} from {_number(low)} up, 256 at most, the same for all bands"
    return low, width, apart, f"{held}; {beyond:.2%} lie beyond and count into the first or the last bin"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.4g}"


def _strips(dataset: Any, bands: list[int], is_masked: bool, fills: Any = ()) -> Iterator[Any]:
    """Yield strips of whole blocks: their rows, the values of the bands, and True where a pixel holds no data."""
    block = dataset.block_shapes[0][0]
    step = max(1, STRIP // (dataset.width * block)) * block
    for top in range(0, dataset.height, step):
        window = (top, min(top + step, dataset.height)), (0, dataset.width)
        part = dataset.read(bands, window=window)
        gone = (
            dataset.read_masks(bands, window=window) == 0 if is_masked else np.zeros(part.shape, dtype=bool)
        )
        if part.dtype.kind == "f":
            gone |= ~(np.abs(part) < HUGE)
        if fills:
            gone |= np.isin(part, fills)
        # Of 8 bits the no-data value may be an ordinary one: a pixel is missing where all bands have it.
        yield slice(*window[0]), part, gone.all(axis=0) if part.dtype == np.uint8 else gone.any(axis=0)


def _upright(dataset: Any, image: Array, mask: Array) -> tuple[Array, Array, Array | None, Any, str]:
    """Return picture, mask, areas, geotransform, and in words what was done: north up or, off the map, as the camera was held."""
    place, area = dataset.transform, _row_area(dataset)
    if place.b or place.d:
        return image, mask, area, place, ", rotated: north is not up"
    if dataset.crs or not place.is_identity:
        down, right = -1 if place.e > 0 else 1, -1 if place.a < 0 else 1
        turned = ", turned: in the file its north is not up" if min(down, right) < 0 else ""
        corner = dataset.width if right < 0 else 0, dataset.height if down < 0 else 0
        place = place * place.translation(*corner) * place.scale(right, down)
        area = area if area is None else area[::down]
    else:
        held = next(iter(_tiff_tags(dataset)), {}).get(Tag.Orientation)  # from 1 to 8
        down, right = -1 if held in (3, 4, 7, 8) else 1, -1 if held in (2, 3, 6, 7) else 1
        turned = ", turned as the camera was held" if held in range(2, 9) else ""
        image, mask = (image.swapaxes(0, 1), mask.T) if held in range(5, 9) else (image, mask)
    image, mask = (np.ascontiguousarray(array[::down, ::right]) for array in (image, mask))
    return image, mask, area, place, turned


def _row_area(dataset: Any) -> Array | None:
    """Return the square kilometers of a pixel in each row, or None where the file does not place its pixels."""
    place, crs = dataset.transform, dataset.crs
    if not crs or place.is_identity or not (crs.is_projected or crs.is_geographic):
        return None
    of_web = crs.to_epsg() == 3857  # it widens towards the poles, where degrees narrow
    if (crs.is_geographic or of_web) and (place.b or place.d):
        return None  # rotated: a row has no latitude
    edges = place.f + place.e * np.arange(dataset.height + 1)
    if crs.is_geographic:
        area = EARTH_RADIUS**2 * math.radians(abs(place.a)) * np.abs(np.diff(np.sin(np.radians(edges))))
        return area if np.isfinite(area).all() else None
    area = np.full(dataset.height, abs(place.determinant) * (crs.linear_units_factor[1] / 1000) ** 2)
    return area / np.cosh((edges[1:] + edges[:-1]) / 2 / 6378137) ** 2 if of_web else area


def _about(source: Any, kind: str, bands: str, values: str, mask: Array, said: Any) -> dict[str, str]:
    """Return what is known of a picture, in the order in which it is shown; texts short, without markup."""
    height, width = mask.shape
    about = {"format": kind, "size": f"{width:,} × {height:,} pixels", "bands": bands, "values": values}
    about["no data"] = f"{mask.mean():.1%} of the pixels" if mask.any() else "none"
    about |= {"coordinates": NOT_STATED, "pixel size": NOT_STATED}
    for what, names in SAID.items():
        texts = (" ".join(str(v).split()) for v in map(said.get, names) if isinstance(v, str | int | float))
        plain = ("".join(c for c in text if c.isprintable() and c not in "`|<>{}[]*_$\\#@") for text in texts)
        text = next(filter(None, plain), NOT_STATED)
        about[what] = text if len(text) <= 100 else text[:99] + "…"
    return about | ({"pages": pages} if (pages := _other_pages(source)) else {})
