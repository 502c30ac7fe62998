"""The file of users for basic sign-in: one line each, ``name:role:hash``, the hash by scrypt."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from core.errors import SalesError
from core.roles import Role, role_named
from core.settings import Settings

SHORTEST_PASSWORD = 10
_COST, _BLOCK, _LANES, _LENGTH = 2**15, 8, 1, 32
_MEMORY = 64 * 2**20
_NAME = re.compile(r"[\w.@+-]{1,100}")


class UserError(SalesError):
    """A user cannot be added or read."""


@dataclass(frozen=True)
class User:
    """One line of the file."""

    name: str
    role: Role
    hash: str


def hashed(password: str) -> str:
    """The password as it is kept: ``scrypt$cost$block$lanes$salt$key``, base64."""
    salt = secrets.token_bytes(16)
    key = _derived(password, salt, _COST, _BLOCK, _LANES)
    return "$".join(("scrypt", str(_COST), str(_BLOCK), str(_LANES), _packed(salt), _packed(key)))


def matches(password: str, kept: str) -> bool:
    """Whether ``kept`` is the hash of that password; takes the same time for any wrong one."""
    try:
        name, cost, block, lanes, salt, key = kept.split("$")
        numbers = int(cost), int(block), int(lanes)
        if name != "scrypt" or numbers[0] > 2**20 or numbers[1] > 32 or numbers[2] > 16:
            return False
        found = _derived(password, base64.b64decode(salt), *numbers)
        return hmac.compare_digest(found, base64.b64decode(key))
    except ValueError:
        return False


def users_path(settings: Settings) -> Path:
    """Where the users of basic sign-in are."""
    return Path(settings.users_file) if settings.users_file else settings.data_folder / "users.txt"


class UsersFile:
    """Users as the file has them now: it is read anew when it changes.

    Parameters
    ----------
    path
        The file; an absent one has no users.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._users: dict[str, User] = {}
        self._readable = True
        self._nobody = hashed(secrets.token_urlsafe(16))

    def users(self) -> dict[str, User]:
        """All users by name.

        Raises
        ------
        UserError
            A line cannot be read, or the file cannot.
        """
        with self._lock:
            try:
                facts = self.path.stat()
                stamp = (facts.st_mtime_ns, facts.st_size)
                if stamp != self._read_at:
                    self._users = _parsed(self.path)
                    self._read_at = stamp
            except FileNotFoundError:
                self._users, self._read_at = {}, None
            except UserError:
                self._readable = False
                raise
            except (OSError, UnicodeDecodeError) as error:
                self._readable = False
                reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
                raise UserError(
                    f"The file of users {self.path} cannot be read ({reason}).",
                    "Check SALES_USERS_FILE and who may read the file.",
                ) from None
            self._readable = True
            return self._users

    def known(self) -> dict[str, User]:
        """All users by name as ``users`` last found them; nobody if it failed. Does not touch the disk."""
        return self._users if self._readable else {}

    def check(self, name: str, password: str) -> User | None:
        """The user of that name if the password is theirs; a wrong name takes as long as a wrong password."""
        user = self.users().get(name)
        good = matches(password, user.hash if user else self._nobody)
        return user if user is not None and good else None

    def put(self, name: str, role: Role, password: str) -> bool:
        """Add a user or change one; True if they are new.

        Raises
        ------
        UserError
            The name or the password will not do, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise UserError(
                f"{name!r} cannot be the name of a user.", "Use letters, digits and . @ + - _ only."
            )
        if len(password) < SHORTEST_PASSWORD:
            raise UserError(
                f"The password is shorter than {SHORTEST_PASSWORD} characters.", "Choose a longer one."
            )
        users = dict(self.users())
        new = name not in users
        users[name] = User(name, role, hashed(password))
        self._write(users)
        return new

    def remove(self, name: str) -> None:
        """Take a user out of the file.

        Raises
        ------
        UserError
            There is no such user, or the file cannot be written.
        """
        users = dict(self.users())
        if name not in users:
            raise UserError(f"There is no user {name!r} in {self.path}.", "See: sales-dashboard user list")
        del users[name]
        self._write(users)

    def _write(self, users: dict[str, User]) -> None:
        text = "".join(f"{user.name}:{user.role}:{user.hash}\n" for user in users.values())
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(text)
            fresh.replace(self.path)
        except OSError as error:
            raise UserError(
                f"The file of users {self.path} cannot be written ({error.strerror}).",
                "Check SALES_USERS_FILE and who may write to its folder.",
            ) from None


def _parsed(path: Path) -> dict[str, User]:
    users = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        role, _, kept = rest.partition(":")
        try:
            users[name] = User(name, role_named(role), kept.strip())
        except ValueError as error:
            raise UserError(
                f"Line {number} of {path} is not name:role:hash ({error}).",
                "Write it with: sales-dashboard user add NAME --role ROLE",
            ) from None
    return users


def _derived(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY, dklen=_LENGTH
    )


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()
