"""Every test closes the databases that it opened."""

from tests.unit.closing import close_opened

__all__ = ["close_opened"]
