"""What the libraries that check a request say of a value that does not fit (pydantic, ninja). They say it in English;
here the catalogue's maker finds their sentences, and people/retold.py knows them again."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import pgettext_lazy

FIXED = (
    _("Field required"),
    _("Extra inputs are not permitted"),
    _("Cannot parse request body"),
    _("Input should be a valid string"),
    _("Input should be a valid integer"),
    _("Input should be a valid integer, unable to parse string as an integer"),
    _("Input should be a valid boolean"),
    _("Input should be a valid boolean, unable to interpret input"),
    _("Input should be a valid decimal"),
    _("Input should be a valid list"),
    _("Input should be a valid dictionary"),
    _("Input should be a valid dictionary or object to extract fields from"),
    _("Input should be a valid datetime"),
    _("Input should be a valid date"),
)
WITH_VALUES = (
    pgettext_lazy("error", "Cannot parse request body ({error})"),
    pgettext_lazy("error", "String should have at least {least} character"),
    pgettext_lazy("error", "String should have at least {least} characters"),
    pgettext_lazy("error", "String should have at most {most} character"),
    pgettext_lazy("error", "String should have at most {most} characters"),
    pgettext_lazy("error", "String should match pattern '{pattern}'"),
    pgettext_lazy("error", "Input should be {expected}"),
    pgettext_lazy("error", "Input should be greater than {least}"),
    pgettext_lazy("error", "Input should be greater than or equal to {least}"),
    pgettext_lazy("error", "Input should be less than {most}"),
    pgettext_lazy("error", "Input should be less than or equal to {most}"),
    pgettext_lazy("error", "Input should be a valid datetime or date, {error}"),
    pgettext_lazy("error", "Input should be a valid date or datetime, {error}"),
    pgettext_lazy("error", "List should have at least {least} item after validation, not {count}"),
    pgettext_lazy("error", "List should have at least {least} items after validation, not {count}"),
    pgettext_lazy("error", "List should have at most {most} item after validation, not {count}"),
    pgettext_lazy("error", "List should have at most {most} items after validation, not {count}"),
    pgettext_lazy("error", "Value error, {reason}"),
)
