"""What a picture's file says is what is read: bands, bits, missing pixels, areas, origin; else one line of error."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from course import cli
from helpers import raster
from tests.projects import make_project

RANDOM = np.random.RandomState(0)
RGB = RANDOM.randint(0, 256, (40, 31, 3)).astype(np.uint8)
DEEP = (RANDOM.randint(0, 3000, (40, 31, 3)) + 500).astype(np.uint16)
MANY = RANDOM.randint(0, 256, (9, 8, 5)).astype(np.uint8)
LEFT = np.zeros(RGB.shape[:2], dtype=bool)
LEFT[:, :5] = True  # what is missing in some pictures
RED_GREEN_BLUE = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
COLORS = {value: (value, 255 - value, 7, 255) for value in range(256)}
OTHER = "this is not a PNG, JPEG or TIFF picture; save it as one"


def tiff(path: Path, bands: np.ndarray, **profile: Any) -> Path:
    """Write an array of shape (h, w, bands) as a TIFF, or with another driver."""
    own = ("tags", "colorinterp", "mask", "colormap", "descriptions", "band_tags")
    tags, means, mask, colors, descriptions, band_tags = (profile.pop(name, None) for name in own)
    height, width, count = bands.shape
    size = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": bands.dtype}
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **size | profile) as dataset:
            dataset.write(np.moveaxis(bands, -1, 0))
            dataset.update_tags(**(tags or {}))
            if means:
                dataset.colorinterp = means
            for band, description in enumerate(descriptions or (), start=1):
                dataset.set_band_description(band, description)
            for band, named in enumerate(band_tags or (), start=1):
                dataset.update_tags(band, **named)
            if mask is not None:
                dataset.write_mask(mask)
            if colors:
                dataset.write_colormap(1, colors)
    return path


def pillow(path: Path, array: np.ndarray, **options: Any) -> Path:
    """Write an array as Pillow does."""
    Image.fromarray(array).convert(options.pop("mode", None)).save(path, **options)
    return path


def refused(path: Any, reason: str, *ways: Any) -> None:
    """Assert that reading and checking end in one line with this reason."""
    for refuse in ways or (raster.read, raster.check):
        with pytest.raises(ValueError, match=re.escape(reason)) as error:
            refuse(path)
        assert "\n" not in str(error.value)


def test_the_picture_of_the_course_is_the_one_that_data_describes():
    described = Path("data/README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(raster.LANDSAT.read_bytes()).hexdigest() in described
    read = raster.read()
    assert read.image.shape == (215, 237, 3)
    assert (read.image[read.mask] == 0).all()
    assert read.mask.mean() == pytest.approx(0.3251, abs=1e-4)
    assert read.row_area == pytest.approx(np.full(215, 1.0013924 * 1.002), rel=1e-6)
    assert (read.about["coordinates"], read.about["date"]) == ("EPSG:32618", raster.NOT_STATED)


def with_missing(value: float, dtype: Any) -> np.ndarray:
    """Return reflectances of 0 to 1, or whole numbers of 0 to 2,550, without data in the left columns."""
    values = RGB / 255 if np.dtype(dtype).kind == "f" else RGB.astype(np.int64) * 10
    return np.where(LEFT[..., None], value, values).astype(dtype)


def changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    """Return a copy with another value at a place."""
    array = array.copy()
    array[place] = value
    return array


def gray(values: np.ndarray) -> np.ndarray:
    """Return gray as three equal bands."""
    return np.repeat(values.reshape(40, 31, 1), 3, axis=2)


ALL = np.zeros(LEFT.shape, dtype=bool)
HOLED = np.where(LEFT[..., None], 7, np.maximum(RGB, 8)).astype(np.uint8)
CLEAR = np.dstack([HOLED, np.where(LEFT, 0, 200).astype(np.uint8)])
LITTLE = changed(RGB, (0, slice(0, 3)), [(0, 0, 0), (0, 9, 9), (0, 0, 1)])  # one pixel with all bands 0
FIVE = np.dstack([RGB[..., 0], RGB[..., ::-1], RGB[..., 1]])
BGR = np.dstack([RGB[..., ::-1], RGB[..., 0]])
RED = RGB[..., :1]
PALETTE = np.dstack([RED, 255 - RED, np.full(RED.shape, 7)])
INFRARED = RANDOM.randint(0, 200, (40, 31, 1)).astype(np.uint8)  # called alpha by some programs
BRIGHT = changed(RGB.astype(np.uint16) * 256, (slice(3, 9), slice(3, 9)), 65_535)
UNNAMED = {"photometric": "minisblack"}
ALPHA = {"photometric": "RGB", "alpha": "YES"}
SHARE = f"no data: {LEFT.mean():.1%} of the pixels"
FAR = "far from all other values, taken for no data"
AS_DESCRIBED = "bands: 4; red, green, blue are 3, 2, 1, as the file describes them"
NANOMETERS = [f"B{band}, central wavelength {nm} nm" for band, nm in ((2, 490), (3, 560), (4, 665), (8, 842))]

# How a file is written, and what is read: colors, where there are no data, and some of the card.
READ: dict[str, tuple[np.ndarray, dict[str, Any], np.ndarray | None, np.ndarray, str]] = {
    "8 bits": (RGB, {}, RGB, ALL, "values: 8 bit, as they are"),
    "lzw": (RGB, {"compress": "lzw"}, RGB, ALL, "as they are"),
    "tiles": (RGB, {"compress": "deflate", "predictor": 2, "tiled": True, "blockxsize": 16, "blockysize": 16}, RGB, ALL, ""),
    "planes": (RGB, {"interleave": "band", "BIGTIFF": "YES", "ENDIANNESS": "BIG"}, RGB, ALL, "no data: none"),
    # missing pixels
    "no-data value": (HOLED, {"nodata": 7}, HOLED, LEFT, SHARE),
    "alpha": (CLEAR, {"colorinterp": [*RED_GREEN_BLUE, ColorInterp.alpha]}, HOLED, LEFT, SHARE),
    "mask": (HOLED, {"mask": ~LEFT}, HOLED, LEFT, SHARE),
    "png with alpha": (CLEAR, {"format": "PNG"}, None, LEFT, SHARE),
    "no data in one band": (LITTLE, {"nodata": 0}, LITTLE, changed(ALL, (0, 0), True), ""),
    "nan in one band": (changed(with_missing(0.5, "f4"), (7, 9, 1), np.nan), {}, None, changed(ALL, (7, 9), True), ""),
    "value in one band": (changed(with_missing(0.5, "f4"), (7, 9, 1), -9999), {"nodata": -9999}, None,
                          changed(ALL, (7, 9), True), ""),
    **{f"undeclared {value}": (with_missing(value, dtype), {}, RGB, LEFT, f"; {value:,}, {FAR}")
       for value, dtype in ((65_535, "uint16"), (-9_999, "int16"), (-32_768, "int16"))},
    "saturated": (BRIGHT, {}, changed(RGB, (slice(3, 9), slice(3, 9)), 255), ALL, "no data: none"),
    "black and white": ((RGB // 128).astype("uint16") * 65_535, {}, RGB // 128 * 255, ALL, "no data: none"),
    # more than 8 bits
    **{f"small {dtype}": ((RGB // 2).astype(dtype), {}, RGB // 2, ALL, "as they are") for dtype in
       ("int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32")},
    "counted": (RGB.astype("uint16") + 1000, {}, RGB, ALL, "counted from 1,000"),
    "hot pixel": (changed(DEEP, (5, 5), 60_000), {}, None, ALL, "in bins of 12 values"),
    "deep png": (DEEP, {"driver": "PNG"}, None, ALL, "in bins of 12 values"),
    "wide integers": (RGB.astype("int32") * 100_000 - 5_000_000, {}, RGB, ALL,
                      "32 bit, from -5,000,000 to 20,500,000; in bins of 99,"),
    **{f"{dtype}, {value} {said}": (with_missing(value, dtype), {"nodata": value} if said else {}, RGB, LEFT,
                                    f"{dtype[-2:]} bit, from 0 to 1; in bins of 0.0039")
       for dtype in ("float32", "float64") for value, said in
       ((np.nan, True), (np.nan, False), (np.inf, False), (-9999, True), (-9999, False), (-3.4028234663852886e38, False))},
    # few bits of gray, spread over all shades
    **{f"{white}, {bits} bits": (shades.astype("uint16" if bits == 16 else "uint8"),
                                 {"photometric": white} | ({"nbits": bits} if bits < 8 else {}),
                                 abs((white == "miniswhite") * 255 - gray(shades * 255 // (2**bits - 1))), ALL,
                                 "turned round, since zero is white" if white == "miniswhite" else f"{bits} bit, ")
       for white in ("minisblack", "miniswhite") for bits in (1, 2, 4, 8, 16)
       for shades in [RED.astype(int) * (2**bits - 1) // 255]},
    # palettes, white as zero (which Pillow does not turn round at 16 bits, and GDAL gives a palette)
    **{f"palette {dtype}": (RED.astype(dtype), {"colormap": COLORS}, PALETTE, ALL, "bit, the colors of the palette")
       for dtype in ("uint8", "uint16")},
    "white is zero": (RED[..., 0], {"format": "TIFF", "tiffinfo": {262: 0}}, gray(RED), ALL, "zero is white"),
    "deep white is zero": (RED[..., 0].astype("uint16") * 257, {"format": "TIFF", "tiffinfo": {262: 0}},
                           255 - gray(RED), ALL, "zero is white"),
    # bands
    "5 bands": (FIVE, UNNAMED, FIVE[..., :3], ALL,
                "bands: 5; 1, 2, 3 taken for red, green, blue, since the file names none\n"),
    "named": (FIVE, {"colorinterp": [ColorInterp.undefined, *RED_GREEN_BLUE[::-1], ColorInterp.undefined]}, RGB, ALL,
              "bands: 5; red, green, blue are 4, 3, 2\n"),
    "gray": (RED, {}, gray(RED), ALL, "bands: 1; band 1 taken as gray\n"),
    **{f"described {names[-1]}": (BGR, UNNAMED | {"descriptions": names}, RGB, ALL, AS_DESCRIBED) for names in (
        ("blue", "green", "red", "nir"), ("B02", "B03", "B04", "B08"), NANOMETERS,
        ("Blue (490 nm)", "Green (560 nm)", "Red (665 nm)", "Near Infra Red"))},
    **{f"tagged {tag}": (BGR, UNNAMED | {"band_tags": [{tag: wave} for wave in waves]}, RGB, ALL, AS_DESCRIBED)
       for tag, waves in {"wavelength": ("482.0", "561.4", "654.6", "864.7"),
                          "CENTRAL_WAVELENGTH_UM": ("0.490", "0.560", "0.665", "0.842")}.items()},
    **{other: (np.dstack([255 - RED, RGB]), UNNAMED | {"descriptions": (other, "red", "green", "blue")}, RGB, ALL, "")
       for other in ("red edge", "near infrared red", "Vegetation red-edge 1")},
    "described otherwise": (BGR[..., :3], {"descriptions": ("blue", "green", "red"), "photometric": "RGB"}, RGB, ALL, ""),
    "false alpha": (np.dstack([RGB, INFRARED]), ALPHA, RGB, ALL, "4 is called alpha, but holds values"),
    "deep false alpha": (np.dstack([DEEP, INFRARED.astype("uint16") * 9]), ALPHA, None, ALL, "4 is called alpha"),
    "inks": (RGB, {"format": "TIFF", "mode": "CMYK"}, RGB, ALL, "4; red, green, blue are 1, 2, 3"),
    # on a map, a picture is not turned as a camera was held
    "on a map": (RGB, {"format": "TIFF", "tiffinfo": {
        274: 6, 33550: (10.0, 10.0, 0.0), 33922: (0.0, 0.0, 0.0, 500_000.0, 5_000_000.0, 0.0)}}, RGB, ALL, ""),
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", READ)
def test_what_a_file_says_is_what_is_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(raster, "STRIP", 300)  # several strips, the last of them short
    bands, profile, image, mask, words = READ[name]
    path = (pillow if "format" in profile else tiff)(tmp_path / "a", bands, **profile)
    before = {entry: entry.read_bytes() for entry in tmp_path.iterdir()}
    read = raster.read(path)
    assert {entry: entry.read_bytes() for entry in tmp_path.iterdir()} == before
    assert (read.image.dtype, read.image.shape) == (np.uint8, (40, 31, 3))
    assert np.array_equal(read.mask, mask)
    if image is not None:
        away = np.abs(read.image.astype(int) - image)[~mask]
        assert away.max() <= ("in bins of 0.0039" in words)
    assert image is not None or len(np.unique(read.image)) > 190
    on_map = "on a map" in name
    assert ((read.crs, read.transform, read.row_area) == (None, None, None)) != on_map
    assert words in "".join(f"{what}: {text}\n" for what, text in read.about.items())


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_sixteen_bits_go_into_bins_of_one_scale_and_the_card_says_which(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(raster, "STRIP", 300)
    bands = DEEP.astype(dtype) - (700 if dtype == np.int16 else 0)
    bands[0, 0] = 30_000
    read = raster.read(tiff(tmp_path / "a.tif", bands, nodata=30_000))
    values = bands[~read.mask]
    found = re.search(r"in bins of (\d+) values from ([-\d,]+) up", read.about["values"])
    width, low = (int(word.replace(",", "")) for word in found.groups())
    assert np.array_equal(read.image[~read.mask], np.clip((values.astype(int) - low) // width, 0, 255))
    assert f"from {values.min():,} to {values.max():,};" in read.about["values"]
    assert width == 12
    beyond = ((values < low) | (values >= low + 256 * width)).mean()
    assert f"{beyond:.2%} lie beyond" in read.about["values"]
    assert beyond < 0.0021


def test_the_reader_chooses_bands_by_the_numbers_and_names_in_the_head(tmp_path):
    names = ("Aerosol", "blue", "B03", "red", "NIR")
    path = tiff(tmp_path / "many.tif", MANY, photometric="minisblack", descriptions=names)
    png = pillow(tmp_path / "a.png", RGB)
    assert raster.head(path) == (8, 9, list(names))
    assert raster.head(png) == (31, 40, ["red", "green", "blue"])
    read = raster.read(path, bands=(4, 3, 2))
    assert np.array_equal(read.image, MANY[..., [3, 2, 1]])
    assert read.about["bands"] == "5; 4, 3, 2 taken for red, green, blue, as asked"
    assert np.array_equal(raster.read(path, bands=("nir", "Red", "b03")).image, MANY[..., [4, 3, 2]])
    assert np.array_equal(raster.read(png, bands=(3, 3, 1)).image, RGB[..., [2, 2, 0]])
    must = "must be three numbers from 1 to 5, or three of the names Aerosol, blue, B03, red, NIR"
    for bands in ((4, 3), (0, 1, 2), (4, 3, 6), (1, 2, "3"), ("nir", "red", "infrared")):
        refused(path, f"bands = {bands}: {must}", lambda path, bands=bands: raster.read(path, bands=bands))


ROTATED = rasterio.Affine(7, 7, 5e5, 7, -7, 5e6)
PLACES = {
    "10 meters": ("EPSG:32633", from_origin(500_000, 5_000_000, 10, 10), 1e-4, 1e-9),
    "feet": ("EPSG:2263", from_origin(980_000, 200_000, 100, 100), (100 * 0.3048006096 / 1000) ** 2, 1e-6),
    # on the ellipsoid a degree around 60° north covers 6188.6 square kilometers
    "degrees": ("EPSG:4326", from_origin(10, 60.5, 1, 1), 6188.6, 5e-3),
    # at 60° a meter of the web's map is half a meter on the ground
    "web map": ("EPSG:3857", from_origin(1_000_000, 8_399_737.9 + 500, 1000, 1000), 0.25, 1e-3),
    "rotated": ("EPSG:32633", ROTATED, 98e-6, 1e-9),
    "rotated degrees": ("EPSG:4326", ROTATED, None, 0),  # along a row, latitude changes
    "rotated web map": ("EPSG:3857", ROTATED, None, 0),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_area_of_a_pixel_and_the_place_of_what_is_written_again(tmp_path, place):
    crs, transform, area, within = PLACES[place]
    read = raster.read(tiff(tmp_path / "a.tif", RGB[:1, :1], crs=crs, transform=transform))
    assert read.row_area == (area and pytest.approx([area], rel=within))
    assert read.about["coordinates"] == crs
    assert (read.about["pixel size"] != raster.NOT_STATED) == (area is not None)
    assert ("rotated" in read.about["size"]) == ("rotated" in place)
    again = raster.read(tiff(tmp_path / "b.tif", read.image, crs=read.crs, transform=read.transform))
    assert (
        (again.crs, again.transform)
        == (read.crs, read.transform)
        == (rasterio.CRS.from_string(crs), transform)
    )


def test_what_the_file_says_of_its_origin(tmp_path):
    tags = {
        "TIFFTAG_DATETIME": "2001:02:03 04:05:06", "TIFFTAG_COPYRIGHT": "CC0 | `x` <script>\n{#a}",
        "TIFFTAG_IMAGEDESCRIPTION": "b" * 300,
    }  # fmt: skip
    about = raster.read(tiff(tmp_path / "a.tif", RGB, tags=tags)).about
    assert about["date"] == "2001:02:03 04:05:06"
    assert about["license"] == "CC0  x script a"
    assert len(about["source"]) == 100
    exif = Image.Exif()
    exif[306], exif[33432] = "1999:12:31 23:59:59", "by me"
    read = raster.read(pillow(tmp_path / "a.jpg", RGB, exif=exif))
    about = read.about
    assert (read.crs, read.transform, read.row_area) == (None, None, None)
    assert [about[what] for what in raster.SAID] == ["1999:12:31 23:59:59", "not stated", "by me"]
    assert about["pixel size"] == about["coordinates"] == "not stated"


def test_damaged_files_are_one_line_or_a_picture(tmp_path):
    path, random, said = tmp_path / "damaged", np.random.RandomState(0), []
    whole = tiff(tmp_path / "a.tif", RGB, compress="lzw", nodata=0, crs="EPSG:32633").read_bytes()
    for _ in range(200):
        data = bytearray(whole[: random.randint(len(whole))] if random.randint(2) else whole)
        for place in random.randint(max(len(data), 1), size=3) if data else ():
            data[place] = random.randint(256)
        path.write_bytes(bytes(data))
        try:
            raster.read(path)
        except ValueError as error:
            said.append(str(error))
    assert len(said) > 80
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in said)


# Which way is up


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_as_a_jpeg_is(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    as_photo = raster.read(pillow(tmp_path / "a.png", RGB, exif=exif))
    as_tiff = raster.read(pillow(tmp_path / "a.tif", RGB, tiffinfo={274: orientation}))
    assert as_photo.image.shape == ((40, 31, 3) if orientation < 5 else (31, 40, 3))
    assert np.array_equal(as_photo.image, as_tiff.image)
    assert as_tiff.mask.shape == as_tiff.image.shape[:2]


@pytest.mark.parametrize(("across", "down"), [(1, 1), (-1, -1), (-1, 1)])
def test_north_is_up_in_what_is_read(tmp_path, across, down):
    upside_down = RGB[::-down, ::across]
    left, top = 10 + 0.3 * 31 * (across < 0), 60 - 0.5 * 40 * (down > 0)
    place = rasterio.Affine(0.3 * across, 0, left, 0, 0.5 * down, top)
    read = raster.read(tiff(tmp_path / "a.tif", upside_down, crs="EPSG:4326", transform=place))
    usual = tiff(tmp_path / "b.tif", RGB, crs="EPSG:4326", transform=from_origin(10, 60, 0.3, 0.5))
    assert np.array_equal(read.image, RGB)
    assert np.allclose(read.row_area, raster.read(usual).row_area)
    assert read.about["pixel size"] == "0.3 × 0.5 degrees"
    assert "turned" in read.about["size"]
    assert read.crs.to_string() == "EPSG:4326"
    assert read.transform.almost_equals(from_origin(10, 60, 0.3, 0.5))  # of the picture as it was turned


# More than one picture in a file


def pages(path: Path, *sizes: tuple[int, int], tags: dict[int, Any] | None = None) -> Path:
    """Write a TIFF of several pages, each with these tags."""
    first, *others = [Image.fromarray(RGB).resize(size) for size in sizes]
    first.save(path, format="TIFF", save_all=True, append_images=others, tiffinfo=tags or {})
    return path


def test_other_pages_are_named(tmp_path):
    path = pages(tmp_path / "a.tif", (31, 40), (31, 40), (31, 40))
    assert "page 1 of 3" in raster.read(path).about["pages"]
    assert "page 1 of 3" in raster.check(path)
    path = pages(tmp_path / "b.tif", (32, 24), (512, 384))
    assert "32 × 24 pixels; a larger one in the file, 512 × 384, is not" in raster.read(path).about["pages"]
    path = pages(tmp_path / "c.dng", (32, 24), (512, 384), tags={50706: b"\1\4\0\0"})
    assert "a raw photo, of which only a preview of 32 × 24 pixels is read" in raster.check(path)
    path = pillow(tmp_path / "d.jpg", RGB, format="MPO", save_all=True, append_images=[Image.fromarray(RGB)])
    assert "page 1 of 2" in raster.read(path).about["pages"]


def test_overviews_and_masks_are_no_pages(tmp_path):
    path = tiff(tmp_path / "a.tif", np.tile(RGB, (30, 30, 1)), driver="COG", overview_count=2)
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1)
    assert "pages" not in raster.read(path).about
    assert raster.check(path) == raster.check(tiff(tmp_path / "b.tif", RGB, mask=RGB[..., 0] > 9)) == ""


# What is refused, and how


REFUSED = {
    **{f"a.{kind}": (OTHER, lambda path: pillow(path, RGB)) for kind in ("gif", "webp", "bmp")},
    **{name: (OTHER, lambda path, begin=begin: path.write_bytes(begin + b"\n" * 99)) for name, begin in {
        "a.heic": b"\0\0\0\x18ftypheic", "a.svg": b"<svg/>", "a.pdf": b"%PDF-1.7", "text.tif": b"not a picture",
        "web.tif": b"<VRTDataset rasterXSize='9' rasterYSize='9'/>"}.items()},
    "empty.tif": ("this is not a PNG, JPEG or TIFF picture: the file is empty", Path.touch),
    "moves.png": ("an animation; save one picture of it as PNG",
                  lambda path: pillow(path, RGB, save_all=True, append_images=[Image.fromarray(RGB[::-1])])),
    "lab.tif": ("CIE Lab; save it as RGB", lambda path: Image.frombytes("LAB", (31, 40), RGB.tobytes()).save(path)),
    "lab16.tif": ("CIE Lab; save it as RGB", lambda path: tiff(path, DEEP, photometric="CIELAB")),
    "inks.tif": ("CMYK", lambda path: tiff(path, np.dstack([DEEP, DEEP[..., 0]]), photometric="CMYK")),
    "complex.tif": ("its values are complex numbers; save their magnitudes as float32",
                    lambda path: tiff(path, RGB.astype(np.complex64))),
    "folder": ("a folder, not a picture", Path.mkdir),
    "new\nline.png": ("there is no such file; give the path of", lambda path: path),
    "~nobody-of-this-name/a.png": ("there is no such file", lambda path: path),
    "https://example.org/a.png": ("addresses are not read: download the picture", lambda path: path),
    "s3://bucket/a.tif": ("s3://bucket/a.tif: addresses are not read", lambda path: path),
}  # fmt: skip
if os.name == "posix":
    REFUSED["pipe"] = ("not a file", os.mkfifo)
    REFUSED["loop"] = ("leads to no file", lambda path: path.symlink_to(path))
    REFUSED["none"] = ("leads to no file", lambda path: path.symlink_to(path.with_name("nothing")))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_suitable_picture_is_refused_in_one_line(tmp_path, name, capfd):
    reason, write = REFUSED[name]
    write(tmp_path / name)
    path = name if name.startswith("~") or "://" in name else tmp_path / name
    refused(path, reason)
    refused(path, f"{path}: " if str(path).isprintable() else repr(str(path)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="no such names")
@pytest.mark.parametrize(
    "name", ["two\nlines.tif", "a:b?c=1#x.tif", "zip:x.tif", "GTIFF_DIR:1:x.tif", "~/x.tif"]
)
def test_names_that_mean_something_to_a_library_are_names_and_home_is_known(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Path(name).expanduser().open("wb") as file:
        Image.fromarray(RGB).save(file, "TIFF")
    assert np.array_equal(raster.read(name).image, RGB)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "lzw", "deflate", "deep"])
def test_a_file_that_ends_too_early_is_said_to(tmp_path, kind):
    path = tmp_path / "a"
    if kind in ("PNG", "JPEG"):
        pillow(path, RGB, format=kind)
    else:
        tiff(path, DEEP, driver="PNG") if kind == "deep" else tiff(path, RGB, compress=kind)
    whole = path.read_bytes()
    for part in (0.02, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(part * len(whole))])
        refused(path, "the file ends too early; copy or download it again")


def test_text_in_a_png_is_no_reason_to_refuse_it(tmp_path):
    text = PngInfo()
    text.add_text("XML:com.adobe.xmp", "x" * 5_000_000, zip=True)
    text.add_itxt("note", "y" * 3_000_000, zip=True)
    assert np.array_equal(raster.read(pillow(tmp_path / "a.png", RGB, pnginfo=text)).image, RGB)
    text.add_text("more", "z" * 70_000_000, zip=True)
    refused(pillow(tmp_path / "b.png", RGB, pnginfo=text), "save it anew without metadata", raster.read)


def png_of_size(path: Path, width: int, height: int) -> Path:
    """Write the head of a PNG of this size, in gray."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    written = b"\x89PNG\r\n\x1a\n"
    for data in (b"IHDR" + head, b"IDAT" + zlib.compress(b"\0" * 99), b"IEND"):
        written += struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    path.write_bytes(written)
    return path


