"""Unit tests, chapters run small through papermill, the site in a real browser."""

import os

# One thread, as in the kernels of a run, and before numpy is imported: on pictures this small, threads mostly wait for
# each other, and where another process holds a processor, they make scikit-learn's k-means tens of times slower.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
