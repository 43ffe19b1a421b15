"""The demo and the sandboxes, from the command line. The only module of the bot that knows the sandboxes."""

import typer

sandboxes = typer.Typer(no_args_is_help=True, help="MailAPI and Slack as servers on this machine.")


def demo() -> None:
    """Show the bot at work."""