@pytest.mark.parametrize("side", [12_000, 13_000, 30_000, 60_000])
def test_every_too_large_picture_is_refused_in_the_same_words(tmp_path, side):
    words = f"{side:,} × {side:,} pixels are more than 125,000,000; make it smaller (gdal_translate -outsize "
    ways = (raster.read, raster.check, raster.head)
    refused(png_of_size(tmp_path / "a.png", side, side), words, *ways)
    large = tiff(tmp_path / "large.tif", RGB[:1, :1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        size = {"height": side, "width": side, "count": 3, "dtype": "uint8", "BIGTIFF": "YES"}
        rasterio.open(large, "w", driver="GTiff", SPARSE_OK=True, **size).close()
    refused(large, words + ("93% 93%" if side == 12_000 else ""), *ways)
    refused(raster.LANDSAT, "more than 100;", lambda path: raster.check(path, max_pixels=100))


VISIBLE = changed(np.dstack([RGB, ALL]).astype(np.uint8), (5, 6, 3), 255)
SINGLE = "the picture has a single color: there is nothing to cluster"


NOTHING = {
    "single": (np.full((40, 31, 3), 90, np.uint8), SINGLE),
    "pixel": (np.full((1, 1, 3), 90, np.uint8), SINGLE),
    "visible": (VISIBLE, SINGLE),
    "float": (np.full((9, 9, 3), 0.5, np.float32), SINGLE),
    "none": (np.full((9, 9, 3), np.nan, np.float32), "no pixel holds data: there is nothing to cluster"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_picture_with_nothing_to_cluster_is_refused_by_the_check(tmp_path, name):
    (bands, reason), path = NOTHING[name], tmp_path / "a"
    write, options = (tiff, {}) if bands.itemsize > 1 else (pillow, {"format": "PNG"})
    refused(write(path, bands, **options), reason, raster.check)
    two = changed(VISIBLE, (7, 7, 3), 255)
    assert raster.check(pillow(path, two, format="PNG")) == raster.check(raster.LANDSAT) == ""


def test_an_unfit_picture_is_refused_once_before_anything_starts(tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path / "course", "takes_image", "records")
    whole, cut = tmp_path / "whole.png", tmp_path / "cut.png"
    Image.fromarray(RGB).save(whole)
    cut.write_bytes(whole.read_bytes()[:1500])
    Image.fromarray(RGB[:1, :1]).save(tmp_path / "one.png")
    (tmp_path / "values.yml").write_text("image_path: ~/none.png\n")
    monkeypatch.setenv("HOME" if os.name == "posix" else "USERPROFILE", str(tmp_path))
    monkeypatch.chdir(project.root)
    for words, reason in {
        ("-p", "image_path", str(cut)): f"{cut}: the picture cannot be read: the file ends too early",
        ("-p", "image_path", "../one.png"): "the picture has a single color: there is nothing to cluster",
        ("-p", "image_path", "https://example.org/a.png"): "https://example.org/a.png: addresses are not read",
        ("-p", "image_path", "none.png"): "a relative path counts from the folder in which the command is typed",
        ("-f", str(tmp_path / "values.yml")): repr(str(tmp_path / "none.png")),
    }.items():  # fmt: skip
        assert cli.main(["run", *words]) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1), err
        assert err.startswith("course: image_path")
        assert reason in err
    assert not list(project.root.glob("runs/*"))


def test_a_run_says_that_the_file_holds_a_larger_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(make_project(tmp_path, "takes_image").root)
    path = pages(tmp_path / "a.tif", (32, 24), (512, 384))
    assert cli.main(["run", "-p", "image_path", str(path)]) == 0
    assert "a larger one in the file, 512 × 384, is not" in capsys.readouterr().err
