"""The server's secret: a setting (the same on all replicas), or made once and kept in the data folder."""

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from core.errors import SettingsError
from core.settings import Settings

SHORTEST = 32


def server_secret(settings: Settings) -> bytes:
    """The secret from which every key is derived.

    Raises
    ------
    SettingsError
        The one that was set is too short, or one cannot be kept in the data folder.
    """
    if settings.secret_key:
        if len(settings.secret_key) < SHORTEST:
            raise SettingsError(
                f"SALES_SECRET_KEY is shorter than {SHORTEST} characters.",
                'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            )
        return settings.secret_key.encode()
    return _kept(settings.data_folder / "secret.key")


def key_for(settings: Settings, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose; those of other purposes do not follow from it."""
    return hmac.new(server_secret(settings), purpose.encode(), hashlib.sha256).digest()


@cache
def _kept(file: Path) -> bytes:
    """Read once by each process: a secret that is changed holds from the next start on."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_name(f"{file.name}.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(48))
            try:
                os.link(fresh, file)  # another process may have been faster: then its secret holds
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
        return file.read_text(encoding="utf-8").strip().encode()
    except OSError as error:
        raise SettingsError(
            f"The server's secret cannot be kept in {file} ({error.strerror}).",
            "Set SALES_SECRET_KEY or SALES_SECRET_KEY_FILE, or make the data folder writable.",
        ) from None
