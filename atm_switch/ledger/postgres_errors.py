"""What an error of the ledger's PostgreSQL is about: one statement, the connection, or us."""

from asyncio import Future

from atm_switch.adapters.postgres_link import driver
from atm_switch.domain.errors import Refused


def is_of_statement(error: Exception) -> bool:
    """Tell an error the server answered with, the connection sound, from a lost connection."""
    asyncpg = driver()
    lost = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError)
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, lost)


def refusal_of(error: Exception) -> Refused | None:
    """Tell who is turned away by the server from one that is not there."""
    asyncpg = driver()
    barred = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
    if isinstance(error, barred):
        return Refused(
            f"the ledger's PostgreSQL does not let us in ({type(error).__name__}); "
            "see ledger.url, and PGPASSFILE for the password"
        )
    return None


def was_tried(tried: Future[None], refusal: Refused | None) -> None:
    """Tell who waits for the first attempt to connect how it went; later ones are nobody's."""
    if tried.done():
        return
    if refusal is None:
        tried.set_result(None)
    else:
        tried.set_exception(refusal)
