"""No module imports itself by way of others, not even within a function or for annotations."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp


def test_there_is_no_circle_of_imports() -> None:
    graph = grimp.build_graph("scalesearch", exclude_type_checking_imports=False, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert any(imported["scalesearch.cli.study_run"])
    TopologicalSorter(imported).prepare()  # raises CycleError, which holds the circle
