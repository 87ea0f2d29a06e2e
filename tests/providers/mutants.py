"""Broken copies of the providers, as the table of the documentation has them."""

from typing import Final

from tests.providers.cms_mutants import CMS_MUTANTS
from tests.providers.cms_name_mutants import CMS_NAME_MUTANTS
from tests.providers.ras_mutants import RAS_MUTANTS
from tests.providers.ras_row_mutants import ROW_MUTANTS
from tests.providers.ras_value_mutants import VALUE_MUTANTS

MUTANTS: Final = (*RAS_MUTANTS, *ROW_MUTANTS, *VALUE_MUTANTS, *CMS_MUTANTS, *CMS_NAME_MUTANTS)
