"""What the chapters import: one function per step, in the order in which the course takes them.

``landscape`` makes the heights and the picture, ``segmentation`` clusters its colors, ``selection``
asks how many clusters, ``regions`` turns labels into a map. The later chapters add ``scoring`` (maps
against a truth), ``planted`` (things to be found), ``gan`` (two tiny networks) and ``raster`` (pictures
from files). ``plots`` and its fellows draw, ``record`` keeps what a chapter found, ``parameters`` checks
what it was given, ``invariants`` measures what must hold, ``criteria`` is what a sweep computes.
"""
