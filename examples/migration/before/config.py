"""The service's settings."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(env_prefix="BFF_TEACHER_SERVICE_", extra="ignore")

    SERVICE_NAME: str = "bff-teacher-service"
    RAS_URL: str = "http://localhost:4003"
    CMS_URL: str = "http://localhost:5002"
    TIMEOUT_SECONDS: float = 10
    INTERNAL_API_KEY: SecretStr = Field(default=..., validation_alias="HULEEDU_INTERNAL_API_KEY")
