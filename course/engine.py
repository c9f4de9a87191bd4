"""The papermill engine "course": execute a chapter, evaluate what its text asks for, and ask its claims.

Steps: check the given parameters; execute cell after cell; after each cell evaluate the inline expressions and the
conditions of its text and options; after the last cell ask the chapter's claims, and keep what they say in the
notebook's metadata.

``papermill --engine course in.ipynb out.ipynb -p seed 7`` uses it, and so does `course run`.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from nbclient.util import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from course.inline import Expression, WeaveError, expressions, value_of
from course.project import literals
from helpers import parameters

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Evaluated in the kernel before the first cell, as figures of a page are drawn in inks that it can set.
PREPARE = "__import__('figures.style', fromlist=['style']).use_inks()"


class CourseEngine(NBClientEngine):
    """papermill's engine with `CourseClient` in place of its own client."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> NotebookNode:
        """Check the parameters, then execute the notebook; papermill calls this with its own options.

        Raises
        ------
        helpers.parameters.ParameterError
            Before a kernel starts, if a given parameter is unknown, of the wrong type or out of range.
        WeaveError
            If an expression fails.
        """
        check_parameters(nb_man.nb)
        options.pop("input_path", None)
        options["startup_timeout"] = options.pop("start_timeout", 60)
        options["timeout"] = options.pop("execution_timeout", None)
        return CourseClient(nb_man, kernel_name=kernel_name, **options).execute()


class CourseClient(PapermillNotebookClient):
    """papermill's client, which also evaluates the expressions of each cell and the chapter's claims."""

    def papermill_execute_cells(self) -> None:
        """Execute all cells; if the last one finished, ask the chapter's claims."""
        about = self.nb.metadata.get("course")
        if about is not None:
            self._evaluate_silently(PREPARE, "the style of figures")
        super().papermill_execute_cells()
        failed = any(
            output.output_type == "error" for cell in self.nb.cells for output in cell.get("outputs", [])
        )
        if about is not None and "claims" in about and not failed:
            self._ask_claims(about["claims"])

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        """Execute a cell, then evaluate its expressions in the state that the kernel is in."""
        cell = super().execute_cell(cell, cell_index, **options)
        cell.metadata.pop("user_expressions", None)
        place = f"cell {_number(self.nb, cell_index)}"
        wanted = list(dict.fromkeys(expressions(cell, place)))
        if wanted and not any(output.output_type == "error" for output in cell.get("outputs", [])):
            cell.metadata["user_expressions"] = self._evaluate(wanted, place)
        return cell

    def _evaluate(self, wanted: list[Expression], place: str) -> list[dict[str, Any]]:
        """Return the expressions with their results, as the kernel shows them."""
        results = self._ask({str(number): asked.code for number, asked in enumerate(wanted)})
        found = []
        for number, asked in enumerate(wanted):
            result = results[str(number)]
            if result["status"] == "error":
                raise WeaveError(f"{place}: {asked}: {result['ename']}: {result['evalue']}")
            value = value_of(result, f"{place}: {asked}")
            if asked.condition and not isinstance(value, bool):
                raise WeaveError(f"{place}: {asked}: gives {value!r}; a condition must be True or False")
            found.append({"expression": asked.code, "result": dict(result)})
        return found

    def _ask_claims(self, module: str) -> None:
        """Ask the claims of the chapter, and keep them with the names that the record holds."""
        results = self._ask({"claims": f"__import__('claims').ask({module!r}, globals())"})
        result = results["claims"]
        if result["status"] == "error":
            raise WeaveError(f"claims.{module}: {result['ename']}: {result['evalue']}")
        self.nb.metadata["course_run"] = json.loads(ast.literal_eval(result["data"]["text/plain"]))

    def _evaluate_silently(self, code: str, what: str) -> None:
        result = self._ask({"it": code})["it"]
        if result["status"] == "error":
            raise WeaveError(f"{what}: {result['ename']}: {result['evalue']}")

    def _ask(self, codes: dict[str, str]) -> dict[str, Any]:
        """Evaluate expressions in the kernel; they leave no trace in its history."""
        message = self.kc.execute("", silent=True, store_history=False, user_expressions=codes)
        reply = run_sync(self.async_wait_for_reply)(message)
        return reply["content"]["user_expressions"]


def check_parameters(notebook: NotebookNode) -> None:
    """Raise an error if a parameter that papermill injected is not one of the notebook's, or not allowed."""
    tagged = {tag: cell for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    if "injected-parameters" in tagged:
        given = literals(tagged["injected-parameters"].source)
        own = literals(tagged["parameters"].source) if "parameters" in tagged else {}
        parameters.check_values(given, [name for name in own if name in parameters.TABLE])


def _number(notebook: Any, index: int) -> int:
    """Return the number of a cell in its source, from 1: the injected cell is none of them."""
    cells = notebook.cells[: index + 1]
    return sum("injected-parameters" not in cell.metadata.get("tags", []) for cell in cells)
