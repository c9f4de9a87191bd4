"""What a chapter shows and keeps: records that scrapbook can read, prose from records, figures, tables."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from helpers import landscape, plots, record


@pytest.fixture
def shown(monkeypatch) -> list[dict[str, Any]]:
    """Return the list of outputs that the functions under test show, as a notebook would hold them."""
    outputs: list[dict[str, Any]] = []

    def display(data: dict[str, Any], metadata: dict[str, Any] | None = None, raw: bool = False) -> None:
        assert raw
        outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    monkeypatch.setattr(record, "display", display)
    monkeypatch.setattr(record, "_found", {})
    return outputs


def as_stored(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outputs after a notebook that holds them was written, validated and read."""
    text = nbformat.writes(new_notebook(cells=[new_code_cell("", outputs=outputs)]))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return list(notebook.cells[0].outputs)


def text_of(output: dict[str, Any]) -> str:
    assert set(output["data"]) == {"text/markdown"}
    return str(output["data"]["text/markdown"])


# Records


def test_a_record_is_a_scrap(shown):
    record.record("share", 0.25)
    (output,) = as_stored(shown)
    assert output["data"] == {
        "application/scrapbook.scrap.json+json": {
            "name": "share",
            "data": 0.25,
            "encoder": "json",
            "version": 1,
        }
    }
    assert output["metadata"] == {"scrapbook": {"name": "share", "data": True, "display": False}}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (True, True),
        (None, None),
        ("text", "text"),
        (np.bool_(True), True),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ((1, np.float64(2)), [1, 2.0]),
        ({"water": np.float64(0.5), 3: [np.int8(1)]}, {"water": 0.5, "3": [1]}),
        ([], []),
    ],
)
def test_values_become_plain(shown, value, plain):
    record.record("value", value)
    (output,) = as_stored(shown)
    data = output["data"][record.SCRAP]["data"]
    assert json.dumps(data, sort_keys=True) == json.dumps(plain, sort_keys=True)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        np.float64("nan"),
        [1.0, math.nan],
        {"a": np.array([np.inf])},
        {1},
        object(),
        1j,
    ],
)
def test_what_json_cannot_keep_is_refused(shown, value):
    with pytest.raises(ValueError, match=r"^record: share cannot be kept as JSON: "):
        record.record("share", value)
    assert shown == []
    with pytest.raises(KeyError, match="not recorded: share"):
        record.prose("{share}")


@pytest.mark.parametrize("name", ["", "two words", "1st", "a-b", "a.b", "{x}"])
def test_a_name_that_prose_could_not_use(shown, name):
    with pytest.raises(ValueError, match="is not a Python name"):
        record.record(name, 1)


# Prose


def test_prose_is_made_of_records(shown):
    record.record("share", 0.2864)
    record.record("pixels", np.int64(262144))
    record.record("by_terrain", {"water": 0.5, "snow": 0.1})
    record.record("ks", [2, 3])
    record.prose("""
        Of {pixels:,} pixels {share:.1%} are water,
        {by_terrain[water]:.0%} or {ks[1]}; {{this}} is a brace.
    """)
    assert text_of(as_stored(shown)[-1]) == (
        "Of 262,144 pixels 28.6% are water,\n50% or 3; {this} is a brace."
    )


def test_prose_names_what_was_not_recorded(shown):
    record.record("share", 1)
    shown.clear()
    with pytest.raises(KeyError, match="not recorded: other, third"):
        record.prose("{share} {other:.1%} {third[0]}")
    assert shown == []


def test_a_later_record_replaces_an_earlier_one(shown):
    record.record("k", 3)
    record.record("k", 4)
    record.prose("{k}")
    assert text_of(shown[-1]) == "4"


# Figures


