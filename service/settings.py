"""Settings: what the service is told by its environment (`CORONER_...`) or by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.addresses import hidden

SECRETS = "/run/secrets"  # where containers find files that hold secrets
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _folder() -> Path:
    return Path(platformdirs.user_data_dir("coroner"))


class Settings(BaseSettings):
    """What the service allows and where it keeps things. `CORONER_MAX_BYTES=1000` sets `max_bytes`, and so on.

    `coroner` also reads files below $CORONER_SECRETS that are named like the variables, `/run/secrets/coroner_secret`.

    `max_bytes` holds for a request's body and for what it unpacks to. `at_once` requests are worked on at a time;
    with those that wait or still send there may be `in_flight`, more are turned away.
    """

    model_config = SettingsConfigDict(env_prefix="CORONER_", frozen=True, extra="ignore")

    folder: Path = Field(default_factory=_folder, description="Where databases and indices lie.")
    database: str = Field(default="", description="sqlite:///FILE or postgresql://...; none: a file in the folder.")
    queue: str = Field(default="", description="redis://... or postgresql://...; none: a SQLite file in the folder.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535)
    hosts: tuple[str, ...] = Field(default=(), description="Names by which others reach it, as in their Host header.")
    keys: bool | None = Field(default=None, description="Demand an access key; none: unless it listens on loopback.")
    secret: SecretStr = Field(default=SecretStr(""), description="Signs sessions; none: one is kept in the folder.")
    secure: bool | None = Field(default=None, description="Send cookies over HTTPS alone; none: where keys are needed.")
    max_bytes: int = Field(default=32 * 2**20, ge=1)
    max_batch_bytes: int = Field(default=512 * 2**20, ge=1, description="Largest batch, as sent and unpacked.")
    max_steps: int = Field(default=20_000, ge=1, description="Most steps of a run that is taken.")
    at_once: int = Field(default=2, ge=1)
    in_flight: int = Field(default=64, ge=1)
    rate: str = Field(default="600/minute", description="Requests that a key may make, or an address without one.")
    workers: int = Field(default=1, ge=0, description="Processes that work off batches; 0: they run elsewhere.")
    parse_seconds: float = Field(default=60.0, gt=0, description="Longest that a log may take to be read.")
    parse_bytes: int = Field(default=2**31, ge=2**27, description="Most memory that reading a log may take.")
    overlap: int = Field(default=2, ge=1, description="People who label each run.")
    blind: bool = Field(default=True, description="Hide the verdict until the annotator has decided.")

    @property
    def database_url(self) -> str:
        """The database's URL."""
        return self.database or f"sqlite:///{self.folder / 'coroner.db'}"

    @property
    def needs_keys(self) -> bool:
        """Whether every request must bring a key."""
        return self.keys if self.keys is not None else self.host not in LOOPBACK

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are for HTTPS alone."""
        return self.secure if self.secure is not None else self.needs_keys

    def shown(self) -> dict[str, Any]:
        """Return all of it without secrets: what is printed at the start."""
        told = self.model_dump(mode="json")
        told["secret"] = "set" if self.secret.get_secret_value() else "kept in the folder"
        told["database"] = hidden(self.database_url)
        told["queue"] = hidden(self.queue) if self.queue else "a file in the folder"
        return told
