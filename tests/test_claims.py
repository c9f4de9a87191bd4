"""Each claim of each chapter holds on what the chapter finds, and fails on data that are broken for it."""

import contextlib
import copy
import io
import json
import warnings
from collections.abc import Callable
from types import SimpleNamespace as Names
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import claims
from course.exercises import tags_of, text_of
from course.project import load, read_notebook
from helpers import gan
from tests.projects import ROOT

CHAPTERS = {chapter.name[:2]: chapter for chapter in load(ROOT).chapters}
Spoil = Callable[[Names], dict[str, Any]]
TRAIN = gan.train


def few_rounds(*given: Any, rounds: int, **settings: Any) -> Any:
    """Train for less time: what is claimed of networks does not depend on how good they are."""
    return TRAIN(*given, rounds=min(rounds, 900), **settings)


def namespace(chapter: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Run the cells of a chapter, and return the names that they leave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.ExitStack() as stack:
        stack.callback(plt.close, "all")
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(mock.patch("IPython.display.display"))
        stack.enter_context(mock.patch("helpers.gan.train", few_rounds))
        for cell in read_notebook(chapter.source)["cells"]:
            if cell["cell_type"] == "code":
                exec(compile(text_of(cell), chapter.source.name, "exec"), names)
                if "parameters" in tags_of(cell):
                    names.update({name: value for name, value in given.items() if name in names})
    return names


def asked(number: str, names: dict[str, Any]) -> dict[str, bool]:
    """Return each claim of a chapter, and whether it holds."""
    found = json.loads(claims.ask(f"ch{number}", names))["claims"]
    return {claim["text"]: 0 <= claim["off"] <= claim["allowed"] for claim in found}


def bumped(values: Any, by: Any = 1) -> Any:
    """Return a copy of numbers in which the first is another."""
    if isinstance(values, dict):
        first = next(iter(values))
        return values | {first: values[first] + by}
    if hasattr(values, "iloc"):
        return values.__class__(bumped(values.to_numpy(), by), index=values.index)
    changed = np.array(values)
    changed.flat[0] = ~changed.flat[0] if changed.dtype == bool else changed.flat[0] + by
    return changed


def name(which: str, change: Callable[[Any], Any] = bumped) -> Spoil:
    """Return a function that changes one of the chapter's names."""
    return lambda n: {which: change(getattr(n, which))}


def item(which: str, key: Any, change: Callable[[Any], Any]) -> Spoil:
    """Return a function that changes one value of a dictionary, list or table; the key may depend on the names."""

    def spoil(n: Names) -> dict[str, Any]:
        table = copy.deepcopy(getattr(n, which))
        cells = table.loc if hasattr(table, "loc") else table
        place = key(n) if callable(key) else key
        cells[place] = change(cells[place])
        return {which: table}

    return spoil


def attribute(which: str, field: str, change: Callable[[Any], Any]) -> Spoil:
    """Return a function that changes an attribute of one of the chapter's names."""

    def spoil(n: Names) -> dict[str, Any]:
        changed = copy.copy(getattr(n, which))
        value = change(getattr(changed, field))
        if hasattr(changed, "_replace"):
            return {which: changed._replace(**{field: value})}
        object.__setattr__(changed, field, value)  # of a frozen dataclass, too
        return {which: changed}

    return spoil


def more(number: Any) -> Any:
    return number + 1


def larger(number: Any) -> Any:
    return number * 1.01 + 1


def swapped(labels: Any) -> Any:
    """Return labels in which the clusters 0 and 1 have changed places."""
    return np.where(labels == 0, 1, np.where(labels == 1, 0, labels))


def emptied(labels: Any) -> Any:
    """Return labels in which no pixel has the last cluster."""
    return np.where(labels == labels.max(), 0, labels)


def joined(regions: Any) -> Any:
    """Return regions of which the first two are one."""
    return np.where(regions == 2, 1, regions)


def one_moved(points: Any, labels: Any) -> Any:
    """Return labels in which one pixel of the most common color is in another cluster."""
    _, first, count = np.unique(points.reshape(-1, 3), axis=0, return_index=True, return_counts=True)
    changed = labels.copy()
    changed.flat[first[count.argmax()]] = (changed.flat[first[count.argmax()]] + 1) % (labels.max() + 1)
    return changed


def clusters(which: str, fields: tuple[str, str, str], points: str) -> dict[str, Spoil]:
    """Return broken data for what is claimed of k-means, of a name with such labels, centers and WCSS."""
    labels, centers, wcss = fields
    return {
        "Each of the k clusters has pixels": attribute(which, labels, emptied),
        "Pixels of one color share a cluster": lambda n: attribute(
            which, labels, lambda found: one_moved(getattr(n, points), found)
        )(n),
        "Each center is the mean of its cluster": attribute(which, centers, lambda c: np.add(c, (5, 0, 0))),
        "No pixel is nearer to another center than to its own": attribute(which, labels, swapped),
        "The WCSS is the sum of squared distances": attribute(which, wcss, larger),
    }


FITTED, SEGMENTED = ("labels_", "cluster_centers_", "inertia_"), ("labels", "centers", "wcss")
TERRAIN: dict[str, Spoil] = {"The true terrain follows from the thresholds": name("truth", swapped)}
LANDSCAPE: dict[str, Spoil] = TERRAIN | {
    "The lowest height is 0 and the highest is 1": name("heights", lambda h: 0.9 * h),
    "Colors are interpolated linearly, and rounded down": name("image", lambda i: bumped(i, 2)),
}


def backwards(n: Names) -> dict[str, Any]:
    turned = Names(**vars(n) | attribute("seg", "centers", lambda centers: centers[::-1])(n))
    return attribute("seg", "labels", lambda labels: len(n.seg.centers) - 1 - labels)(turned)


SEGMENTS = clusters("seg", SEGMENTED, "image") | {
    "Clusters go from water to snow, and from dark to light": backwards
}


def of_chosen(field: str, change: Callable[[Any], Any]) -> Spoil:
    """Return a function that changes the model of chapter 4 that has the chosen k."""
    return lambda n: {
        "models": n.models
        | {n.chosen: attribute("model", field, change)(Names(model=n.models[n.chosen]))["model"]}
    }


def one_color_twice(n: Names) -> dict[str, Any]:
    labels = n.models[n.chosen].labels_
    values = n.colors.values.copy()
    values[(labels == 1).argmax()] = values[(labels == 0).argmax()]
    return attribute("colors", "values", lambda _: values)(n)


BROKEN: dict[str, dict[str, Spoil]] = {
    "01": {
        "The rule's answers are those of the nearest mean": name("right", more),
        "Groups are paired with answers in the best way": name("differ", more),
        "Each column is standardized by its mean and standard deviation": item("tables", "standardized", larger),
        "Customers are counted right": item("agreeing", "standardized", more),
        **LANDSCAPE,
        **clusters("model", FITTED, "pixels"),
    },
    "02": {
        "Noise along a line is 0 at each mark": name("noise_along", lambda f: lambda place: place),
        "With seed 0 the noise is that of the package `noise`": name("at_once", lambda h: h + 1e-3),
        **LANDSCAPE,
        "The distinct colors are counted right": name("colors_used", more),
        "The shares of the terrains follow from counting": name("shares", lambda s: bumped(s, 0.01)),
        "The share of blended pixels is right": name("blended_share", lambda share: share + 0.01),
    },
    "03": SEGMENTS
    | {
        "The WCSS never rises from round to round": name("wcss_rounds", lambda w: [*w, w[-1] * 2]),
        "No start ends more than 0.1 % below the solver": name("lowest", lambda w: w * 0.99 - 1),
        "By pixels and by colors, the WCSS is that of all pixels": attribute("by_pixel", "inertia_", larger),
        "Without ties and empty clusters, both ways end alike": lambda n: (
            attribute("by_pixel", "labels_", swapped)(n) | {"start": n.seg.centers}
        ),
        "The shares of the clusters follow from counting": name("cluster_shares", lambda s: bumped(s, 0.01)),
        "Pixels are painted in the color of the nearest terrain": name("nearest_terrain"),
    },
    "04": TERRAIN
    | {
        "Distinct colors stand for all pixels": attribute("colors", "counts", bumped),
        "Each of the k clusters has pixels": of_chosen("labels_", emptied),
        "Pixels of one color share a cluster": one_color_twice,
        "Each center is the mean of its cluster": of_chosen("cluster_centers_", lambda c: np.add(c, (5, 0, 0))),
        "No pixel is nearer to another center than to its own": of_chosen("labels_", swapped),
        "The WCSS is the sum of squared distances": of_chosen("inertia_", larger),
        "The WCSS never rises with k": name("wcss", lambda w: [*w, w[0]]),
        "The agreement follows from counting pairs": name("scores", lambda s: s - 0.01),
        "Each criterion takes the k of its best value": item("takes", "stability", lambda k: 9 if k < 9 else 8),
        "k is chosen by the stated rule": lambda n: {"knee": n.chosen + 1},
    },
    "05": SEGMENTS
    | TERRAIN
    | {
        "Boundaries part clusters": name("edges"),
        "Each connected part of a cluster is one region": name("region", joined),
        "Merging leaves nothing too small, unless everything is": name("min_area", lambda area: 10 * area),
        "Merging changes small regions alone": lambda n: {"small": np.zeros_like(n.small), "labels": swapped(n.labels)},
        "Each marker lies inside its region": name("merged", lambda m: m.assign(**{"marker row": 0})),
        "Each area is the number of its pixels": name("merged", lambda m: m.assign(area=m["area"] + 1)),
        "The confusion matrix counts each pair": name("confusion"),
        "The shares on the map follow from counting": name("shares_mapped", lambda s: bumped(s, 0.01)),
    },
    "06": TERRAIN
    | {
        text: item("color_marks", ("CIELAB", mark), lambda value: value - 0.01)
        for text, mark in {
            "The adjusted Rand index follows from counting pairs": "adjusted Rand index",
            "The share of right pixels follows from counting": "pixels right",
            "The worst overlap follows from counting": "worst overlap",
            "The boundary F1 matches boundaries within 2 pixels": "boundary F1",
        }.items()
    }
    | {
        "No threshold of Otsu's is better one step to a side": name("thresholds", lambda t: np.array(t) + 8),
        "Each piece hangs together": item("pieces", "SLIC", emptied),
        "No map from pieces is right for more pixels than achievable": item("piece_marks", ("SLIC", "achievable"), lambda share: 0.1),
    },
    "07": TERRAIN
    | {
        "The tree's agreement follows from counting pairs": lambda n: {"on_picture": lambda labels: 0.123},
        "Each cluster of a cut lies within one of the next coarser cut": item("cuts", 3, lambda c: c[::-1]),
        "The rises of all joins add up to the sample's WCSS": name("joins", lambda joins: 1.01 * joins),
        "A color is noise exactly if no core point is near": item("dense", 2.0, np.zeros_like),
        "Core points near each other share a cluster": item("dense", 2.0, lambda d: np.arange(d.size).reshape(d.shape)),
        "The memberships of a color add up to 1": name("membership", lambda m: bumped(m, 0.1)),
        "No cloud is thinner than the least width": item("thin", 1, lambda width: 0.9),
        "The BIC follows from the clouds": lambda n: {"bic": 1.01 * n.bic},
        "The lowest BIC is the one that is named": item("lowest", "hard edges", lambda n: 1 if n > 1 else 2),
    },
    "08": {
        "Shares of variance are eigenvalues": name("explained", lambda shares: bumped(shares, 0.01)),
        "PCA loses the variance of the axes that it drops": attribute("straight", "explained_variance_", larger),
        "The PSNR follows from the squared error": item("marks", "one axis", more),
        "Layers by hand predict the same": name("restored"),
        "The rank correlation is the correlation of ranks": item("order", "code", lambda order: order - 0.01),
        "Patches are squares of the picture": name("patches"),
        "Patches make the picture again": name("image"),
        "The distance from a sheet is to the nearest cell": name("sheet", lambda sheet: sheet * 0.9),
        "As many axes are kept as are best for noisy patches": lambda n: {"keep": next(k for k in n.denoised if k != n.keep)},
    },
    "09": TERRAIN
    | {
        "The picture was changed exactly where planted": name("before"),
        "A method of colors gives all pixels of a color one score": item("scores", "one cloud", lambda s: bumped(s, 1.5)),
        "With one cloud, squares average to the directions": item("scores", "one cloud", larger),
        "The score of a patch is the error of its middle": item("scores", "patches", bumped),
        "Each method flags as many pixels as were planted": item("flags", "one cloud", bumped),
        "Each method flags the oddest pixels": item("flags", "one cloud", lambda f: ~f),
        "The average precision is the mean of precisions": name("average", lambda a: bumped(a, 0.01)),
        "Judged by colors or by pixels, clusters score the same": item("by_k", lambda n: n.k - 1, more),
        "Pixels found, missed and left follow from counting": name("outcomes"),
    },
    "10": {
        "A basket holds a terrain exactly on a tenth of the tile": item("held", "water", np.logical_not),
        "Each item is in 0.02 to 0.98 of the tiles": name("baskets", lambda b: b.assign(left=True)),
        "Support, confidence and lift of each rule follow from counting": name(
            "rules", lambda rules: rules.assign(lift=rules["lift"] + 0.01)
        ),
        "The support of frequent sets follows from counting": name(
            "frequent", lambda sets: sets.assign(support=sets["support"] + 0.01)
        ),
        "Every frequent pair was found": name("frequent", lambda sets: sets[sets["itemsets"].map(len) != 2]),
        "The mean lift of all shifts is 1": name("shifted", lambda lifts: 1.01 * lifts),
        "What passes is beyond all but a fortieth of what chance gives": name("passes", lambda p: ~p),
    },
    "11": clusters("model", FITTED, "pixels")
    | {
        "Missing pixels, and no others, are in no cluster": name("mask", np.logical_not),
        "Each pixel of the map is in the nearest cluster": name("labels", swapped),
        "Clusters are numbered from dark to bright": attribute("model", "cluster_centers_", lambda c: c[::-1]),
        "The WCSS hardly ever rises with k": name("wcss", lambda w: [*w, w[0]]),
        "Silhouette and stability take the k of their largest value": lambda n: {
            "asked": n.asked | {"silhouette": int(n.scores["silhouette"].idxmin())}
        },
        "Each cell has the label that most of its pixels have": name("cells", emptied),
        "Each connected part of a cluster is one region": name("after", joined),
        "Every marker lies in its region": name("listed", lambda listed: listed.assign(row=0, col=0)),
        "The clusters' areas add up to that of the data": name("areas", larger),
        "The areas on the map add up, too": name("on_map", larger),
        "The saved map lacks the same pixels": attribute("again", "mask", np.logical_not),
        "The saved map has the clusters' colors": attribute("again", "image", lambda image: image ^ 1),
    },
    "12": TERRAIN
    | {
        "k-means makes k clusters, and each has pixels": item("clean_maps", "k-means", emptied),
        "Each pixel is in the k-means cluster of the nearest mean": item("clean_maps", "k-means", np.transpose),
        "Agreements follow from counting pairs": name("clean", lambda marks: marks - 0.01),
        "Shuffling the pixels changes nothing for k-means": item("same", "k-means", lambda same: 0.99),
        "The purity follows from counting": name("pure", bumped),
        "Regions are counted right": name("pieces", more),
    },
    "13": {
        "Distinct colors stand for all pixels": attribute("colors", "counts", bumped),
        "The terrains' shares in the picture follow from counting": name("in_picture", lambda s: bumped(s, 0.01)),
        "Made colors lie in the cube of colors": name("made", lambda made: made - 300),
        "The GAN's distance follows from areas": item("path", -1, more),
        "Old colors are those in the picture's list": item("judged", ("GAN", "old"), more),
        "Drawing pixels again makes nothing new": item("judged", ("pixels again", "old"), lambda old: 0.9),
        "Before the first step the rates make no difference": attribute("history", "discriminator_loss", bumped),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make a small picture of one's own for chapter 11, with pixels that are missing."""
    y, x = np.mgrid[:60, :80]
    noise = np.random.RandomState(0).randint(0, 40, (60, 80, 3))
    pixels = np.dstack([2 * x, 3 * y, x + y]) + noise
    shown = np.where((x > 65)[..., np.newaxis], 0, 255)[..., :1]
    path = tmp_path_factory.mktemp("picture") / "mine.png"
    Image.fromarray(np.dstack([pixels.clip(0, 255), shown]).astype(np.uint8)).save(path)
    return str(path)


@pytest.mark.parametrize("number", CHAPTERS)
def test_each_claim_holds_and_fails_on_data_broken_for_it(number: str, picture: str) -> None:
    names = namespace(CHAPTERS[number], {"size": 64, "scale": 16.0, "image_path": picture})
    held = asked(number, names)
    assert [text for text, holds in held.items() if not holds] == []
    assert set(held) == set(BROKEN[number]), "each claim needs broken data, and no broken data is left over"
    broken = {text: names | spoil(Names(**names)) for text, spoil in BROKEN[number].items()}
    still = [text for text in broken if asked(number, broken[text])[text]]
    assert still == [], "these claims hold on data that are broken for them"
