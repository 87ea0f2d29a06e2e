"""The contracts between the BFF Teacher Service and its backends: read, verified, published, compared.

A provider team's tests import `bff_contracts.verification`; the provider states and their params are in
`bff_contracts.states`, the judge of single responses in `bff_contracts.judge`, pact files in `bff_contracts.pact.file`.
"""
