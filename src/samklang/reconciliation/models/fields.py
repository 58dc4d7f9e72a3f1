"""Fields that several tables of the books have."""

from __future__ import annotations

from typing import Any

from django.db import models


def money(**more: Any) -> models.DecimalField[Any, Any]:
    """An amount with four decimals."""
    return models.DecimalField(max_digits=19, decimal_places=4, **more)
