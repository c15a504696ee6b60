"""The family of a user's own Python function, with the measured cost of each member."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from scalesearch.errors import InputError

if TYPE_CHECKING:
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.study import Study

_COLUMNS = ("member", "depth", "width", "resolution", "nominal_flops_ratio", "flops_ratio", "macs", "params")


def count_family(study: Study, baseline: FactoryBaseline, coefficients: Coefficients) -> None:
    """Write family/costs.csv, which holds fvcore's counts of the members at φ = 1 … 7.

    A member that the file has is not counted again. Counts are empty where the function fails at a size.

    Raises:
        StorageError: the folder cannot be written.
    """
    from scalesearch.design.decimals import format_decimal
    from scalesearch.design.family import phis_of
    from scalesearch.nets.factory import count_factory, load_factory
    from scalesearch.search.factory_grid import literal_px
    from scalesearch.study.files import replace_atomically

    base = baseline.architecture
    path = study.folder / "family" / "costs.csv"
    known_rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
    rows: list[list[str]] = []
    for phi in phis_of(coefficients):
        multipliers = coefficients.at(phi).rounded()
        resolution = literal_px(base.resolution, multipliers.resolution)
        row = [
            f"phi{phi}",
            format_decimal(multipliers.depth),
            format_decimal(multipliers.width),
            str(resolution),
            format_decimal(round(multipliers.nominal_flops_ratio, 5)),
        ]
        if matches := [known_row for known_row in known_rows if known_row[: len(row)] == row]:
            rows.append(matches[0])
            continue
        try:
            counts = count_factory(load_factory(base.factory), multipliers.depth, multipliers.width, resolution)
            rows.append([*row, f"{counts.macs / base.macs:.5f}", str(counts.macs), str(counts.params)])
        except InputError:
            rows.append([*row, "", "", ""])
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *rows])
    replace_atomically(path, stream.getvalue())
