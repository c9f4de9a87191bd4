"""What a picture's file says is what is read: bands, bits, missing pixels, areas, origin; else one line of error."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from helpers import raster, segmentation

RANDOM = np.random.RandomState(0)
RGB = RANDOM.randint(0, 256, (40, 31, 3)).astype(np.uint8)
DEEP = (RANDOM.randint(0, 3000, (40, 31, 3)) + 500).astype(np.uint16)


def tiff(path: Path, bands: np.ndarray, tags: dict[str, Any] | None = None, **profile: Any) -> Path:
    """Write an array of shape (h, w, bands) as a TIFF."""
    means, mask, colors = (profile.pop(name, None) for name in ("colorinterp", "mask", "colormap"))
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
    assert np.array_equal(segmentation.read_image(tmp_path / "a.tif"), RGB)


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
        white = segmentation.read_image(path)
        assert (white[missing] == 255).all()


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
        "fractions": (
            tiff(folder / "float.tif", RGB.astype(np.float32)),
            "its values are of type float32; whole numbers of 8 or 16 bits are read here",
        ),
        "large": (large, "12,000 × 12,000 pixels are more than 125,000,000; .* -outsize 93% 93%"),
        "missing": (folder / "none.tif", "there is no such file; give the path of"),
        "folder": (folder, "a folder, not a picture"),
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "case", ["cut", "text", "empty", "another format", "fractions", "large", "missing", "folder"]
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


def test_how_far_a_large_picture_is_reduced():
    assert raster.reduction((215, 237)) == 1
    assert raster.reduction((10_980, 10_980)) == 8
    assert raster.reduction((3, 2_000_001)) == 3
    assert raster.reduction((5, 4), most=6) == 2


def test_what_the_head_of_a_file_shows_is_refused_without_reading_it(tmp_path):
    raster.check(raster.LANDSAT)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="not a PNG, JPEG or TIFF"):
        raster.check(tmp_path / "text.png")
    with pytest.raises(ValueError, match="more than 100"):
        raster.check(raster.LANDSAT, max_pixels=100)
    about = {"driver": "GTiff", "width": 4, "height": 4, "count": 3, "dtype": "float32"}
    with rasterio.open(
        tmp_path / "f.tif", "w", transform=rasterio.Affine(1, 0, 5, 0, -1, 5), **about
    ) as file:
        file.write(np.ones((3, 4, 4), dtype=np.float32))
    for refuse in (raster.check, raster.read):
        with pytest.raises(ValueError, match=r"float32.*rio convert .* --scale-ratio 10000"):
            refuse(tmp_path / "f.tif")


def test_the_part_that_holds_most_data():
    mask = np.zeros((10, 12), dtype=bool)
    assert raster.fullest(mask, 5) == (slice(0, 5), slice(0, 5))
    mask[:6, :] = True
    assert raster.fullest(mask, 5) == (slice(5, 10), slice(0, 5))
