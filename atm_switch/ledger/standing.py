"""Which postings stand, said once for every query that asks.

Plan: conditions on a posting by its alias, in SQL both databases understand.  Who took a
posting back is one look into the index ``postings_reversed``.
Why no view: with the condition in it, a query's plan is that of the table.
"""


def stands(alias: str) -> str:
    """Write that a posting takes none back and was not taken back."""
    taken_back = f"SELECT 1 FROM postings AS other WHERE other.reverses = {alias}.seq"  # noqa: S608 - ours
    return f"{alias}.reverses IS NULL AND NOT EXISTS ({taken_back})"


def is_development(alias: str, *, of_one: bool = False) -> str:
    """Write that a posting is the development of its year: of the last day, and it stands.

    ``of_one``: where the postings of one account are looked at, and not those of all.
    """
    standing = _stands_by_index(alias) if of_one else stands(alias)
    return f"{is_of_last_day(alias)} AND {standing}"


def _stands_by_index(alias: str) -> str:
    """Write what ``stands`` does for PostgreSQL to look one posting up, whatever it knows of all.

    For NOT EXISTS it may read who took back whatever was, for all accounts.
    """
    taken_back = f"SELECT 1 FROM postings AS other WHERE other.reverses = {alias}.seq LIMIT 1"  # noqa: S608 - ours
    return f"{alias}.reverses IS NULL AND ({taken_back}) IS NULL"


def is_of_last_day(alias: str) -> str:
    """Write that a posting is a development of 31 December."""
    return f"{alias}.kind = 'development' AND substr({alias}.posted_on, 6) = '12-31'"


_IS_DEVELOPED = f"""
(
    SELECT 1 FROM postings AS earned
    WHERE earned.year = own.year AND earned.kpj = own.kpj
      AND {is_development("earned", of_one=True)}
    LIMIT 1
) IS NOT NULL
"""  # noqa: S608 - ours
CLOSED = """
coalesce((
    SELECT max(CASE WHEN next_kpj IS NULL THEN year ELSE year - 1 END) FROM closed_years
), 0)
"""
"""The last year that is closed for everybody: years are closed in order."""


def last_developed(kpj: str) -> str:
    """Write the last year an account has the development of, 0 where there is none.

    It rests on the years before, which are settled by it.  Not EXISTS, for which PostgreSQL
    reads the account's postings of all years: so it ends at the first year from behind.
    """
    return f"""
    coalesce((
        SELECT own.year FROM year_totals AS own
        WHERE own.kpj = {kpj} AND {_IS_DEVELOPED} ORDER BY own.year DESC LIMIT 1
    ), 0)
    """  # noqa: S608 - ours


def is_developed_from(kpj: str, year: str) -> str:
    """Write that an account has the development of a year, or of a later one."""
    return f"""
    (
        SELECT 1 FROM year_totals AS own
        WHERE own.kpj = {kpj} AND own.year >= {year} AND {_IS_DEVELOPED} LIMIT 1
    ) IS NOT NULL
    """  # noqa: S608 - ours
