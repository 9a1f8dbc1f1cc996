"""The command line: each verb is one file, which is imported only when the verb runs."""

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from sweeper.errors import PreflightError, SpecError, SweeperError
from sweeper.registry import nearest
from sweeper.wording import plain, redacted

# verb -> (module that holds its `command`, the line that `sweeper --help` prints); help imports none of them
VERBS: Mapping[str, tuple[str, str]] = {
    "init": ("sweeper.cli.init", "Write a starter sweep file."),
    "validate": ("sweeper.cli.validate", "Check a sweep file and say what it means."),
    "plan": ("sweeper.cli.plan", "Show what a sweep would do: space, images, sample networks."),
    "launch": ("sweeper.cli.launch", "Run a sweep from its file to its answer."),
    "simulate": ("sweeper.cli.simulate", "Compare settings on a virtual clock, training nothing."),
    "list": ("sweeper.cli.list", "Show the sweeps of this folder."),
    "status": ("sweeper.cli.status", "Show how one sweep stands."),
    "watch": ("sweeper.cli.watch", "Show a running sweep on a screen, from any shell."),
    "best": ("sweeper.cli.best", "Say which network is best, and which is worth its cost."),
    "compare": ("sweeper.cli.compare", "Put the fronts of several sweeps side by side."),
    "report": ("sweeper.cli.report", "Write one page about sweeps that people pass on."),
    "advise": ("sweeper.cli.advise", "Say what a sweep teaches about its file, and write the next."),
    "portfolio": ("sweeper.cli.portfolio", "Write what suited these sweeps, for the next to begin with."),
    "cost": ("sweeper.cli.cost", "Say what a sweep cost, and what for; write its ledger to a file."),
    "evaluate": ("sweeper.cli.evaluate", "Score a trial's network: by class, by confusion, disturbed."),
    "show": ("sweeper.cli.show", "Print a network's layers; draw its curves, filters and feature maps."),
    "predict": ("sweeper.cli.predict", "Name what a network sees in images."),
    "export": ("sweeper.cli.export", "Take a network out: ONNX, torch.export, safetensors, MLflow."),
    "logs": ("sweeper.cli.logs", "Tell what happened in a sweep, or to one trial and why."),
    "stop": ("sweeper.cli.stop", "Stop a sweep, or one trial, at the next report."),
    "pause": ("sweeper.cli.pause", "Let one trial rest, while the others go on."),
    "cancel": ("sweeper.cli.cancel", "End every trial of a sweep now."),
    "resume": ("sweeper.cli.resume", "Go on with a sweep, or with one trial that was paused."),
    "extend": ("sweeper.cli.extend", "Give a sweep a larger budget or a wider space."),
    "retry": ("sweeper.cli.retry", "Put failed trials back into the queue."),
    "delete": ("sweeper.cli.delete", "Remove a sweep for good."),
    "sync": ("sweeper.cli.sync", "Deliver to MLflow what it has not confirmed."),
    "data": ("sweeper.cli.data", "Look at, prepare, fetch and tidy the images."),
    "ui": ("sweeper.cli.ui", "Show MLflow's UI on what sweeps have told it."),
    "notify": ("sweeper.cli.notify", "Show and test whom sweeps tell what happens."),
    "schema": ("sweeper.cli.schema", "Print the JSON Schema of sweep files, for editors."),
}
INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
SHOWN = 20
"""Mistakes of a sweep file that are printed, a line each; those behind them are counted."""


class Verbs(click.Group):
    """The group of all verbs. It imports none of them to print their help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a sweep's life, as `VERBS` lists them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's own `command`, imported now."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb, or a usage error that names the nearest one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no verb is called {args[0]!r}; {nearest(args[0], VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs, from `VERBS`."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, help_line) for verb, (_, help_line) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin so. Click's own answer would import each of them for its help."""
        return [
            CompletionItem(verb, help=line)
            for verb, (_, line) in VERBS.items()
            if verb.startswith(incomplete)
        ]


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"sweeper {importlib.import_module('importlib.metadata').version('sweeper')}")
        ctx.exit()


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_context
def sweeper(ctx: click.Context) -> None:
    """Find the network with the best top-5 accuracy per GPU-hour.

    Without a verb: list the sweeps.

    \b
    Example:
      sweeper launch search_spaces/digits.yaml
    """
    if ctx.invoked_subcommand is None:
        verb = sweeper.get_command(ctx, "list")
        if verb is not None:
            ctx.exit(_code(ctx.invoke(verb)))


def run(arguments: Sequence[str] | None = None, verbs: click.Group = sweeper) -> int:
    """Run one command line and return its exit code; the only place where a SweeperError becomes lines."""
    try:
        return _code(verbs.main(arguments, prog_name="sweeper", standalone_mode=False))
    except SpecError as error:
        mistakes = error.each()
        for each in mistakes[:SHOWN]:
            _say(" ".join(str(each).split()), each.exit_code)
        if len(mistakes) > SHOWN:
            click.echo(f"... and {len(mistakes) - SHOWN} more", err=True)
        return error.exit_code
    except SweeperError as error:
        return _say(" ".join(str(error).split()), error.exit_code)
    except click.ClickException as error:
        return _say(_usage(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has enough; without this Python complains again when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror}; make room, then type it again", PreflightError.exit_code)


def main() -> None:
    """Run the console script."""
    sys.exit(run())


def _code(result: Any) -> int:
    return result if isinstance(result, int) else 0


def _say(message: str, code: int) -> int:
    click.echo(f"error: {plain(redacted(' '.join(message.split())))}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    return f"{message} (see `{path} --help`)" if path else message
