"""How forms look in the console: `{{ form }}` and `{{ form.name.as_field_group }}` come out as our own pieces."""

from __future__ import annotations

from django.forms.renderers import DjangoTemplates


class Renderer(DjangoTemplates):
    """Every form and field by the console's templates (settings.FORM_RENDERER)."""

    form_template_name = "console/forms/form.html"
    field_template_name = "console/forms/field.html"
