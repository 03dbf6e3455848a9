"""State of charge from files: measured columns, the cell file, identification and estimation.

Enters: CSV files of pulse tests, of the open-circuit voltage and of measured data; CELL.yaml. Leaves: a checked
:class:`simems_core.Cell`, the text of a cell file, estimates row by row, plots. Never happens here: the filter's
arithmetic (that is the core's), a guess for what a file does not say.
"""

from simems_edge.estimation.cell_file import CellFile, cell_text, read_cell
from simems_edge.estimation.estimation import Estimated, estimate
from simems_edge.estimation.identification import Identified, identify_cell
from simems_edge.estimation.samples import Ocv, Samples, read_ocv, read_pulses, read_samples
from simems_edge.estimation.site_cells import cell_problems, site_cell

__all__ = [
    "CellFile",
    "Estimated",
    "Identified",
    "Ocv",
    "Samples",
    "cell_problems",
    "cell_text",
    "estimate",
    "identify_cell",
    "read_cell",
    "read_ocv",
    "read_pulses",
    "read_samples",
    "site_cell",
]
