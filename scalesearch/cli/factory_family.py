"""The family of a user's own Python function: the calls that build its members, with their counted costs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.design.member import FamilyMember
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.factory import FactoryNetwork
    from scalesearch.nets.factory_definition import FactoryDefinition
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.study import Study

_COLUMNS = ("member", "depth", "width", "resolution", "nominal_flops_ratio", "flops_ratio", "macs", "params")


def count_family(study: Study, baseline: FactoryBaseline, coefficients: Coefficients) -> None:
    """Write family/costs.csv, which holds fvcore's counts of the members in `family/`.

    A member that the file has is not counted again. Counts are empty where the function fails at a size.

    Raises:
        StorageError: the folder cannot be written.
    """
    from scalesearch.design.decimals import format_decimal
    from scalesearch.design.family import phis_of
    from scalesearch.nets.factory import count_factory, load_factory
    from scalesearch.study.files import replace_atomically

    base = baseline.architecture
    path = study.folder / "family" / "costs.csv"
    known_rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
    rows: list[list[str]] = []
    for phi in phis_of(coefficients, study.plan.config.shrinks):
        multipliers = coefficients.at(phi).rounded()
        resolution = baseline.literal_px(multipliers.resolution)
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


@dataclass(frozen=True, slots=True)
class FactoryMember(FamilyMember):
    """A factory member is one network of a function's family."""

    definition: FactoryDefinition

    @property
    def name(self) -> str:
        """The name, such as `phi1`."""
        return self.definition.name

    @property
    def architecture(self) -> FactoryNetwork:
        """The counted network."""
        return self.definition.architecture

    def text(self) -> str:
        """Return the member's file: the call of the function, with its cost in a comment at the top."""
        from scalesearch.design.factory_call import call_text

        nominal, network = self.nominal_flops_ratio, self.architecture
        off = "" if self.matched else "  (more than 5 % off)"
        header = (
            f"# {self.name}: nominal FLOPs ratio {nominal}, measured {self.flops_ratio}{off}; "
            f"resolution × {self.resolution_multiplier}\n"
            f"# {network.macs} multiply-adds, {network.params} parameters, {network.activations} activations\n"
        )
        return header + call_text(self.definition.call, nominal)


def factory_members(
    base: FactoryDefinition,
    coefficients: Coefficients,
    phis: Mapping[str, Decimal] | None,
    match: str,
    multiple: int = 1,
) -> tuple[FactoryMember, ...]:
    """Return the network (φ = 0) and its members; each is built and counted.

    Args:
        base: the network to scale.
        coefficients: they give depth α^φ, width β^φ and, without matching, resolution γ^φ.
        phis: the φ of each member by its name; None: 1 … 7.
        match: `flops` takes the side whose counted cost is nearest to 2^φ, at least the network's own or, for
            φ < 0, at most that; `none` takes γ^φ.
        multiple: the number of px that sides are multiples of.

    Raises:
        InputError: the function fails for a member.
    """
    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.decimals import whole_or_fraction
    from scalesearch.design.family import member_name, phis_of
    from scalesearch.design.scaling import px_multiplier
    from scalesearch.nets.factory import load_factory, measure_factory
    from scalesearch.search.factory_grid import literal_px
    from scalesearch.search.match_side import match_side

    if phis is None:
        phis = {member_name(base.name, Decimal(phi)): Decimal(phi) for phi in phis_of(coefficients)}
    network = base.architecture
    members = [FactoryMember(network, 0, Multipliers(), base)]
    for name, phi in phis.items():
        multipliers = coefficients.at(phi).rounded()
        side = literal_px(network.resolution, multipliers.resolution, multiple)
        if match == "flops":
            depth, width = network.depth * multipliers.depth, network.width * multipliers.width
            measure = partial(measure_factory, load_factory(network.factory), round(depth, 12), round(width, 12))
            target_cost = float(network.macs) * 2 ** float(phi)
            matched = match_side(
                measure, network.resolution, target_cost, "macs", shrinks=phi < 0, multiple=multiple
            )
            side = matched.resolution
        sizes = replace(multipliers, resolution=px_multiplier(side, network.resolution))
        member = base.scale(sizes, name=name)
        members.append(FactoryMember(network, whole_or_fraction(phi), multipliers, member))
    return tuple(members)


def write_factory_members(folder: Path, members: Sequence[FactoryMember]) -> tuple[Path, ...]:
    """Write one file per member, and return their paths.

    Raises:
        StorageError: the folder cannot be written.
    """
    from scalesearch.study.files import make_folder, replace_atomically

    make_folder(folder)
    paths = tuple(folder / f"{member.name}.yaml" for member in members)
    for path, member in zip(paths, members, strict=True):
        replace_atomically(path, member.text())
    return paths
