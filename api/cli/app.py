import sys

import typer

from api.cli import (
    call,
    check_dialplan,
    demo,
    enforcement,
    metrics,
    mic,
    model,
    reconcile,
    replay,
    services,
    simulate,
    speech,
    staffing,
    status,
    token,
    transcribe,
    up,
)

app = typer.Typer(
    name="zhitong",
    help="直通: 12345 rings, a human answers, a draft ticket appears.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (up.up, demo.demo, call.call, transcribe.transcribe, replay.replay, status.status):
    app.command()(verb)
app.command()(reconcile.reconcile)
app.command()(simulate.simulate)
app.command()(staffing.staffing)
app.command("check-dialplan")(check_dialplan.check_dialplan)
for service in (services.api, services.router, services.worker, services.asterisk, services.postgres, services.migrate):
    app.command()(service)
app.add_typer(model.app, name="model")
app.add_typer(mic.app, name="mic")
app.add_typer(speech.app, name="speech")
app.add_typer(metrics.app, name="metrics")
app.add_typer(token.app, name="token")
app.add_typer(enforcement.app, name="enforcement")


def main() -> None:
    """Run one command; an error that we foresaw is told in a sentence, with its id, and ends with status 1."""
    try:
        app()
    except Exception as error:
        error_id = getattr(error, "error_id", None)
        if error_id is None:
            raise
        print(f"错误 error [{error_id}]: {error}", file=sys.stderr)  # noqa: T201 - this is the terminal
        sys.exit(1)
