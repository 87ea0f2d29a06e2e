"""The contract between the BFF Teacher Service and its backends, as data, and what is done with it."""
