"""Broken copies of the providers, as the table of the documentation has them."""

from typing import Final

from tests.providers.cms_mutants import CMS_MUTANTS
from tests.providers.ras_mutants import RAS_MUTANTS

MUTANTS: Final = (*RAS_MUTANTS, *CMS_MUTANTS)
