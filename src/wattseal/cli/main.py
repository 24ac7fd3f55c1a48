"""`wattseal`: the one command, and what every sub-command may rely on.

A sub-command is a module `wattseal.cli.<name>` holding `app = cyclopts.App(name="<name>")`, imported only when it is
called, and one line in `COMMANDS`. It returns an exit code or None for 0, prints results to standard output, and
raises `WattsealError` when it cannot go on.

Exit codes: 0 done; 1 to 3 are a command's own verdicts (`wattseal verify --help`); 64 wrong usage; 65 input, 74 store
or system, 78 configuration cannot be used; 70 a defect of ours; 130 interrupted (64 to 78 after BSD sysexits).
"""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from cyclopts import App, CycloptsError

from wattseal import __version__
from wattseal.base.errors import ConfigError, InputError, StoreError, WattsealError
from wattseal.base.text import shown
from wattseal.cli.output import json_line

COLLECT = 20_000, 20, 50
"""How seldom the collector runs: nearly all that imports make stays, and going over it took a quarter of a start."""
EXIT_USAGE, EXIT_INPUT, EXIT_DEFECT, EXIT_SYSTEM, EXIT_CONFIG, EXIT_INTERRUPTED = 64, 65, 70, 74, 78, 130


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command: the module `wattseal.cli.<name>` and its line in `wattseal --help`."""

    name: str
    help: str


COMMANDS = (
    Command("demo", "Charge, seal, forward, check and tamper: the whole product on this machine."),
    Command("attack", "Play the attacks of the threat model against this product, each with its control."),
    Command("serve", "Run the CSMS of a CPO: stations dial in, every message becomes a record."),
    Command("edge", "Stand beside a stock station and seal what it says at the source."),
    Command("emsp", "Decide who may charge, check what is billed, settle or dispute."),
    Command("witness", "Cosign the checkpoints of logs, so that none of them can show two histories."),
    Command("watchdog", "Watch a CPO's alarms from elsewhere, and say when they fall silent."),
    Command("station", "Simulate a charging station, or a fleet of them."),
    Command("registry", "Enrol keys, revoke them, write trust files."),
    Command("verify", "Check bundles and signed meter records offline."),
    Command("bundle", "Look into a bundle: what was measured, who signed it, who could read what."),
    Command("enrol", "Enrol stations and tokens from CSV files at a running CSMS."),
    Command("token", "Block one token, let it charge again; sign codes by which an app begins a charge."),
    Command("people", "Make the one-time link of a new owner; list people."),
    Command("account", "Open, change and close accounts of those who pay; hand out a driver's data."),
    Command("privacy", "Hand out or erase what is held about a person; show how long things are kept."),
    Command("quarantine", "See sessions that are not billed until somebody decides, and decide."),
    Command("dispute", "Open disputes with a bundle, see both sides' evidence, decide."),
    Command("audit", "Work a period's revenue out again from records, and compare it with the ledger."),
    Command("invoice", "Preview, issue, list and fetch invoices; check one offline."),
    Command("ledger", "Read the books, post by hand, export the journal."),
    Command("payments", "List payments; hold provider, ledger and sessions against each other."),
    Command("works", "Announce works at stations, end or withdraw them, list them."),
    Command("fsck", "Re-prove a CPO's directory: records, chains, projections, ledger, log, checkpoints."),
    Command("month", "Simulate a month of sessions with faults in it, to try the audit on."),
    Command("config", "Check the configuration; show what is in force."),
    Command("doctor", "Check clock, disk, ports, keys and the data directory."),
    Command("keys", "Take the private keys of a data directory to safety, and back."),
    Command("migrate", "Bring a journal to the newest schema."),
    Command("backup", "Copy a data directory, while its owner works, into one file."),
    Command("restore", "Make a data directory anew from a backup."),
)


def make_app() -> App:
    """Return the root command; no sub-command's module is imported before it is called."""
    app = App(
        name="wattseal",
        help="EV charging in which the data carries its own proof.",
        version=__version__,
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for place, command in enumerate(COMMANDS):
        app.command(f"wattseal.cli.{command.name}:app", name=command.name, help=command.help, sort_key=place)
    return app


def run(arguments: Sequence[str], errors: TextIO) -> int:
    """Run one command line and return its exit code; trouble becomes one line on `errors`.

    With `--debug` anywhere before `--` the traceback follows; with `--json` the line is a JSON object
    `{"error": {"code", "subject", "text"}}`.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug, as_json = "--debug" in options, "--json" in options
    rest = [a for i, a in enumerate(arguments) if not (a == "--debug" and i < len(options))]
    try:
        code = make_app()(rest)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - people get a sentence, not a stack
        failure = _failure(error)
        errors.write(failure.line(as_json=as_json) + "\n")
        if debug:
            errors.writelines(traceback.format_exception(error))
        return failure.exit_code
    return code if isinstance(code, int) else 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command ended early: exit code, stable code, the offending thing, a sentence with the next step."""

    exit_code: int
    code: str
    subject: str
    text: str

    def line(self, *, as_json: bool) -> str:
        """Return the one line to print; hostile text in it cannot move the cursor or forge a second line."""
        if as_json:
            return json_line({"error": {"code": self.code, "subject": self.subject, "text": self.text}})
        subject = f" [{shown(self.subject)}]" if self.subject and self.subject not in self.text else ""
        return f"wattseal: {shown(self.text, limit=1000)}{subject}"


_DEFECT = "this is a defect in wattseal, not in your input: run it again with --debug and report what it prints"


def _failure(error: Exception | KeyboardInterrupt) -> Failure:
    match error:
        case CycloptsError():
            text = " ".join(str(error).split())
            return Failure(EXIT_USAGE, "usage", "", f"{text} See 'wattseal --help' or 'wattseal COMMAND --help'.")
        case WattsealError():
            return Failure(_exit_code(error), error.code, error.subject, str(error))
        case BrokenPipeError():
            return Failure(EXIT_SYSTEM, "broken_pipe", "", "the reader of this output went away")
        case OSError():
            subject = "" if error.filename is None else os.fsdecode(error.filename)
            text = f"{subject}: {error.strerror}" if subject and error.strerror else error.strerror or str(error)
            return Failure(EXIT_SYSTEM, "system", subject, f"the system refused: {text}")
        case KeyboardInterrupt():
            return Failure(EXIT_INTERRUPTED, "interrupted", "", "interrupted")
        case _:
            return Failure(EXIT_DEFECT, "defect", type(error).__name__, _DEFECT)


def _exit_code(error: WattsealError) -> int:
    match error:
        case InputError():
            return EXIT_INPUT
        case ConfigError():
            return EXIT_CONFIG
        case StoreError():
            return EXIT_SYSTEM
        case _:
            return EXIT_DEFECT


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(*COLLECT)
    code = run(sys.argv[1:], sys.stderr)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or EXIT_SYSTEM
    sys.exit(code)
