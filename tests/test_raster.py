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
from PIL import Image, ImageCms
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


def tiff(path: Path, bands: np.ndarray, tags: dict[str, Any] | None = None, **profile: Any) -> Path:
    """Write an array of shape (h, w, bands) as a TIFF."""
    own = ("colorinterp", "mask", "colormap", "descriptions", "band_tags")
    means, mask, colors, descriptions, band_tags = (profile.pop(name, None) for name in own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(
                path, "w", driver="GTiff", height=bands.shape[0], width=bands.shape[1], count=bands.shape[2],
                dtype=bands.dtype, **profile,
            ) as dataset,
        ):  # fmt: skip
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


def test_the_picture_of_the_course_is_the_one_that_data_describes():
    assert hashlib.sha256(raster.LANDSAT.read_bytes()).hexdigest() in Path("data/README.md").read_text(
        encoding="utf-8"
    )
    read = raster.read()
    assert read.image.shape == (215, 237, 3)
    assert (read.image[read.mask] == 0).all()
    assert read.mask.mean() == pytest.approx(0.3251, abs=1e-4)
    assert read.row_area == pytest.approx(np.full(215, 1.0013924 * 1.002), rel=1e-6)
    assert (read.about["coordinates"], read.about["date"]) == ("EPSG:32618", raster.NOT_STATED)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"compress": "lzw"},
        {"compress": "deflate", "predictor": 2, "tiled": True, "blockxsize": 16, "blockysize": 16},
        {"interleave": "band", "BIGTIFF": "YES", "ENDIANNESS": "BIG"},
    ],
    ids=str,
)
def test_eight_bits_are_read_as_they_are(tmp_path, monkeypatch, profile):
    monkeypatch.setattr(raster, "STRIP", 300)  # several strips, the last of them short
    read = raster.read(tiff(tmp_path / "a.tif", RGB, **profile))
    assert np.array_equal(read.image, RGB)
    assert read.image.dtype == np.uint8
    assert not read.mask.any()
    assert read.row_area is None
    assert read.about["values"] == "8 bit, as they are"


def test_pixels_without_data_are_masked_however_the_file_says_so(tmp_path):
    missing = np.zeros(RGB.shape[:2], dtype=bool)
    missing[3:9, 2:30] = True
    rgb = np.where(missing[..., None], 7, np.maximum(RGB, 8)).astype(np.uint8)
    alpha = np.where(missing, 0, 200).astype(np.uint8)[..., None]
    rgba = np.concatenate([rgb, alpha], axis=2)
    rgb_only = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    paths = [
        tiff(tmp_path / "value.tif", rgb, nodata=7),
        tiff(tmp_path / "alpha.tif", rgba, colorinterp=[*rgb_only, ColorInterp.alpha]),
        tiff(tmp_path / "mask.tif", rgb, mask=~missing),
    ]
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    for path in [*paths, tmp_path / "alpha.png"]:
        read = raster.read(path)
        assert np.array_equal(read.mask, missing), path
        if path.suffix == ".tif":
            assert np.array_equal(read.image[~missing], rgb[~missing]), path
        assert read.about["no data"] == f"{missing.mean():.1%} of the pixels"


