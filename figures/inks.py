"""The stand-in colors in which a run draws, and the CSS variables that a page puts in their place."""

# Each stand-in, and the CSS variable that takes its place. Colors that a chapter names on purpose are left alone.
INKS = {
    "#010203": "--ink",  # text
    "#020304": "--soft",  # axes and ticks
    "#030405": "--line",  # grid lines
    "#fdfefd": "--paper",  # halos and gaps between bars
    "#0072b3": "--c0",
    "#c05001": "--c1",
    "#009e74": "--c2",
    "#cc79a8": "--c3",
    "#e69f01": "--c4",
    "#56b4ea": "--c5",
}

GROUND = "#fefefe"  # the figure's ground: opaque in a notebook, left out of a page
