"""The `scalesearch` program, which attaches all commands; each imports the heavy libraries that it needs."""

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

_TYPER_INTERRUPT_CODE = 130
_BAD_INPUT_CODE = 2

_debug = False


def _print_version(requested: bool) -> None:
    if requested:
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


def _attach_commands() -> None:
    """Attach every command, one per module; `commands` groups them for the help."""
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


_attach_commands()


def main() -> NoReturn:
    """Run the program under a supervisor, and make sure of its exit code."""
    interrupts.leave_at_once()
    degrade_output()
    supervisor.supervise()
    try:
        run()
    except SystemExit as end:
        supervisor.report_ended()
        if end.code in interrupts.EXIT_CODES:
            # If Ctrl-C interrupted an import, Python would end by the signal, whatever the exit code here.
            with contextlib.suppress(OSError):  # a terminal that is gone
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(interrupts.exit_code())
        raise
    except BaseException:  # a bug: its traceback is the message
        supervisor.report_ended()
        raise


def run() -> NoReturn:
    """Run the command line; print an error that the user can fix as one line on standard error."""
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    sys.argv[1:] = modernize(sys.argv[1:])
    try:
        code = app(standalone_mode=False)
    except ScalesearchError as error:
        if _debug:
            traceback.print_exc()
        fail(str(error), error.exit_code)
    except UsageError as error:
        # The option parser raises some errors without a context.
        arguments = [argument for argument in sys.argv[1:2] if not argument.startswith("-")]
        command = error.ctx.command_path if error.ctx else " ".join(["scalesearch", *arguments])
        reason = _bad_value_message(error) or _rephrase(error.format_message())
        fail(f"{reason}; see {command} --help", _BAD_INPUT_CODE)
    except typer.Abort:
        interrupts.mark_handled()
        fail(_stop_message(), interrupts.exit_code())
    except KeyboardInterrupt:
        interrupts.mark_handled()
        fail(f"{interrupts.cause()}; nothing was begun", interrupts.exit_code())
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        message = _out_of_memory_message(error)
        if message is None:
            raise
        fail(message, _BAD_INPUT_CODE)
    if code == _TYPER_INTERRUPT_CODE:  # typer returns it for a KeyboardInterrupt, and prints nothing
        interrupts.mark_handled()
        fail(_stop_message(), interrupts.exit_code())
    sys.exit(code or 0)


def _stop_message() -> str:
    """Return the message for a signal that no other code has reported, such as one before the first trial."""
    if supervisor.command() not in supervisor.COMMANDS:
        return interrupts.cause()
    return f"{interrupts.cause()}; what is recorded is kept. Resume: {typed_command()}"


_REQUIREMENTS = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
}
"""What a value must be, by pydantic's type of error."""


_CHOICE_ERROR = re.compile(r"Value error, .* is not one of (.*)\.", re.DOTALL)
"""The message of typer for a value that is not among an option's choices."""


_TOO_FEW_VALUES = re.compile(r"Option '([\w-]+)' requires (\d+) arguments")


def _rephrase(message: str) -> str:
    """Return a parser's message on one line; for too few values, how many to give."""
    line = " ".join(message.split()).rstrip(".")
    too_few = _TOO_FEW_VALUES.fullmatch(line)
    return line if too_few is None else f"{too_few[1]}: must be followed by {too_few[2]} values"


def _bad_value_message(error: UsageError) -> str | None:
    """Return what an option's value must be, phrased as in other messages; None if no value is at fault."""
    from pydantic import ValidationError  # typer validates values with it

    cause = error.__cause__
    if not isinstance(error, BadParameter) or error.param is None or not isinstance(cause, ValidationError):
        return None
    problem = cause.errors()[0]
    option = error.param.get_error_hint().replace("'", "")
    if choices := _CHOICE_ERROR.fullmatch(problem["msg"]):
        names, value = re.findall(r"'([^']+)'", choices[1]), str(problem["input"])
        return printable(f"{option} {value!r}: must be one of {', '.join(names)}{did_you_mean(value, names)}")
    rule = _REQUIREMENTS.get(problem["type"])
    if rule is None:
        return None
    return printable(f"{option} {problem['input']}: must be {rule.format(**problem.get('ctx', {}))}")


def _out_of_memory_message(error: BaseException) -> str | None:
    """Return a message for memory that ran out outside of training; None for any other error."""
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
