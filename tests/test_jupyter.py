"""The chapters in plain Jupyter: what a learner's own cells do after the course's code has run in a kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from helpers.check import ANSWER
from tests.projects import ROOT

Outputs = list[dict[str, Any]]
FIGURE = """
import numpy as np
from figures import ch03
ch03.label_map(plt.subplots()[1], np.eye(8, dtype=int))
"""


@pytest.fixture(scope="module")
def run_cell() -> Iterator[Callable[[str], Outputs]]:
    """A kernel as Jupyter starts it, in the course's folder: without the settings that `course run` makes."""
    ours = ("MPLBACKEND", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    manager, client = start_new_kernel(cwd=str(ROOT), env=environment)

    def run(code: str) -> Outputs:
        outputs: Outputs = []
        reply = client.execute_interactive(code, timeout=120, output_hook=outputs.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        return [message["content"] for message in outputs]

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(outputs: Outputs) -> str:
    return "".join(output.get("text", "") for output in outputs)


def test_every_library_computes_in_one_thread(run_cell: Callable[[str], Outputs]) -> None:
    """Loaded before `helpers`, or after."""
    told = printed(
        run_cell(
            "import os\nimport numpy\nimport helpers\nimport scipy.linalg, sklearn.cluster\n"
            "from threadpoolctl import threadpool_info\n"
            "print({library['num_threads'] for library in threadpool_info()}, os.environ['OMP_NUM_THREADS'])"
        )
    )
    assert told.strip() == "{1} 1"


def test_a_learners_own_plot_shows_after_a_figure_of_the_course(run_cell: Callable[[str], Outputs]) -> None:
    before = printed(
        run_cell(
            "import matplotlib as mpl\nimport matplotlib.pyplot as plt\nplt.close(plt.figure())\nsettings = dict(mpl.rcParams)"
        )
    )
    assert before == ""
    figure = [output["data"] for output in run_cell(FIGURE) if "data" in output]
    assert sum("image/png" in data for data in figure) == 1  # once, and not by pyplot, too
    changed = run_cell("print([name for name in settings if settings[name] != mpl.rcParams[name]])")
    assert printed(changed).strip() == "[]"
    own = run_cell("plt.plot([1, 2]);")
    assert any("image/png" in output.get("data", {}) for output in own)
    assert printed(run_cell("print(plt.isinteractive(), plt.get_fignums())")).strip() == "True []"


def test_an_answer_is_recorded_and_only_the_verdict_is_shown(run_cell: Callable[[str], Outputs]) -> None:
    outputs = run_cell("from helpers.check import check\nsize, scale = 32, 8.0\ncheck('13.1', [0, 1])")
    assert printed(outputs).startswith("13.1: not yet: ")
    shown = [output["data"] for output in outputs if "data" in output]
    assert shown == [{ANSWER: {"exercise": "13.1", "answer": [0, 1]}}]  # no text and no picture beside it
