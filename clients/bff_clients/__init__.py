"""Typed async clients for the services behind the BFF Teacher Service: RAS (batches) and CMS (classes)."""

from bff_clients._breaker import BreakerState
from bff_clients.cms_client import CMSClient
from bff_clients.config import BackendSettings, create_http_client
from bff_clients.correlation import CorrelationIdMiddleware
from bff_clients.errors import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
    EndpointMissing,
    InvalidArgument,
)
from bff_clients.models import (
    Batch,
    BatchClientStatus,
    BatchDetails,
    BatchId,
    BatchPage,
    BatchStatus,
    ClassInfo,
    Essay,
    Pagination,
    PersonName,
    ProcessingPhase,
    StudentName,
    ValidationStatus,
)
from bff_clients.protocols import CMSClientProtocol, RASClientProtocol
from bff_clients.ras_client import RASClient

__all__ = [
    "AuthenticationRejected",
    "BackendError",
    "BackendRejected",
    "BackendSettings",
    "BackendTimeout",
    "BackendUnavailable",
    "Batch",
    "BatchClientStatus",
    "BatchDetails",
    "BatchId",
    "BatchPage",
    "BatchStatus",
    "BreakerState",
    "CMSClient",
    "CMSClientProtocol",
    "ClassInfo",
    "ContractViolation",
    "CorrelationIdMiddleware",
    "EndpointMissing",
    "Essay",
    "InvalidArgument",
    "Pagination",
    "PersonName",
    "ProcessingPhase",
    "RASClient",
    "RASClientProtocol",
    "StudentName",
    "ValidationStatus",
    "create_http_client",
]
