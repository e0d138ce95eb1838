"""Every figure of speed in one table: ``make bench``, or ``python -m tests.bench --help``.

A figure is a module of this package with two names in it:

    GOALS: tuple[Goal, ...]                         the rows of the table, before measuring
    def measure(bench: Bench) -> Iterator[Got]      the same rows with what came out

and a line in ``catalogue.py``.  ``measure`` yields a ``Got`` for each goal, by the goal's
name; ``Got.left_out(name, why)`` where a thing cannot be had here.  What it runs takes turns
in ``bench.rounds`` rounds; only ratios of one run are judged, and the median counts.  It says
what it does with ``bench.say``, keeps its files in ``bench.folder``, uses CPU time where one
core can be told apart, and leaves no process behind.
"""
