"""What the chapters import: one function per step, in the order in which the course takes them.

``landscape`` makes the heights and the picture, ``segmentation`` clusters its colors (``kmeans`` is the solver behind it),
``selection`` asks how many clusters, ``regions`` turns labels into a map. Later chapters add ``planted`` (things to be
found), ``gan`` (two tiny networks) and ``raster`` (pictures from files). ``parameters`` is the one table of parameters, ``check``
compares an answer to an exercise with its key.
"""

import os

from threadpoolctl import threadpool_limits

# One thread: the arrays are small, so more threads would wait for each other, and their sums would differ in the last
# digits. The environment reaches the libraries that are loaded later, `threadpool_limits` those that are loaded already.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
threadpool_limits(1)
