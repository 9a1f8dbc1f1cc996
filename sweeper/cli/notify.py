"""`sweeper notify`: whom the user's own configuration tells of sweeps, and whether that works."""

import click

from sweeper.config.user_config import user_config, user_config_path
from sweeper.errors import PreflightError, SpecError
from sweeper.trackers.notifier import Message, Notifier

TEST_SECONDS = 60.0


@click.command(epilog="Example:  sweeper notify --test")
@click.option("--test", "is_test", is_flag=True, help="Tell each of them that this is a test.")
def command(is_test: bool) -> None:
    """Show whom sweeps tell of their start, new bests, failures, budgets and end.

    ~/.config/sweeper/config.yaml names them under `notify`; addresses are never printed.
    """
    spec = user_config().notify
    if spec is None:
        hint = "write notify: {to: [{command: [notify-send, sweeper]}]} there"
        raise SpecError("nobody is told: it has no `notify`", where=str(user_config_path()), hint=hint)
    for target in spec.to:
        click.echo(f"{target.name}: {', '.join(spec.on)}")
    if not is_test:
        return
    notifier = Notifier(spec.to)
    notifier.send(Message("test", "test", "sweeper: this is a test"))
    notifier.close(TEST_SECONDS)
    problems = notifier.problems()
    for problem in problems[:-1]:
        click.echo(problem, err=True)
    if problems:
        raise PreflightError(problems[-1])
    click.echo("each of them took the test")
