"""Faults of the rules themselves, apart from `etl.validation.run`: naming one must not import Great Expectations."""


class RuleFault(RuntimeError):
    """A rule that could not be run: our fault, never the sender's. Names suite and code."""
