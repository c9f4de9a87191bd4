"""What the chapters import: one function per step, in the order in which the course takes them.

``landscape`` makes the heights and the picture, ``segmentation`` clusters its colors, ``selection``
asks how many clusters, ``regions`` turns labels into a map. ``plots`` draws, ``record`` keeps what a
chapter found, ``parameters`` checks what it was given.
"""
