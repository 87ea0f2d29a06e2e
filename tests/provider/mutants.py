"""Broken copies of the providers, as the table of the documentation has them."""

from typing import Final

from tests.provider.cms_mutants import CMS_MUTANTS
from tests.provider.ras_mutants import RAS_MUTANTS

MUTANTS: Final = (*RAS_MUTANTS, *CMS_MUTANTS)
