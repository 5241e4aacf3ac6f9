"""The commands and their options; each imports what it does when it is called."""

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from headway.cli import exits
from headway.config import Settings

if os.environ.get("NO_COLOR"):
    # Typer's help leaves out the colours only; it reads this when it first prints.
    os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")

app = typer.Typer(
    name="headway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run workflows and watch them live, in the browser and here.\n\n"
    "[bold]Try it:[/]\n\n"
    "  headway serve flows.py                     serve its workflows, with a page\n\n"
    "  headway run flows.py:report -i month=May   start one and follow it\n\n"
    "  headway ls                                 what has run, newest first\n\n"
    "Every option can be set by its HEADWAY_ variable: --port by HEADWAY_PORT.",
)

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where executions are kept: sqlite:///PATH. [dim]HEADWAY_DATABASE[/]",
        show_default="a file in your data folder",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Server to talk to. [dim]HEADWAY_URL[/]",
        show_default="the one that holds the database",
    ),
]
Token = Annotated[str | None, typer.Option(help="Shared secret of the server. [dim]HEADWAY_TOKEN[/]")]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="KEY=VALUE", help="A field of the input; KEY=@FILE takes a file's text."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ExecutionId = Annotated[str, typer.Argument(metavar="ID", help="Id of an execution.", show_default=False)]


def _print_version(wanted: bool) -> None:
    if wanted:
        from headway.config import installed_version

        typer.echo(f"headway {installed_version()}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version  # its callback has answered


@app.command()
def serve(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Python files with workflows.")],
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [dim]HEADWAY_HOST[/]", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one. [dim]HEADWAY_PORT[/]", show_default="8321")
    ] = None,
    database: Database = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes. [dim]HEADWAY_WORKERS[/]", show_default="1")
    ] = None,
    token: Token = None,
    open: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the page. [dim]HEADWAY_OPEN[/]")
    ] = None,
    reload: Annotated[
        bool | None,
        typer.Option(
            "--reload/--no-reload",
            help="Import a file again when it is saved. [dim]HEADWAY_RELOAD[/]",
            show_default="reload",
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Path to answer under, behind a proxy. [dim]HEADWAY_PREFIX[/]")
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(help="DEBUG, INFO, WARNING or ERROR. [dim]HEADWAY_LOG_LEVEL[/]", show_default="INFO"),
    ] = None,
) -> None:
    """Serve the workflows of some files: run what is started, show it live in the browser.

    Ctrl-C ends it in order: running executions get a while to finish, and go on at the next start otherwise.

    $ headway serve flows.py

    $ headway serve flows/*.py --port 9000 --workers 4 --database sqlite:///runs.db
    """
    from headway.cli.serve import serve

    given = {"host": host, "port": port, "database": database, "workers": workers, "token": token}
    given |= {"open": open, "reload": reload, "prefix": prefix, "log_level": log_level}
    _do(lambda settings: serve(settings, files), **given)


@app.command()
def work(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Python files with workflows.")],
    database: Database = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes. [dim]HEADWAY_WORKERS[/]", show_default="1")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the pages are served, for the other commands. [dim]HEADWAY_URL[/]",
            show_default="the commands use the database",
        ),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(help="DEBUG, INFO, WARNING or ERROR. [dim]HEADWAY_LOG_LEVEL[/]", show_default="INFO"),
    ] = None,
) -> None:
    """Run what is started, and serve nothing: for an application of yours that mounts Headway itself.

    $ headway work flows.py --database sqlite:///runs.db
    """
    from headway.cli.work import work

    given = {"database": database, "workers": workers, "url": url, "log_level": log_level}
    _do(lambda settings: work(settings, files), **given)


@app.command()
def run(
    target: Annotated[
        str,
        typer.Argument(metavar="FILE:WORKFLOW", help="What to run; FILE alone if it defines one workflow."),
    ],
    inputs: Inputs = None,
    json_source: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="The whole input as JSON; - reads stdin.")
    ] = None,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Start a workflow and follow it to its end; the exit code is the outcome.

    0 completed, 1 failed, 2 wrong usage, 3 cancelled, 4 server or database out of reach.
    It runs on the server that holds the database; without one, in this process.

    $ headway run flows.py:report --input month=May --input top=10

    $ echo '{"month": "May"}' | headway run flows.py:report --json -
    """
    from headway.cli.run import run

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: run(settings, target, inputs or [], json_source), **given)


@app.command()
def watch(
    watched: Annotated[str, typer.Argument(metavar="ID", help="Id of an execution or of a workflow.")],
    after: Annotated[int | None, typer.Option(metavar="SEQ", help="Only events after this one.")] = None,
    json: Json = False,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Follow an execution to its end; the exit code is the outcome, as of run.

    $ headway watch 01KB2Y6P8QW4E5R6T7Y8V9ABCD

    $ headway watch report --after 0 --json
    """
    from headway.cli.run import watch

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: watch(settings, watched, after, as_json=json), **given)


