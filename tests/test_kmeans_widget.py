"""k-means by hand: what the page brings, and what the script makes of it, held against NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from course import stage
from figures import kmeans_widget
from helpers import landscape
from helpers.segmentation import segment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGE = landscape.colorize(landscape.heights(96, 24.0, seed=3))
PAGE = "chapters/03-k-means-segmentation.html"


def test_the_small_picture_is_the_mean_of_blocks() -> None:
    small = kmeans_widget.small_picture(IMAGE)
    assert small.shape == (24, 24, 3)
    assert small.dtype == np.uint8
    blocks = IMAGE.reshape(24, 4, 24, 4, 3).mean(axis=(1, 3))
    assert (small == blocks.round()).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((96, 48), (24, 12)),
        ((7, 96), (2, 24)),
        ((500, 3), (24, 1)),
        ((10, 20), (10, 20)),
        ((25, 25), (24, 24)),
    ],
)
def test_the_small_picture_keeps_the_shape(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert kmeans_widget.small_picture(np.zeros((*shape, 3), np.uint8)).shape[:2] == expected


def test_a_task_holds_the_best_that_is_known_for_each_k() -> None:
    small = kmeans_widget.small_picture(IMAGE)
    task = kmeans_widget.task(small, 7)
    assert list(task["best"]) == list(kmeans_widget.KS)
    assert task["best"][4] == segment(small, 4).wcss
    assert list(task["best"].values()) == sorted(task["best"].values(), reverse=True)
    assert np.array(task["pixels"]).reshape(small.shape).tolist() == small.tolist()
    spread = small.reshape(-1, 3).var(axis=0)
    assert set(range(3)) - set(task["plane"]) == {int(spread.argmin())}


def test_a_picture_of_few_colors_offers_fewer_clusters() -> None:
    three = np.array([[[0, 0, 0], [9, 9, 9]], [[250, 0, 0], [0, 0, 0]]], np.uint8)
    task = kmeans_widget.task(three, 7)
    assert (list(task["best"]), task["k"], task["best"][3]) == ([2, 3], 3, 0.0)


def test_a_single_color_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    kmeans_widget.show(np.zeros((3, 3, 3), np.uint8), 4)
    assert kmeans_widget.STEPS not in capsys.readouterr().out


def test_the_page_holds_the_task_and_a_sentence_for_where_no_script_runs() -> None:
    data = {stage.STEPS: {"said": "</script>"}, "text/markdown": "Elsewhere."}
    box = stage._steps_div(data)
    assert box.startswith("::: {.k-means}\nElsewhere.\n")
    inside = box.split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(inside) == data[stage.STEPS]


def lloyd(pixels: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Plain Lloyd, as slow as it is clear; the chapter's and the script's oracle."""
    labels = None
    while True:
        distances = ((pixels[:, None] - centers) ** 2).sum(axis=-1)
        if labels is not None and (distances.argmin(axis=1) == labels).all():
            return labels, centers, float(((pixels - centers[labels]) ** 2).sum())
        labels = distances.argmin(axis=1)
        centers = np.array(
            [pixels[labels == i].mean(axis=0) if (labels == i).any() else c for i, c in enumerate(centers)]
        )


@pytest.fixture
def page(browser: Browser, small_site: Path) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened = context.new_page()
    opened.goto((small_site / PAGE).as_uri(), wait_until="load")
    opened.wait_for_selector(".km-state")
    return opened


def state(page: Page) -> str:
    return page.locator(".km-state").inner_text()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.browser
def test_every_start_ends_where_numpy_ends(page: Page) -> None:
    found: list[dict[str, Any]] = page.evaluate(
        """() => {
          const { assign, move, wcss, start } = window.kMeansByHand;
          const { pixels, best } = JSON.parse(document.querySelector(".k-means script").textContent);
          return Object.keys(best).map(Number).flatMap((k) => [1, 2, 3, 4, 5].map((number) => {
            const first = start(pixels, k, number);
            let centers = first, labels = assign(pixels, centers);
            for (;;) {
              centers = move(pixels, labels, centers);
              const now = assign(pixels, centers);
              if (now.every((label, p) => label === labels[p])) break;
              labels = now;
            }
            return { k, number, first, centers, labels, wcss: wcss(pixels, labels, centers), best: best[k], pixels };
          }));
        }"""
    )
    assert {one["k"] for one in found} == set(kmeans_widget.KS)
    starts = set()
    for one in found:
        pixels = np.array(one["pixels"], dtype=float)
        labels, centers, wcss = lloyd(pixels, np.array(one["first"], dtype=float))
        assert (labels == one["labels"]).all(), (one["k"], one["number"])
        assert np.allclose(centers, one["centers"], rtol=0, atol=1e-9)
        assert wcss == pytest.approx(one["wcss"], rel=1e-12)
        assert one["wcss"] >= one["best"] * (1 - 1e-12)
        starts.add(json.dumps(one["first"]))
        assert len({tuple(color) for color in one["first"]}) == one["k"]
    assert len(starts) == len(found)


