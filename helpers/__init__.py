"""What the chapters import: one function per step, in the order in which the course takes them.

`landscape`, `segmentation` (`kmeans` is the solver behind it), `selection` and `regions` go from noise to a map; `planted`,
`gan` and `raster` serve one chapter each; `parameters` is the one table of parameters, `check` compares answers with keys.
"""

import os

from threadpoolctl import threadpool_limits

# One thread: the arrays are small, so more threads would wait for each other, and their sums would differ in the last
# digits. The environment reaches the libraries that are loaded later, `threadpool_limits` those that are loaded already.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
threadpool_limits(1)
