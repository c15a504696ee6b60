"""Typed access to the arguments of a parsed call; arguments that are not read are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

from scalesearch.design.activations import ACTIVATIONS, activation_named
from scalesearch.design.antialias import AntialiasName
from scalesearch.design.decimals import format_decimal
from scalesearch.design.images import LARGEST_IN_CHANNELS
from scalesearch.design.paddings import PaddingName
from scalesearch.errors import InputError, SpaceError
from scalesearch.export.library_rules import COLOUR
from scalesearch.export.values import Call, Definition, Items, Literal, Symbol, Value, value_text

_TORCH_EPS = Decimal("0.00001")
_PADDINGS: dict[object, PaddingName] = {"": "symmetric", "same": "same"}
"""Our paddings by timm's `pad_type`."""


def _python_value(value: Value) -> object:
    """Return a literal as its value, a list of literals as a tuple, and an empty dict as an empty tuple."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, Items):
        return tuple(_python_value(item) for item in value.items)
    if isinstance(value, Call) and value.name == "dict" and not value.keywords and not value.arguments:
        return ()
    return value


def _is_same(value: object, known: object) -> bool:
    """Return whether two values are equal and both or neither boolean: True is not 1, but 1.0 is."""
    return value == known and isinstance(value, bool) == isinstance(known, bool)


class Arguments:
    """Typed access to the arguments of one call; every error names file and line.

    Args:
        definition: the text that the call is from, for its file's name.
        call: the call whose arguments are read.
        positions: the names of the parameters in their order.
        unseen: parameters that do not change the network, whatever their value: rates of dropout, initial weights.
    """

    def __init__(self, definition: Definition, call: Call, positions: str, unseen: str = "") -> None:
        self.definition, self.call = definition, call
        names = positions.split()
        if len(call.arguments) > len(names):
            raise self.refused(call.line, f"{call.name} has more arguments than are understood; name them")
        self._remaining = dict(zip(names, call.arguments, strict=False))
        for name, value in call.keywords.items():
            if name in self._remaining:
                raise self.refused(value.line, f"{name} is given twice; keep one")
            self._remaining[name] = value
        for name in unseen.split():
            self._remaining.pop(name, None)

    def refused(self, line: int, reason: str) -> InputError:
        """Return the error for something that is not understood, with file and line."""
        return self.definition.refused(line, reason)

    def unfit(self, value: Value | None, name: str, requirement: str) -> InputError:
        """Return the error of an argument that must be something else: `NAME is VALUE, but it must be REQUIREMENT`.

        Args:
            value: the value that is given; None: there is none.
            name: the name of the argument.
            requirement: what it must be, as the end of a sentence.
        """
        if value is None:
            return self.refused(self.call.line, f"{name} must be {requirement}")
        return self.refused(value.line, f"{name} is {value_text(value)}, but it must be {requirement}")

    @contextmanager
    def errors_at(self, line: int) -> Iterator[None]:
        """Add this file and line to the errors of values that the design rejects."""
        try:
            yield
        except SpaceError as error:
            raise self.refused(line, str(error)) from error

    def value(self, name: str) -> Value | None:
        """Take an argument and return its value, or None if it is not given or is None."""
        value = self._remaining.pop(name, None)
        return None if isinstance(value, Literal) and value.value is None else value

    def integer(self, name: str, default: int | None = None, optional: bool = False) -> int:
        """Take an argument that is a whole number; without a default it must be given.

        Args:
            name: the name of the argument.
            default: the value if it is not given.
            optional: whether the library accepts None for the default.
        """
        argument = self._remaining.get(name)
        value = self.value(name)
        if value is None and argument is not None and not optional:
            raise self.unfit(argument, name, "a whole number, written out")
        if value is None and default is not None:
            return default
        return self.as_integer(value, name)

    def as_integer(self, value: Value | None, name: str) -> int:
        """Return the whole number that a value is."""
        number = value.value if isinstance(value, Literal) else None
        if isinstance(number, float) and number.is_integer():
            return int(number)
        if isinstance(number, int) and not isinstance(number, bool):
            return number
        raise self.unfit(value, name, "a whole number, written out")

    def number(self, name: str, default: str) -> Decimal:
        """Take an argument that is a number, as a short decimal."""
        value = self.value(name)
        return Decimal(default) if value is None else self.as_number(value, name)

    def as_number(self, value: Value, name: str) -> Decimal:
        """Return the number that a value is, as a short decimal."""
        if isinstance(value, Literal) and type(value.value) in (int, float):
            number = Decimal(repr(value.value))
            if number.is_finite():
                return number
        raise self.unfit(value, name, "a number, written out")

    def only(self, name: str, known: Sequence[object], reason: str) -> None:
        """Take an argument that must have one of the values that our networks have.

        Args:
            name: the name of the argument.
            known: the allowed values; they are equivalent to leaving the argument out.
            reason: why our networks have no other value.
        """
        value = self._remaining.pop(name, None)
        if value is not None and not any(_is_same(_python_value(value), allowed) for allowed in known):
            allowed_text = " or ".join(repr(allowed) for allowed in known)
            raise self.refused(
                value.line, f"{name}: {reason}; only {allowed_text} is read, not {value_text(value)}"
            )

    def in_channels(self, name: str) -> int:
        """Take the number of image channels; the default is that of RGB."""
        argument = self._remaining.get(name)
        channels = self.integer(name, COLOUR)
        if not 1 <= channels <= LARGEST_IN_CHANNELS:
            line = argument.line if argument else self.call.line
            raise self.refused(line, f"{name} is {channels}, but images have 1 … {LARGEST_IN_CHANNELS} channels")
        return channels

    def padding(self, name: str) -> PaddingName:
        """Take timm's name of a padding; the default is the symmetric one, which None is not."""
        value = self._remaining.pop(name, None)
        text = "" if value is None else _python_value(value)
        if value is not None and text not in _PADDINGS:
            raise self.unfit(value, name, " or ".join(map(repr, _PADDINGS)))
        return _PADDINGS[text]

    def word(self, name: str, default: str, known: Sequence[str]) -> str:
        """Take an argument that is one of the strings `known`; the default is not checked."""
        value = self.value(name)
        if value is None:
            return default
        if isinstance(value, Literal) and isinstance(value.value, str) and value.value in known:
            return value.value
        raise self.unfit(value, name, " or ".join(map(repr, known)))

    def antialias(self, name: str, known: Mapping[str, AntialiasName]) -> AntialiasName | None:
        """Take a smoothing, by the class or the string that the library calls it."""
        value = self.value(name)
        if value is None:
            return None
        text = value.name if isinstance(value, Symbol) else value.value if isinstance(value, Literal) else None
        if isinstance(text, str) and text in known:
            return known[text]
        raise self.unfit(value, name, f"one of {', '.join(known)}: no other anti-aliasing is one here")

    def flag(self, name: str, default: bool = False) -> bool:
        """Take an argument that is True or False."""
        value = self.value(name)
        if value is None:
            return default
        if isinstance(value, Literal) and isinstance(value.value, bool):
            return value.value
        raise self.unfit(value, name, "True or False")

    def call_of(self, name: str, constructor: str) -> Call:
        """Take an argument that must be a call of `constructor`, such as a configuration, and return the call."""
        value = self.value(name)
        if isinstance(value, Call) and value.name == constructor:
            return value
        raise self.unfit(value, name, f"a call of {constructor}, written out")

    def overlay(self, other: Arguments) -> None:
        """Take what another call's arguments have left in place of these, as timm overlays a configuration."""
        self._remaining |= other._remaining
        other._remaining = {}

    def has(self, name: str) -> bool:
        """Return whether an argument is given, be it None, and has not been read."""
        return name in self._remaining

    def items(self, name: str) -> tuple[Value, ...]:
        """Take an argument that is a list, which must be given."""
        value = self.value(name)
        if isinstance(value, Items) and value.items:
            return value.items
        raise self.unfit(value, name, "a list, written out")

    def integers(self, name: str) -> tuple[int, ...]:
        """Take an argument that is a list of whole numbers, which must be given."""
        return tuple(self.as_integer(item, name) for item in self.items(name))

    def symbol(self, name: str, known: dict[str, str]) -> str:
        """Take an argument that is a name, which must be given, and return what it stands for."""
        return self.as_symbol(self.value(name), name, known)

    def as_symbol(self, value: Value | None, name: str, known: dict[str, str]) -> str:
        """Return what the name that a value is stands for."""
        if isinstance(value, Symbol) and value.name in known:
            return known[value.name]
        raise self.unfit(value, name, f"one of {', '.join(known)}")

    def activation(self, name: str, default: str) -> str:
        """Take an activation: a class of torch, or timm's name for it."""
        value = self.value(name)
        if value is None:
            return default
        text = value.name if isinstance(value, Symbol) else value.value if isinstance(value, Literal) else ""
        if (known := activation_named(str(text))) is not None:
            return known
        classes = ", ".join(activation.torch_class for activation in ACTIVATIONS.values())
        raise self.unfit(value, name, f"one of {classes}: other activations are not searched")

    def batch_norm_eps(self, *names: str) -> Decimal:
        """Take `norm_layer`, a BatchNorm2d or a partial of it, and return its epsilon.

        Args:
            names: the library's own names for a BatchNorm2d, as strings.
        """
        value = self.value("norm_layer")
        if value is None or (isinstance(value, Symbol) and value.name == "BatchNorm2d"):
            return _TORCH_EPS
        if isinstance(value, Literal) and value.value in names:
            return _TORCH_EPS
        if isinstance(value, Call) and value.name == "partial" and len(value.arguments) == 1:
            (layer,) = value.arguments
            if isinstance(layer, Symbol) and layer.name == "BatchNorm2d":
                inner = Arguments(self.definition, value, "layer", "momentum")
                inner.value("layer")
                eps = inner.number("eps", format_decimal(_TORCH_EPS))
                inner.finish()
                return eps
        raise self.unfit(value, "norm_layer", "BatchNorm2d or partial(BatchNorm2d, eps=…)")

    def finish(self) -> None:
        """Refuse arguments that have not been read.

        Raises:
            InputError: there is such an argument.
        """
        for name, value in self._remaining.items():
            raise self.refused(
                value.line, f"{self.call.name}: {name} is not understood; leave it out or write the file by hand"
            )
