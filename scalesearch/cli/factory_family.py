"""The family of a user's own function, counted: what each member really costs."""

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
    """Write family/costs.csv: fvcore's counts of φ = 1 … 7, once; empty where the function fails at a size.

    Raises:
        StorageError: the folder cannot be written.
    """
    from scalesearch.design.exact import plain
    from scalesearch.design.family import phis_of
    from scalesearch.nets.factory import count_factory, load_factory
    from scalesearch.search.factory_grid import literal_px
    from scalesearch.study.files import replace_atomically

    base = baseline.architecture
    path = study.folder / "family" / "costs.csv"
    known = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
    rows: list[list[str]] = []
    for phi in phis_of(coefficients):
        by = coefficients.at(phi).rounded()
        px = literal_px(base.resolution, by.resolution)
        row = [f"phi{phi}", plain(by.depth), plain(by.width), str(px), plain(round(by.nominal_flops_ratio, 5))]
        if found := [one for one in known if one[: len(row)] == row]:
            rows.append(found[0])
            continue
        try:
            counted = count_factory(load_factory(base.factory), by.depth, by.width, px)
            rows.append([*row, f"{counted.macs / base.macs:.5f}", str(counted.macs), str(counted.params)])
        except InputError:
            rows.append([*row, "", "", ""])
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *rows])
    replace_atomically(path, stream.getvalue())
