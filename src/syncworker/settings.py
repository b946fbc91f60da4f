"""What can be set, and what does each setting mean?

Every setting is an environment variable `SYNCWORKER_<NAME>`, or a line in `.env`. `syncworker up` leaves the
addresses of the servers it started in `<DATA_DIR>/up.env`, so that any other command in the same folder finds them;
`.env` and the environment win over it.
"""

from __future__ import annotations

import os
import re
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "SYNCWORKER_"
HUBSPOT_API = "https://api.hubapi.com"
UP_ENV_FILE = "up.env"
NO_TIER = "untiered"
"""What a partner without a tier is called among the tiers of its program."""

Names = Annotated[tuple[str, ...], NoDecode]


class SettingsError(Exception):
    """One or more settings are wrong; `problems` says each in a sentence a reader can act on."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class Settings(BaseSettings):
    """All settings of a deployment. Frozen: a process reads them once."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    port: int = Field(8000, ge=1, le=65535, description="where the web process listens")
    sandbox_port: int = Field(8100, ge=1, le=65535, description="where the sandbox listens")
    data_dir: Path = Field(Path(".syncworker"), description="where `syncworker up` keeps its data")
    database_url: str | None = Field(None, description="PostgreSQL; none: started by `syncworker up`")
    redis_url: str | None = Field(None, description="Redis or Valkey; none: started by `syncworker up`")
    secret_key: SecretStr | None = Field(None, description="encrypts credentials at rest; 32 characters or more")
    api_token: SecretStr | None = Field(None, description="bearer token of the operator API; none: the API is off")
    public_url: str | None = Field(None, description="the address of this from outside, without a path")
    poll_seconds: int = Field(60, ge=1, le=3600, description="seconds between two polls of one kind")

    hubspot_base_url: str | None = Field(None, description="HubSpot's API; none: HubSpot's own, or the sandbox")
    hubspot_api_version: str = Field("2026-09", pattern=r"^(v3|20\d\d-(03|09))$")
    hubspot_share: float = Field(1.0, gt=0, le=1, description="of HubSpot's limits, the rest being other apps'")
    hubspot_ten_second_limit: int = Field(100, ge=2, description="calls in ten seconds, until an answer tells")
    hubspot_daily_limit: int | None = Field(None, ge=100, description="calls a day, where HubSpot's answers tell none")
    hubspot_access_token: SecretStr | None = None
    hubspot_refresh_token: SecretStr | None = None
    hubspot_client_id: str | None = None
    hubspot_client_secret: SecretStr | None = None
    hubspot_app_id: str | None = None
    hubspot_portal_id: int | None = None

    partner_tier: str = Field(NO_TIER, description="a tier of the program in `config/programs`")
    partner_capacity: int | None = Field(None, ge=0, le=2**31 - 1, description="overrides the capacity of the tier")
    partner_company_id: str | None = Field(None, description="the partner's own company record")
    auto_register_forms: Names = Field((), description="form ids, separated by commas")
    own_domains: Names = Field((), description="the partner's own and affiliated domains, separated by commas")
    crm_deregister: Literal["confirm", "allow"] = "confirm"
    undo_seconds: int = Field(600, ge=0, le=86_400, description="how long a deregistration can be undone")

    smtp_host: str | None = Field(None, description="the mail server that takes notices; none: none by email")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str | None = Field(None, description="whom notices by email come from: name <address>, or the address")
    notice_digest_hour: int = Field(8, ge=0, le=23, description="from when on the digest is sent, in the portal's zone")

    @field_validator("auto_register_forms", "own_domains", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
            raise ValueError("must look like Lead registration <leads@example.com>")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # Only who has an address to look at loads it.
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        scheme, _, rest = value.partition("://")
        address = f"postgresql+psycopg://{rest}"
        try:
            make_url(address)
        except (ArgumentError, ValueError):
            rest = ""
        if scheme not in {"postgres", "postgresql", "postgresql+psycopg"} or not rest:
            raise ValueError("must look like postgresql://user:password@host:5432/database")
        return address

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value is not None and _scheme(value) not in {"redis", "rediss", "unix"}:
            raise ValueError("must look like redis://host:6379/0")
        return value

    @field_validator("public_url", "hubspot_base_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if _scheme(value) not in {"http", "https"} or not urlsplit(value).netloc:
            raise ValueError("must look like https://host")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _without_a_path(cls, value: str | None) -> str | None:
        # The pages and the webhooks stand at its root: no link, cookie or signature would be right.
        if value is not None and re.search(r"[/?#]", value.partition("://")[2]):
            raise ValueError("must look like https://host, with nothing behind it")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError(
                'must have 32 characters or more; make one with: python -c "import secrets; '
                'print(secrets.token_urlsafe(32))"'
            )
        return value

    @property
    def webhook_url(self) -> str:
        """The target address of webhooks: what HubSpot signs, whatever a proxy made of it."""
        return f"{self.pages_url}/webhooks/hubspot"

    @property
    def pages_url(self) -> str:
        """The address of the pages: where people come from outside, else this machine's."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    def require(self, *names: str) -> None:
        """Raise SettingsError naming each of `names` that is not set."""
        missing = [f"{PREFIX}{name.upper()} is not set" for name in names if getattr(self, name) is None]
        if missing:
            raise SettingsError([f"{text}; set it in .env, or run `syncworker up`" for text in missing])


def load(**overrides: object) -> Settings:
    """Read the settings, or raise SettingsError with every problem at once."""
    data_dir = Path(str(overrides.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR") or ".syncworker"))
    try:
        return Settings(_env_file=(data_dir / UP_ENV_FILE, ".env"), **overrides)  # type: ignore[call-arg,arg-type]
    except ValidationError as error:
        raise SettingsError([_sentence(dict(problem)) for problem in error.errors(include_url=False)]) from None


def _scheme(address: str) -> str:
    """The scheme of an address; none where host and port cannot be told."""
    try:
        parts = urlsplit(address)
        return parts.scheme if parts.port != 0 else ""
    except ValueError:
        return ""


def _sentence(problem: dict[str, object]) -> str:
    location = problem["loc"]
    name = str(location[0]) if isinstance(location, tuple) and location else "settings"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{name.upper()}: {message}"