def test_a_figure_carries_its_words_and_both_themes(shown):
    record.record("seed", 7)
    image = landscape.colorize(landscape.heights(64, 16.0, seed=7))
    record.figure("fig-picture", plots.picture(image, "A picture"), "The picture of seed {seed}.")
    picture, caption = as_stored(shown)[-2:]
    assert set(picture["data"]) == {"image/png", record.FIGURE}
    about = picture["data"][record.FIGURE]
    assert about["label"] == "fig-picture"
    assert about["caption"] == "The picture of seed 7."
    assert about["alt"]
    drawn = {(p["theme"], p["page"]): p for p in about["pictures"]}
    assert set(drawn) == {(theme, page) for theme in ("light", "dark") for page in ("wide", "narrow")}
    files = {key: Image.open(io.BytesIO(base64.b64decode(p["webp"]))) for key, p in drawn.items()}
    for key, file in files.items():
        assert file.format == "WEBP"
        assert file.size == (2 * drawn[key]["width"], 2 * drawn[key]["height"])
    assert drawn["light", "wide"]["width"] > 600 > 400 > drawn["light", "narrow"]["width"]
    assert files["light", "wide"].tobytes() != files["dark", "wide"].tobytes()
    shown_by_jupyter = Image.open(io.BytesIO(base64.b64decode(picture["data"]["image/png"])))
    assert shown_by_jupyter.format == "PNG"
    one, other = (np.asarray(file.convert("RGBA")) for file in (shown_by_jupyter, files["light", "wide"]))
    # Opaque, since a dark theme of Jupyter shows through what is not.
    assert (one[..., 3] == 255).all()
    opacity = other[..., 3:] / 255
    assert np.abs(one[..., :3] - (other[..., :3] * opacity + 255 * (1 - opacity))).max() <= 1
    assert picture["metadata"]["image/png"] == {"alt": about["alt"], "width": drawn["light", "wide"]["width"]}
    # Jupyter shows the caption below; the stage step knows it by its mark.
    assert text_of(caption) == "*The picture of seed 7.*"
    assert caption["metadata"] == {"course": {"part_of": "fig-picture"}}


def test_a_figure_is_the_same_bytes_each_time(shown):
    image = landscape.colorize(landscape.heights(32, 8.0))
    for _ in range(2):
        record.figure("fig-picture", plots.picture(image, "A picture"), "A picture.")
    assert shown[0]["data"] == shown[2]["data"]


def test_labels_begin_with_their_kind(shown):
    with pytest.raises(ValueError, match="must begin with fig-"):
        record.figure("picture", plots.picture(np.zeros((4, 4, 3), np.uint8), "x"), "A caption.")
    with pytest.raises(ValueError, match="must begin with tbl-"):
        record.table("fig-x", ["a"], [["b"]], "A caption.")
    assert shown == []


def test_captions_name_what_was_not_recorded(shown):
    with pytest.raises(KeyError, match="not recorded: seed"):
        record.table("tbl-x", ["a"], [["b"]], "Of seed {seed}.")
    with pytest.raises(KeyError, match="not recorded: seed"):
        record.figure("fig-x", plots.picture(np.zeros((4, 4, 3), np.uint8), "x"), "Of seed {seed}.")


def test_thumbnail(shown):
    record.thumbnail("3", np.zeros((640, 320, 3)), "heights", "All black.")
    (output,) = as_stored(shown)
    data = output["data"][record.THUMBNAIL]
    assert (data["name"], data["caption"], data["alt"]) == ("3", "heights", "All black.")
    picture = Image.open(io.BytesIO(base64.b64decode(data["png"])))
    assert (picture.format, picture.size) == ("PNG", (160, 320))


# Tables, sources, words


def test_table(shown):
    record.record("k", 4)
    record.table("tbl-k", ["terrain", "share"], [["water", "28.6%"], ["snow", -1.5]], "For k = {k}.")
    assert text_of(as_stored(shown)[-1]) == (
        "| terrain | share |\n| :--- | ---: |\n| water | 28.6% |\n| snow | -1.5 |\n\n*For k = 4.*"
    )


def test_an_empty_table_keeps_its_header(shown):
    record.table("tbl-none", ["region"], [], "None.")
    assert text_of(shown[0]).startswith("| region |\n| ")


def test_source_is_the_function_as_it_is(shown):
    record.source(landscape.terrain)
    text = text_of(shown[0])
    assert "Inside <code>helpers.landscape.terrain</code>" in text
    assert "```python\ndef terrain(h" in text
    assert "np.digitize(h, THRESHOLDS)" in text


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_join(words, text):
    assert record.join(words) == text
