"""A mock of RAS and CMS, generated from the contracts that the BFF has with them."""
