"""`scalesearch tables`."""
def tables() -> None:
    """x

    Example: scalesearch tables
    """
