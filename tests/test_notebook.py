"""The notebook runs top to bottom, and is stored without outputs."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "edit_the_model.ipynb"
SHORT = "ROWS, EPOCHS = 1000, 4"
nbformat = pytest.importorskip("nbformat", reason="needs the extra [notebook]")


def test_notebook_is_stored_without_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) >= 8
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.slow
def test_notebook_runs_in_its_short_form():
    nbclient = pytest.importorskip("nbclient", reason="needs the extra [notebook]")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = SHORT
    nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    table = notebook.cells[-2].outputs[0]["data"]["text/plain"]
    found = {line.rsplit(maxsplit=1)[0].strip(): float(line.split()[-1]) for line in table.splitlines()[1:]}
    assert set(found) == {"as it is", "Laplace", "with a jury", "author effect"}
    # the jury knows something of the answer
    assert found["with a jury"] < found["as it is"]