@pytest.mark.browser
def test_steps_are_told_and_the_sum_never_rises(page: Page) -> None:
    assert "Start 1" in state(page)
    press(page, "Move")
    assert "Assign first" in state(page)
    press(page, "Assign")
    assert "Step 1. Assign: 576 pixels joined a center. Next: move." in state(page)
    press(page, "Assign")  # the trap: nothing changes, but it is not the end
    assert "No center has moved" in state(page)
    press(page, "Move")
    assert state(page).startswith("Step 2. Move: the WCSS fell")
    press(page, "Run to the end")
    assert "The end: neither step can lower the WCSS." in state(page)
    told = page.locator(".km-sums").inner_text().split(":")[1].split(". The best")[0]
    sums = [int(part.replace(",", "").replace(".", "")) for part in told.split(", ") if part.strip() != "…"]
    assert len(sums) >= 3
    assert sums == sorted(sums, reverse=True)
    press(page, "Start again")
    assert "Start 1" in state(page)
    press(page, "Other start")
    assert "Start 2" in state(page)
    page.get_by_label("Number of clusters").select_option("3")
    assert page.locator(".km-centers > g").count() == 3
    assert page.get_by_role("status").filter(has_text="Start 2").count() == 1


@pytest.mark.browser
def test_a_center_without_pixels_is_told(page: Page) -> None:
    told = []
    for across, up in (("Right", "Up"), ("Left", "Down"), ("Right", "Down"), ("Left", "Up")):
        page.get_by_label("Number of clusters").select_option("8")
        press(page, "Start again")
        page.locator(".km-centers > g").nth(7).focus()
        for _ in range(14):
            page.keyboard.press(f"Shift+Arrow{across}")
            page.keyboard.press(f"Shift+Arrow{up}")
        press(page, "Assign")
        told.append(state(page))
        press(page, "Run to the end")
        assert "The end" in state(page)
    # Into a corner without colors.
    assert any("No pixel is left for center 7: it stays where it is." in text for text in told)


@pytest.mark.browser
def test_a_center_moves_by_keys_and_by_dragging(page: Page) -> None:
    center = page.get_by_role("slider", name="Center 0")
    center.focus()
    before = center.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert center.get_attribute("aria-valuetext") != before
    assert "Center 0 was put at" in state(page)
    center.scroll_into_view_if_needed()
    box = page.locator(".km-centers > g").first.locator("path").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] - 30, steps=4)
    page.mouse.up()
    moved = page.locator(".km-centers > g").first.locator("path").bounding_box()
    assert moved
    assert moved["x"] - box["x"] > 30
    press(page, "Run to the end")
    assert "The end" in state(page)


@pytest.mark.browser
def test_it_works_by_touch(browser: Browser, small_site: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto((small_site / PAGE).as_uri(), wait_until="load")
    page.wait_for_selector(".km-state")
    page.locator(".km-controls").scroll_into_view_if_needed()
    page.get_by_role("button", name="Assign", exact=True).tap()
    assert "Step 1" in state(page)
    page.locator(".k-means svg").scroll_into_view_if_needed()
    box = page.locator(".km-centers > g").first.locator("path").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]), ("touchMove", [{"x": x + 20, "y": y - 30}]),
        ("touchMove", [{"x": x + 40, "y": y - 60}]), ("touchEnd", []),
    ]:  # fmt: skip
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert "was put at" in state(page)
    sizes = page.locator(".km-controls button, .km-controls select").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44


@pytest.mark.browser
@pytest.mark.parametrize(("motion", "longest"), [("reduce", 0.0), ("no-preference", 0.25)])
def test_centers_glide_only_for_those_who_like_it(
    browser: Browser, small_site: Path, motion: Any, longest: float
) -> None:
    page = browser.new_context(reduced_motion=motion).new_page()
    page.goto((small_site / PAGE).as_uri(), wait_until="load")
    page.wait_for_selector(".km-centers > g")
    lasts = page.locator(".km-centers > g").first.evaluate(
        "one => parseFloat(getComputedStyle(one).transitionDuration)"
    )
    assert lasts == longest


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_box_has_its_size_before_and_after(browser: Browser, small_site: Path, width: int) -> None:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.goto((small_site / PAGE).as_uri(), wait_until="load")
    page.wait_for_selector(".km-state")
    heights = {page.locator(".k-means").bounding_box()["height"]}  # type: ignore[index]
    reserved = page.locator(".k-means").evaluate("one => parseFloat(getComputedStyle(one).minHeight)")
    for name in ("Assign", "Move", "Run to the end", "Other start", "Run to the end"):
        press(page, name)
        heights.add(page.locator(".k-means").bounding_box()["height"])  # type: ignore[index]
    assert max(heights) - min(heights) < 3
    assert abs(max(heights) - reserved) < 30


@pytest.mark.browser
def test_without_scripts_the_page_points_to_the_figure(browser: Browser, small_site: Path) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((small_site / PAGE).as_uri(), wait_until="load")
    assert page.locator(".k-means a[href='#fig-lloyd']").is_visible()
    assert page.locator(".k-means").bounding_box()["height"] < 200  # type: ignore[index]