def test_a_pixel_with_one_band_of_the_no_data_value_has_data(tmp_path):
    rgb = RGB.copy()
    rgb[0, 0], rgb[0, 1], rgb[1, 1] = (0, 0, 0), (0, 9, 9), (0, 0, 1)
    read = raster.read(tiff(tmp_path / "a.tif", rgb, nodata=0))
    assert read.mask[0, 0]
    assert not read.mask[0, 1]
    assert not read.mask[1, 1]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_sixteen_bits_go_into_bins_of_one_scale_and_the_card_says_which(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(raster, "STRIP", 300)
    bands = DEEP.astype(dtype) - (700 if dtype == np.int16 else 0)
    bands[0, 0] = 30_000
    read = raster.read(tiff(tmp_path / "a.tif", bands, nodata=30_000))
    values = bands[~read.mask]
    low, width = (int(word.replace(",", "").replace("−", "-")) for word in (
        read.about["values"].split("values from ")[1].split(" up")[0],
        read.about["values"].split("in bins of ")[1].split(" values")[0],
    ))  # fmt: skip
    assert np.array_equal(read.image[~read.mask], np.clip((values.astype(int) - low) // width, 0, 255))
    assert f"from {values.min():,} to {values.max():,};" in read.about["values"]
    assert width == 12
    beyond = ((values < low) | (values >= low + 256 * width)).mean()
    assert f"{beyond:.2%} lie beyond" in read.about["values"]
    assert beyond < 0.0021


def test_one_hot_pixel_does_not_coarsen_the_bins(tmp_path):
    bands = DEEP.copy()
    bands[5, 5] = 65_535
    assert "in bins of 12 values" in raster.read(tiff(tmp_path / "a.tif", bands)).about["values"]


def test_sixteen_bits_that_fit_into_eight_lose_nothing(tmp_path):
    small = RGB.astype(np.uint16)
    read = raster.read(tiff(tmp_path / "a.tif", small))
    assert np.array_equal(read.image, RGB)
    assert read.about["values"].endswith(", as they are")
    read = raster.read(tiff(tmp_path / "b.tif", small + 1000))
    assert np.array_equal(read.image, RGB)
    assert "counted from 1,000" in read.about["values"]


def test_a_png_of_sixteen_bits(tmp_path):
    path = tmp_path / "deep.png"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="PNG", height=40, width=31, count=3, dtype="uint16") as dataset:
            dataset.write(np.moveaxis(DEEP, -1, 0))
    read = raster.read(path)
    assert "in bins of 12 values" in read.about["values"]
    assert len(np.unique(read.image)) > 200


def test_which_bands_are_taken_is_stated(tmp_path):
    many = RANDOM.randint(0, 256, (9, 8, 5)).astype(np.uint8)
    read = raster.read(tiff(tmp_path / "many.tif", many, photometric="minisblack"))
    assert np.array_equal(read.image, many[..., :3])
    assert read.about["bands"] == "5; 1, 2, 3 taken for red, green, blue, since the file names none"
    means = [
        ColorInterp.undefined,
        ColorInterp.blue,
        ColorInterp.green,
        ColorInterp.red,
        ColorInterp.undefined,
    ]
    read = raster.read(tiff(tmp_path / "named.tif", many, colorinterp=means))
    assert np.array_equal(read.image, many[..., [3, 2, 1]])
    assert read.about["bands"] == "5; red, green, blue are 4, 3, 2"
    read = raster.read(tiff(tmp_path / "gray.tif", many[..., :1]))
    assert np.array_equal(read.image, np.repeat(many[..., :1], 3, axis=2))
    assert "taken as gray" in read.about["bands"]
    colors = {value: (value, 255 - value, 7, 255) for value in range(256)}
    read = raster.read(tiff(tmp_path / "palette.tif", many[..., :1], colormap=colors))
    assert np.array_equal(read.image[..., 1], 255 - many[..., 0])
    assert (read.image[..., 2] == 7).all()


def test_inks_become_colors(tmp_path):
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "inks.tif")
    assert np.array_equal(raster.read(tmp_path / "inks.tif").image, RGB)


PLACES = {
    "10 meters": ("EPSG:32633", (500_000, 5_000_000, 10, 10), 1e-4, 1e-9),
    "feet": ("EPSG:2263", (980_000, 200_000, 100, 100), (100 * 0.3048006096 / 1000) ** 2, 1e-6),
    # on the ellipsoid a degree around 60° north covers 6188.6 square kilometers
    "degrees": ("EPSG:4326", (10, 60.5, 1, 1), 6188.6, 5e-3),
    # at 60° a meter of the web's map is half a meter on the ground
    "web map": ("EPSG:3857", (1_000_000, 8_399_737.9 + 500, 1000, 1000), 0.25, 1e-3),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_area_of_a_pixel(tmp_path, place):
    crs, origin, area, within = PLACES[place]
    read = raster.read(tiff(tmp_path / "a.tif", RGB[:1, :1], crs=crs, transform=from_origin(*origin)))
    assert read.row_area == pytest.approx([area], rel=within)
    assert read.about["coordinates"] == crs
    assert read.about["pixel size"] != raster.NOT_STATED


def test_what_the_file_says_of_its_origin(tmp_path):
    tags = {
        "TIFFTAG_DATETIME": "2001:02:03 04:05:06", "TIFFTAG_COPYRIGHT": "CC0 | `x` <script>\n{#a}",
        "TIFFTAG_IMAGEDESCRIPTION": "b" * 300,
    }  # fmt: skip
    about = raster.read(tiff(tmp_path / "a.tif", RGB, tags)).about
    assert about["date"] == "2001:02:03 04:05:06"
    assert about["license"] == "CC0  x script a"
    assert len(about["source"]) == 100
    exif = Image.Exif()
    exif[306], exif[33432] = "1999:12:31 23:59:59", "by me"
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    about = raster.read(tmp_path / "a.jpg").about
    assert (about["date"], about["license"], about["source"]) == (
        "1999:12:31 23:59:59",
        "by me",
        "not stated",
    )
    assert about["pixel size"] == about["coordinates"] == "not stated"


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    assert raster.read(tmp_path / "a.jpg").image.shape == (31, 40, 3)


def unsuitable(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return files that are not read, and why."""
    whole = tiff(folder / "whole.tif", np.repeat(RGB, 9, axis=0), compress="deflate").read_bytes()
    (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])
    (folder / "text.tif").write_text("not a picture\n")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "web.tif").write_text("<VRTDataset rasterXSize='9' rasterYSize='9'/>")
    large = tiff(folder / "large.tif", RGB[:1, :1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        size = {"height": 12_000, "width": 12_000, "count": 3, "dtype": "uint8"}
        with rasterio.open(large, "w", driver="GTiff", SPARSE_OK=True, **size):
            pass
    return {
        "cut": (folder / "cut.tif", "the picture cannot be read"),
        "text": (folder / "text.tif", "this is not a PNG, JPEG or TIFF picture"),
        "empty": (folder / "empty.tif", "this is not a PNG, JPEG or TIFF picture"),
        "another format": (folder / "web.tif", "this is not a PNG, JPEG or TIFF picture"),
        "complex": (tiff(folder / "complex.tif", RGB.astype(np.complex64)), "its values are complex numbers"),
        "large": (large, "12,000 × 12,000 pixels are more than 125,000,000; .* -outsize 93% 93%"),
        "missing": (folder / "none.tif", "there is no such file; give the path of"),
        "folder": (folder, "a folder, not a picture"),
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "case", ["cut", "text", "empty", "another format", "complex", "large", "missing", "folder"]
)
def test_a_file_that_is_not_read_is_told_in_one_line(tmp_path, case, capfd):
    path, reason = unsuitable(tmp_path)[case]
    with pytest.raises(ValueError, match=reason) as error:
        raster.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


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


def test_nothing_is_written_beside_the_picture(tmp_path):
    path = tiff(tmp_path / "a.tif", DEEP, nodata=600)
    before = {entry: entry.read_bytes() for entry in tmp_path.iterdir()}
    raster.read(path)
    assert {entry: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_what_the_head_of_a_file_shows_is_refused_without_reading_it(tmp_path):
    raster.check(raster.LANDSAT)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="not a PNG, JPEG or TIFF"):
        raster.check(tmp_path / "text.png")
    with pytest.raises(ValueError, match="more than 100"):
        raster.check(raster.LANDSAT, max_pixels=100)
    path = tiff(tmp_path / "c.tif", RGB.astype(np.complex64))
    for refuse in (raster.check, raster.read):
        with pytest.raises(ValueError, match="complex numbers; save their magnitudes as float32"):
            refuse(path)


# Values: floating point, wide integers, missing values that are declared or not

LEFT = np.zeros(RGB.shape[:2], dtype=bool)
LEFT[:, :5] = True  # what is missing in the pictures below


def with_missing(value: float, dtype: Any) -> np.ndarray:
    """Return reflectances of 0 to 1, or whole numbers of 0 to 2,550, without data in the left columns."""
    values = RGB / 255 if np.dtype(dtype).kind == "f" else RGB.astype(np.int64) * 10
    return np.where(LEFT[..., None], value, values).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("value", "declared"),
    [
        (np.nan, True),
        (np.nan, False),
        (np.inf, False),
        (-9999, True),
        (-9999, False),
        (-3.4028234663852886e38, False),
    ],
)
def test_floating_point_values_are_binned_and_missing_ones_masked(
    tmp_path, monkeypatch, dtype, value, declared
):
    monkeypatch.setattr(raster, "STRIP", 300)
    bands = with_missing(value, dtype)
    read = raster.read(tiff(tmp_path / "a.tif", bands, **({"nodata": value} if declared else {})))
    assert np.array_equal(read.mask, LEFT)
    assert np.abs(read.image[~LEFT].astype(int) - RGB[~LEFT]).max() <= 1
    assert f"{8 * np.dtype(dtype).itemsize} bit, from 0 to 1; in bins of 0.0039" in read.about["values"]
    assert read.about["no data"].startswith(f"{LEFT.mean():.1%} of the pixels")


def test_a_pixel_that_lacks_one_band_has_no_color(tmp_path):
    bands = with_missing(0.5, np.float32)
    bands[7, 9, 1] = np.nan
    read = raster.read(tiff(tmp_path / "nan.tif", bands))
    assert read.mask.sum() == read.mask[7, 9] == 1
    bands[7, 9, 1] = -9999
    assert raster.read(tiff(tmp_path / "value.tif", bands, nodata=-9999)).mask.sum() == 1


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"]
)
def test_whole_numbers_that_fit_into_eight_bits_stay_as_they_are(tmp_path, dtype):
    small = (RGB // 2).astype(dtype)
    read = raster.read(tiff(tmp_path / "a.tif", small))
    assert np.array_equal(read.image, RGB // 2)
    assert read.about["values"].endswith("as they are")


def test_wide_integers_go_into_bins(tmp_path):
    read = raster.read(tiff(tmp_path / "a.tif", RGB.astype(np.int32) * 100_000 - 5_000_000))
    assert np.array_equal(read.image, RGB)
    assert "32 bit, from -5,000,000 to 20,500,000; in bins of 99," in read.about["values"]


@pytest.mark.parametrize(("value", "dtype"), [(65_535, np.uint16), (-9_999, np.int16), (-32_768, np.int16)])
def test_an_undeclared_value_far_from_all_others_is_no_data_and_the_card_says_so(tmp_path, value, dtype):
    path = tiff(tmp_path / "a.tif", with_missing(value, dtype))
    read = raster.read(path)
    assert np.array_equal(read.mask, LEFT)
    assert np.array_equal(read.image[~LEFT], RGB[~LEFT])
    assert f"{value:,}, far from all other values, taken for no data" in read.about["no data"]


def test_a_saturated_pixel_is_no_missing_one(tmp_path):
    bright = RGB.astype(np.uint16) * 256
    bright[3:9, 3:9] = 65_535
    read = raster.read(tiff(tmp_path / "a.tif", bright))
    assert not read.mask.any()
    assert (read.image[3:9, 3:9] == 255).all()
    black_and_white = (RGB // 128).astype(np.uint16) * 65_535
    assert not raster.read(tiff(tmp_path / "b.tif", black_and_white)).mask.any()


# Palettes, white as zero, few bits


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_colors_of_a_palette_are_kept_at_any_depth(tmp_path, dtype):
    colors = {value: (value, 255 - value, 7, 255) for value in range(256)}
    read = raster.read(tiff(tmp_path / "a.tif", RGB[..., :1].astype(dtype), colormap=colors))
    assert np.array_equal(read.image, np.dstack([RGB[..., 0], 255 - RGB[..., 0], np.full(LEFT.shape, 7)]))
    assert "the colors of the palette" in read.about["values"]


@pytest.mark.parametrize(
    ("dtype", "bits"), [("uint8", 1), ("uint8", 2), ("uint8", 4), ("uint8", 8), ("uint16", 16)]
)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_gray_of_any_depth_is_spread_over_all_shades_and_white_as_zero_turned_round(
    tmp_path, dtype, bits, photometric
):
    most = 2**bits - 1
    gray = (RGB[..., :1].astype(int) * most // 255).astype(dtype)
    few = {"nbits": bits} if bits < 8 else {}
    read = raster.read(tiff(tmp_path / "a.tif", gray, photometric=photometric, **few))
    shades = np.repeat(gray.astype(int) * 255 // most, 3, axis=2)
    assert np.array_equal(read.image, 255 - shades if photometric == "miniswhite" else shades)
    assert ("zero is white" in read.about["values"]) == (photometric == "miniswhite")


def test_white_as_zero_as_pillow_writes_it(tmp_path):
    Image.fromarray(RGB[..., 0]).save(tmp_path / "a.tif", tiffinfo={262: 0})
    assert np.array_equal(raster.read(tmp_path / "a.tif").image[..., 0], RGB[..., 0])
    deep = (
        RGB[..., 0].astype(np.uint16) * 257
    )  # which Pillow does not turn round, and to which GDAL gives a palette
    Image.fromarray(deep).save(tmp_path / "b.tif", tiffinfo={262: 0})
    assert np.array_equal(raster.read(tmp_path / "b.tif").image[..., 0], 255 - RGB[..., 0])


# Bands


@pytest.mark.parametrize(
    "said",
    [
        {"descriptions": ("blue", "green", "red", "nir")},
        {"descriptions": ("Blue (490 nm)", "Green (560 nm)", "Red (665 nm)", "Near Infra Red")},
        {"descriptions": ("B02", "B03", "B04", "B08")},
        {"descriptions": ("B2, central wavelength 490 nm", "B3, central wavelength 560 nm",
                          "B4, central wavelength 665 nm", "B8, central wavelength 842 nm")},
        {"band_tags": [{"wavelength": text} for text in ("482.0", "561.4", "654.6", "864.7")]},
        {"band_tags": [{"CENTRAL_WAVELENGTH_UM": text} for text in ("0.490", "0.560", "0.665", "0.842")]},
    ],
    ids=str,
)  # fmt: skip
def test_bands_are_taken_by_what_the_file_says_of_them(tmp_path, said):
    four = np.dstack([RGB[..., ::-1], RGB[..., 0]])
    read = raster.read(tiff(tmp_path / "a.tif", four, photometric="minisblack", **said))
    assert np.array_equal(read.image, RGB)
    assert read.about["bands"].startswith("4; red, green, blue are 3, 2, 1, as the file describes them")


def test_names_that_only_contain_a_color_are_not_it(tmp_path):
    four = np.dstack([255 - RGB[..., 0], RGB])
    for other in ("red edge", "near infrared red", "Vegetation red-edge 1"):
        named = {"descriptions": (other, "red", "green", "blue"), "photometric": "minisblack"}
        assert np.array_equal(raster.read(tiff(tmp_path / "a.tif", four, **named)).image, RGB)


def test_a_description_counts_more_than_a_tag(tmp_path):
    named = {"descriptions": ("blue", "green", "red"), "photometric": "RGB"}
    assert np.array_equal(raster.read(tiff(tmp_path / "a.tif", RGB[..., ::-1], **named)).image, RGB)


def test_a_band_called_alpha_that_holds_values_is_no_mask(tmp_path):
    near_infrared = RANDOM.randint(0, 200, LEFT.shape).astype(np.uint8)
    assert (near_infrared == 0).any()
    for bands in (np.dstack([RGB, near_infrared]), np.dstack([DEEP, near_infrared.astype(np.uint16) * 9])):
        read = raster.read(tiff(tmp_path / "a.tif", bands, photometric="RGB", alpha="YES"))
        assert not read.mask.any()
        assert "4 is called alpha, but holds values" in read.about["bands"]


def test_the_reader_chooses_bands(tmp_path):
    many = RANDOM.randint(0, 256, (9, 8, 5)).astype(np.uint8)
    path = tiff(tmp_path / "many.tif", many, photometric="minisblack")
    read = raster.read(path, bands=(4, 3, 2))
    assert np.array_equal(read.image, many[..., [3, 2, 1]])
    assert read.about["bands"] == "5; 4, 3, 2 taken for red, green, blue, as asked"
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert np.array_equal(raster.read(tmp_path / "a.png", bands=(3, 3, 1)).image, RGB[..., [2, 2, 0]])
    for wrong in ((4, 3), (0, 1, 2), (4, 3, 6), (1, 2, "3")):
        with pytest.raises(ValueError, match=r"bands = .*: must be three numbers from 1 to 5"):
            raster.read(path, bands=wrong)


def test_the_head_names_bands_that_read_takes(tmp_path):
    names = ("Aerosol", "blue", "B03", "red", "NIR")
    many = RANDOM.randint(0, 256, (9, 8, 5)).astype(np.uint8)
    path = tiff(tmp_path / "many.tif", many, photometric="minisblack", descriptions=names)
    assert raster.head(path) == (8, 9, list(names))
    read = raster.read(path, bands=("nir", "Red", "b03"))
    assert np.array_equal(read.image, many[..., [4, 3, 2]])
    with pytest.raises(ValueError, match="or three of the names Aerosol, blue, B03, red, NIR"):
        raster.read(path, bands=("nir", "red", "infrared"))
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert raster.head(tmp_path / "a.png") == (31, 40, ["red", "green", "blue"])
    with pytest.raises(ValueError, match="are more than 100; make it smaller"):
        raster.head(path.with_name("a.png"), max_pixels=100)


# Which way is up


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_as_a_jpeg_is(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(RGB).save(tmp_path / "a.tif", tiffinfo={274: orientation})
    as_photo, as_tiff = raster.read(tmp_path / "a.png"), raster.read(tmp_path / "a.tif")
    assert np.array_equal(as_photo.image, as_tiff.image)
    assert as_tiff.mask.shape == as_tiff.image.shape[:2]


def test_a_picture_with_a_place_on_a_map_is_not_turned_as_a_camera_was_held(tmp_path):
    from_the_corner = {33550: (10.0, 10.0, 0.0), 33922: (0.0, 0.0, 0.0, 500_000.0, 5_000_000.0, 0.0)}
    Image.fromarray(RGB).save(tmp_path / "a.tif", tiffinfo={274: 6, **from_the_corner})


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


def test_a_map_is_written_where_the_picture_lies(tmp_path):
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
    read = raster.read(tiff(tmp_path / "a.tif", RGB, **place))
    again = raster.read(tiff(tmp_path / "b.tif", read.image, crs=read.crs, transform=read.transform))
    assert (
        (again.crs, again.transform)
        == (read.crs, read.transform)
        == (rasterio.CRS.from_epsg(32633), place["transform"])
    )
    assert np.array_equal(again.row_area, read.row_area)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_picture_without_a_place_has_no_transform(tmp_path, name):
    Image.fromarray(RGB).save(tmp_path / name)
    read = raster.read(tmp_path / name)
    assert (read.crs, read.transform, read.row_area) == (None, None, None)


def test_the_area_of_a_rotated_pixel(tmp_path):
    place = rasterio.Affine(7, 7, 5e5, 7, -7, 5e6)
    read = raster.read(tiff(tmp_path / "a.tif", RGB, crs="EPSG:32633", transform=place))
    assert read.row_area == pytest.approx(np.full(40, 98e-6))
    assert "rotated" in read.about["size"]
    for crs in ("EPSG:4326", "EPSG:3857"):  # along a row, latitude changes
        assert raster.read(tiff(tmp_path / "a.tif", RGB, crs=crs, transform=place)).row_area is None


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
    Image.fromarray(RGB).save(
        tmp_path / "d.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(RGB)]
    )
    assert "page 1 of 2" in raster.read(tmp_path / "d.jpg").about["pages"]


def test_overviews_and_masks_are_no_pages(tmp_path):
    path = tmp_path / "a.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        size = {"height": 1200, "width": 930, "count": 3, "dtype": "uint8"}
        with rasterio.open(path, "w", driver="COG", overview_count=2, **size) as dataset:
            dataset.write(np.moveaxis(np.tile(RGB, (30, 30, 1)), -1, 0))
        with rasterio.open(path) as dataset:
            assert dataset.overviews(1)
    assert "pages" not in raster.read(path).about
    assert raster.check(path) == raster.check(tiff(tmp_path / "b.tif", RGB, mask=RGB[..., 0] > 9)) == ""


# What is refused, and how


def other_formats(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return files that people have, and what is said of each."""
    picture, other = Image.fromarray(RGB), "this is not a PNG, JPEG or TIFF picture; save it as one"
    for name in ("a.gif", "a.webp", "a.bmp"):
        picture.save(folder / name)
    picture.save(folder / "moves.png", save_all=True, append_images=[Image.fromarray(RGB[::-1])])
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    ImageCms.applyTransform(picture, to_lab).save(folder / "lab.tif")
    for name, begin in {"a.heic": b"\0\0\0\x18ftypheic", "a.svg": b"<svg/>", "a.pdf": b"%PDF-1.7"}.items():
        (folder / name).write_bytes(begin + b"\n" * 99)
    named = {path.name: (path, other) for path in folder.iterdir() if path.stem == "a"}
    return named | {
        "moves.png": (folder / "moves.png", "an animation; save one picture of it as PNG"),
        "lab.tif": (folder / "lab.tif", "CIE Lab; save it as RGB"),
        "lab16.tif": (tiff(folder / "lab16.tif", DEEP, photometric="CIELAB"), "CIE Lab; save it as RGB"),
        "inks.tif": (tiff(folder / "inks.tif", np.dstack([DEEP, DEEP[..., 0]]), photometric="CMYK"), "CMYK"),
        "new\nline.png": (folder / "new\nline.png", "there is no such file"),
        "address": (Path("https://example.org/a.png"), "addresses are not read: download the picture"),
        "stranger": (Path("~nobody-of-this-name/a.png"), "there is no such file"),
    }


def test_other_formats_and_places_are_refused_in_one_line(tmp_path):
    for path, reason in other_formats(tmp_path).values():
        for refuse in (raster.read, raster.check):
            with pytest.raises(ValueError, match=re.escape(reason)) as error:
                refuse(path)
            assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"s3://bucket/a\.tif: addresses are not read"):
        raster.read("s3://bucket/a.tif")


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
def test_pipes_and_links_that_lead_nowhere_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "none").symlink_to(tmp_path / "nothing")
    for name, reason in {
        "pipe": "not a file",
        "loop": "leads to no file",
        "none": "leads to no file",
    }.items():
        with pytest.raises(ValueError, match=reason):
            raster.read(tmp_path / name)


def test_the_home_folder_is_known_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME" if os.name == "posix" else "USERPROFILE", str(tmp_path))
    Image.fromarray(RGB).save(tmp_path / "mine.png")
    assert np.array_equal(raster.read("~/mine.png").image, RGB)


@pytest.mark.parametrize("name", ["two\nlines.tif", "a:b?c=1#x.tif", "zip:x.tif", "GTIFF_DIR:1:x.tif"])
def test_names_that_mean_something_to_a_library_are_names(tmp_path, monkeypatch, name):
    if os.name != "posix":
        pytest.skip("no such names")
    monkeypatch.chdir(tmp_path)
    with Path(name).open("wb") as file:
        Image.fromarray(RGB).save(file, "TIFF")
    assert np.array_equal(raster.read(name).image, RGB)


@pytest.mark.parametrize("kind", ["png", "jpg", "lzw.tif", "deflate.tif", "16 bit.png"])
def test_a_file_that_ends_too_early_is_said_to(tmp_path, kind):
    path = tmp_path / kind
    if kind.endswith("tif"):
        tiff(path, RGB, compress=kind.partition(".")[0])
    elif kind == "16 bit.png":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            tiff_like = {"height": 40, "width": 31, "count": 3, "dtype": "uint16"}
            with rasterio.open(path, "w", driver="PNG", **tiff_like) as dataset:
                dataset.write(np.moveaxis(DEEP, -1, 0))
    else:
        Image.fromarray(RGB).save(path, format={"png": "PNG", "jpg": "JPEG"}[kind])
    whole = path.read_bytes()
    for part in (0.02, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(part * len(whole))])
        for refuse in (raster.read, raster.check):
            with pytest.raises(ValueError, match="the file ends too early; copy or download it again"):
                refuse(path)


