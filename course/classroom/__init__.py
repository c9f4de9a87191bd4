"""The classroom: a landscape and a notebook for each student, and marking that is safe.

`roster` reads who takes part and draws their seeds, `make` writes notebooks and the key, `mark` marks what comes
back: each notebook runs in a `jail`, by `inside`, and `grade` compares what it recorded; `feedback` writes pages and
gradebooks, `pack` a bundle that installs without the network.
"""