@app.command("ls")
def list_executions(
    status: Annotated[
        list[str] | None, typer.Option(help="Only these: running, queued, completed, failed, cancelled.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Only this workflow's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    json: Json = False,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List executions, newest first.

    In a pipe, tabs between whole values and no heading: id, workflow, status, progress, time, message.

    $ headway ls --status failed --workflow report

    $ headway ls --status running | cut -f1
    """
    from headway.cli.executions import list_executions

    given = {"database": database, "url": url, "token": token}
    _do(
        lambda settings: list_executions(settings, status or [], workflow, limit, as_json=json),
        **given,
    )


@app.command()
def show(
    execution_id: ExecutionId,
    json: Json = False,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show one execution: status, steps, result or error."""
    from headway.cli.executions import show

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: show(settings, execution_id, as_json=json), **given)


@app.command()
def cancel(
    execution_id: ExecutionId,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="End its worker's process if it does not answer; what else runs there goes on from its last "
            "finished step.",
        ),
    ] = False,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Ask for the end of a running execution, in the middle of its step.

    $ headway cancel 01KB2Y6P8QW4E5R6T7Y8V9ABCD --force
    """
    from headway.cli.executions import cancel

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: cancel(settings, execution_id, force=force), **given)


@app.command()
def rerun(
    execution_id: ExecutionId,
    from_step: Annotated[
        str | None,
        typer.Option("--from", metavar="STEP", help="Use the results of the steps before this one again."),
    ] = None,
    inputs: Inputs = None,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Run a workflow again with the same input, as a new execution, and follow it.

    $ headway rerun 01KB2Y6P8QW4E5R6T7Y8V9ABCD

    $ headway rerun 01KB2Y6P8QW4E5R6T7Y8V9ABCD --from load --input limit=10
    """
    from headway.cli.run import rerun

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: rerun(settings, execution_id, from_step, inputs or []), **given)


@app.command()
def approve(
    execution_id: ExecutionId,
    question: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which question, as approval-2; needed where several are open."),
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Answer with no.")] = False,
    values: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="KEY=VALUE", help="A field of the form; KEY=@FILE takes a text."),
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the log.")] = None,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Answer the question that an execution waits with.

    $ headway approve 01KB2Y6P8QW4E5R6T7Y8V9ABCD --value amount=12

    $ headway approve 01KB2Y6P8QW4E5R6T7Y8V9ABCD --reject --reason "too dear"
    """
    from headway.cli.controls import approve

    given = {"database": database, "url": url, "token": token}
    _do(
        lambda settings: approve(
            settings, execution_id, question, values or [], approved=not reject, reason=reason
        ),
        **given,
    )


@app.command()
def signal(
    execution_id: ExecutionId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the workflow waits for.")],
    json_text: Annotated[
        str, typer.Option("--json", metavar="VALUE", help="The message, as JSON.", show_default="null")
    ] = "null",
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="With a known one nothing is sent again.")
    ] = None,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Send an execution a message; it is kept until the workflow waits for one of this name.

    $ headway signal 01KB2Y6P8QW4E5R6T7Y8V9ABCD page --json '{"number": 3}'
    """
    from headway.cli.controls import signal

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: signal(settings, execution_id, name, json_text, key), **given)


@app.command()
def verify(
    execution_id: ExecutionId, database: Database = None, url: Url = None, token: Token = None
) -> None:
    """Check that no event of an execution is missing or changed: its numbers and its hash chain."""
    from headway.cli.executions import verify

    _do(lambda settings: verify(settings, execution_id), database=database, url=url, token=token)


@app.command()
def export(
    execution_id: ExecutionId, database: Database = None, url: Url = None, token: Token = None
) -> None:
    """Write all events of an execution as JSON Lines.

    $ headway export 01KB2Y6P8QW4E5R6T7Y8V9ABCD > run.jsonl
    """
    from headway.cli.executions import export

    _do(lambda settings: export(settings, execution_id), database=database, url=url, token=token)


@app.command()
def doctor(
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="Of the server, as you reach it.",
            show_default="the one that holds the database",
        ),
    ] = None,
    idle: Annotated[
        float,
        typer.Option(
            min=1, max=600, metavar="SECONDS", help="How long a connection is left without traffic."
        ),
    ] = 5.0,
    json: Json = False,
    database: Database = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Find out what a proxy does to a server's feeds, and name the setting at fault.

    Tries name, TCP, TLS, the HTTP API, the token, WebSockets, Server-Sent Events and long poll.

    Starts nothing. Most proxies give up on silence after 60 s: --idle 75 sees that.

    0 all is well, 1 something fails but feeds work, 2 wrong usage, 4 no feed works at this address.

    $ headway doctor https://example.org/headway

    $ headway doctor https://example.org/headway --idle 75 --json
    """
    from headway.cli.doctor import doctor

    given = {"database": database, "url": url, "token": token}
    _do(lambda settings: doctor(settings, address, idle, as_json=json), **given)


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(True)


def _do(command: Callable[[Settings], int], **given: Any) -> NoReturn:
    """Run a command with the settings; every error ends here as two lines and an exit code."""
    debug = False
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever its encoding, nothing said is an error
    try:
        settings = Settings.read(os.environ, **given)
        debug = settings.debug
        code = command(settings)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()  # the reader has gone: nothing to add
        code = exits.COMPLETED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the edge of the program
        code = exits.report(error, debug=debug)
        if isinstance(error, OSError):
            _drop_output()
    raise typer.Exit(code)


def _drop_output() -> None:
    """Give up what stdout still holds: Python would try to write it at its end, and be refused again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