def test_text_in_a_png_is_no_reason_to_refuse_it(tmp_path):
    text = PngInfo()
    text.add_text("XML:com.adobe.xmp", "x" * 5_000_000, zip=True)
    text.add_itxt("note", "y" * 3_000_000, zip=True)
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=text)
    assert np.array_equal(raster.read(tmp_path / "a.png").image, RGB)
    text.add_text("more", "z" * 70_000_000, zip=True)
    Image.fromarray(RGB).save(tmp_path / "b.png", pnginfo=text)
    with pytest.raises(ValueError, match="save it anew without metadata"):
        raster.read(tmp_path / "b.png")


def png_of_size(path: Path, width: int, height: int) -> Path:
    """Write the head of a PNG of this size, in gray."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 99)),
    ]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in [*chunks, (b"IEND", b"")]
        )
    )
    return path


@pytest.mark.parametrize("side", [12_000, 13_000, 30_000, 60_000])
def test_every_too_large_picture_is_refused_in_the_same_words(tmp_path, side):
    words = f"{side:,} × {side:,} pixels are more than 125,000,000; make it smaller"
    for refuse in (raster.read, raster.check):
        with pytest.raises(ValueError, match=words):
            refuse(png_of_size(tmp_path / "a.png", side, side))


def test_a_picture_with_nothing_to_cluster_is_refused_by_the_check(tmp_path):
    one = np.full((40, 31, 4), 90, dtype=np.uint8)
    Image.fromarray(one[..., :3]).save(tmp_path / "single.png")
    Image.fromarray(one[:1, :1, :3]).save(tmp_path / "pixel.png")
    visible = np.dstack([RGB, np.zeros(LEFT.shape, np.uint8)])
    visible[5, 6, 3] = 255
    Image.fromarray(visible).save(tmp_path / "visible.png")
    tiff(tmp_path / "float.tif", np.full((9, 9, 3), 0.5, np.float32))
    for name in ("single.png", "pixel.png", "visible.png", "float.tif"):
        with pytest.raises(ValueError, match="the picture has a single color: there is nothing to cluster"):
            raster.check(tmp_path / name)
    with pytest.raises(ValueError, match="no pixel holds data: there is nothing to cluster"):
        raster.check(tiff(tmp_path / "none.tif", np.full((9, 9, 3), np.nan, np.float32)))
    visible[7, 7, 3] = 255
    Image.fromarray(visible).save(tmp_path / "two.png")
    assert raster.check(tmp_path / "two.png") == ""


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
        (
            "-p",
            "image_path",
            "https://example.org/a.png",
        ): "https://example.org/a.png: addresses are not read",
        (
            "-p",
            "image_path",
            "none.png",
        ): "a relative path counts from the folder in which the command is typed",
        ("-f", str(tmp_path / "values.yml")): repr(str(tmp_path / "none.png")),
    }.items():
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
