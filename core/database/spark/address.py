"""Addresses of Spark Connect servers: ``sc://host:port/;token=…;tables=/folder;schema=…``."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from core.errors import DatabaseError

PORT = 15002
_OURS = ("tables", "catalog", "schema", "workers")
_WORKERS = 2
_EXAMPLE = "Give an address such as sc://spark.example:15002/;use_ssl=true;schema=sales"
_PASSWORD = "SALES_DATABASE_PASSWORD"


@dataclass(frozen=True)
class SparkAddress:
    """A Spark Connect server and what of it is the database.

    Attributes
    ----------
    tables
        A folder as the server sees it, whose sub-folders and Parquet files are the tables; may be empty.
    catalog, schema
        Where tables are found and written otherwise; empty for the server's own choice.
    workers
        How many tasks of Spark train together; they all need a free core at the same time.
    remote
        The address as Spark's client wants it. Holds the token: never shown.
    """

    host: str
    port: int
    tables: str
    catalog: str
    schema: str
    workers: int
    remote: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The address without secrets."""
        return f"sc://{self.host}:{self.port}"


def spark_address(url: str) -> SparkAddress:
    """The parts of an address.

    A token may also come from ``SALES_DATABASE_PASSWORD``. A token is only sent over TLS, except to this
    machine.

    Raises
    ------
    DatabaseError
        It is no address of a Spark Connect server. Its options are not repeated.
    """
    place, _, rest = url.strip().partition("://")[2].partition("/")
    host, _, port = place.partition(":")
    if not host or "@" in place or not (port or str(PORT)).isdigit():
        raise DatabaseError("The Spark address names no host and port.", _EXAMPLE)
    options: dict[str, str] = {}
    for part in filter(None, rest.split(";")):
        name, is_option, value = part.partition("=")
        if not is_option or not name or not value:
            raise DatabaseError("An option of the Spark address has no value.", _EXAMPLE)
        options[name] = unquote(value)
    own = {name: options.pop(name, "") for name in _OURS}
    if "token" not in options and (password := _password()):
        options["token"] = password
    number = int(port or PORT)
    tail = "".join(f";{name}={quote(value)}" for name, value in options.items())
    remote = f"sc://{host}:{number}/{tail}"
    workers = own["workers"] or str(_WORKERS)
    if not workers.isdigit() or int(workers) < 1:
        raise DatabaseError("The option workers of the Spark address is no number above 0.", _EXAMPLE)
    tables = own["tables"].rstrip("/")
    return SparkAddress(host, number, tables, own["catalog"], own["schema"], int(workers), remote)


def _password() -> str:
    from core.settings import read_settings

    return str(read_settings().database_password)
