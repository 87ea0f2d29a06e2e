"""The contracts between the BFF Teacher Service and its backends: read, verified, published, compared."""
