"""`scalesearch`: the composition root. Heavy libraries are imported by the verb that needs them."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from typing import Annotated, NoReturn

import typer
from typer._click.exceptions import BadParameter, UsageError

from scalesearch.cli import interrupts, supervisor
from scalesearch.cli.command_line import typed_command
from scalesearch.cli.commands import Program, modernize
from scalesearch.cli.encoding import degrade_output
from scalesearch.cli.failure import fail
from scalesearch.errors import ScalesearchError, did_you_mean, printable
from scalesearch.user_code import DEBUG

app = typer.Typer(
    name="scalesearch",
    cls=Program,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find how depth, width and resolution of a ConvNet grow best together.\n\n"
    "Example: scalesearch grid --baseline b0 --phi 1",
)

_TYPERS_INTERRUPT = 130
_BAD_INPUT = 2

_debug = False


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"scalesearch {version('scalesearch')}")
        raise typer.Exit


@app.callback()
def _program(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, of your own code too.")
    ] = False,
) -> None:
    global _debug
    _debug = debug
    if debug:
        os.environ[DEBUG] = "1"


def _verbs() -> None:
    """Attach every verb; each module holds one, and `commands` says where help lists it."""
    from scalesearch.cli import (
        cam,
        compare,
        cost,
        dashboard,
        explain,
        export,
        family,
        grid,
        import_definition,
        latency,
        nas,
        report,
        show,
        solve,
        tables,
        train,
        transfer,
        validate_proxy,
        verify,
    )

    app.command("grid")(grid.grid)
    app.command("nas")(nas.nas)
    app.command("compare")(compare.compare)
    app.command("cost")(cost.cost)
    app.command("explain")(explain.explain)
    app.command("solve")(solve.solve)
    app.command("latency")(latency.latency)
    app.command("train")(train.train)
    app.command("transfer")(transfer.transfer)
    app.command("cam")(cam.cam)
    app.command("tables")(tables.tables)
    app.command("family")(family.family)
    app.command("export")(export.export)
    app.command("import")(import_definition.import_)
    app.command("show")(show.show)
    app.command("report")(report.report)
    app.command("dashboard")(dashboard.dashboard)
    app.command("validate-proxy")(validate_proxy.validate_proxy)
    app.command("verify")(verify.verify)


_verbs()


def main() -> NoReturn:
    """The program: `run`, and its exit code for certain."""
    sys.argv[1:] = modernize(sys.argv[1:])
    interrupts.leave_at_once()
    degrade_output()
    supervisor.supervise()
    try:
        run()
    except SystemExit as end:
        supervisor.ended()
        if end.code in interrupts.EXIT_CODES:
            # Where Ctrl-C fell into an import, Python would end itself by the signal whatever is asked here.
            with contextlib.suppress(OSError):  # a terminal that is gone
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(interrupts.exit_code())
        raise
    except BaseException:  # a defect of ours; its traceback is the last word
        supervisor.ended()
        raise


def run() -> NoReturn:
    """Run the command line; an error that the user can mend is one line on standard error."""
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    try:
        code = app(standalone_mode=False)
    except ScalesearchError as error:
        if _debug:
            traceback.print_exc()
        fail(str(error), error.exit_code)
    except UsageError as error:
        # The parser of options raises some without a context.
        words = [word for word in sys.argv[1:2] if not word.startswith("-")]
        verb = error.ctx.command_path if error.ctx else " ".join(["scalesearch", *words])
        reason = _bad_value(error) or _in_our_words(error.format_message())
        fail(f"{reason}; see {verb} --help", _BAD_INPUT)
    except typer.Abort:
        interrupts.heeded()
        fail(_stopped(), interrupts.exit_code())
    except KeyboardInterrupt:
        interrupts.heeded()
        fail(f"{interrupts.cause()}; nothing was begun", interrupts.exit_code())
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        message = _out_of_memory(error)
        if message is None:
            raise
        fail(message, _BAD_INPUT)
    if code == _TYPERS_INTERRUPT:  # of a KeyboardInterrupt, without a word
        interrupts.heeded()
        fail(_stopped(), interrupts.exit_code())
    sys.exit(code or 0)


def _stopped() -> str:
    """What is said of a signal that came while nobody else was there to say more, as before the first trial."""
    if supervisor.command() not in supervisor.COMMANDS:
        return interrupts.cause()
    return f"{interrupts.cause()}; what is recorded is kept. Resume: {typed_command()}"


_MUST_BE = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
}
"""By pydantic's types of errors."""


_CHOICES = re.compile(r"Value error, .* is not one of (.*)\.", re.DOTALL)
"""What typer says of a value that is none of an option's."""


_VALUES = re.compile(r"Option '([\w-]+)' requires (\d+) arguments")


def _in_our_words(message: str) -> str:
    """A message of the parser's on one line; of too few values, what to give."""
    line = " ".join(message.split()).rstrip(".")
    few = _VALUES.fullmatch(line)
    return line if few is None else f"{few[1]}: must be followed by {few[2]} values"


def _bad_value(error: UsageError) -> str | None:
    """What an option's value must be, in the words of every other refusal; None where it is not about a value."""
    from pydantic import ValidationError  # by which typer checks values

    cause = error.__cause__
    if not isinstance(error, BadParameter) or error.param is None or not isinstance(cause, ValidationError):
        return None
    first = cause.errors()[0]
    shown = error.param.get_error_hint().replace("'", "")
    if choices := _CHOICES.fullmatch(first["msg"]):
        names, given = re.findall(r"'([^']+)'", choices[1]), str(first["input"])
        return printable(f"{shown} {given!r}: must be one of {', '.join(names)}{did_you_mean(given, names)}")
    rule = _MUST_BE.get(first["type"])
    if rule is None:
        return None
    return printable(f"{shown} {first['input']}: must be {rule.format(**first.get('ctx', {}))}")


def _out_of_memory(error: BaseException) -> str | None:
    """A line for what ran out of memory before or beside training; None for any other error."""
    from scalesearch.proxy.failures import training_failure

    failure = training_failure(error)
    if failure is None or failure.state != "oom":
        return None
    command = sys.argv[1:2]
    if command in (["train"], ["transfer"]):
        advice = failure.for_options()
    elif command in (["grid"], ["nas"], ["compare"], ["validate-proxy"]):
        advice = failure.for_budget()
    else:
        return f"{failure.reason}; take a smaller network, batch or image side, or free memory"
    return f"{advice}. What is recorded is kept; rerun: {typed_command()}"
