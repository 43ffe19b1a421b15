def main() -> None:
    """Run the `mailroom` command line."""
