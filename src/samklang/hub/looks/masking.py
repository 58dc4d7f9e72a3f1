"""Calls as people may see them: secrets are gone before they are stored (connectors/transport.py); buyers' data are
shown only to those who work with orders."""

from __future__ import annotations

import re

#: Names of fields that hold a person's data, as the vendors spell them.
_FIELDS = (
    r"e?[-_]?mail(?:[-_]?address)?|phone\w*|mobile\w*|tele?phone\w*|(?:first|last|given|family|sur|customer|contact|"
    r"full|company|care[-_]?of|delivery|billing|shipping)[-_]?name|name[12]?|namn|address\w*|street\w*|postal[-_]?code|"
    r"post[-_]?code|postnummer|zip(?:[-_]?code)?|city|town|ort|org(?:anisation)?[-_]?(?:no|number|nr)|vat[-_]?number|"
    r"personal[-_]?(?:no|number)|ssn|date[-_]?of[-_]?birth|ip[-_]?address|(?:customer|ip)_ip\w*|note|notes|message|"
    r"your[-_]?reference|delivery[-_]?(?:address\w*|city|zip[-_]?code|name)"
)
_JSON = re.compile(rf'("(?:{_FIELDS})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_XML = re.compile(rf"(<(?:\w+:)?({_FIELDS})(?:\s[^>]*)?>)[^<]+(?=</)", re.IGNORECASE)
_FORM = re.compile(rf"((?:^|[?&])(?:{_FIELDS})=)[^&\s]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"(?<![\w.])\+?\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]\d{2,4}){2,4}(?![\w.])")
_GONE = "•••"


def masked(text: str, may_see: bool) -> str:
    """A body or an address of a call; without the right to see buyers' data these are •••."""
    if may_see or not text:
        return text
    text = _JSON.sub(rf'\1"{_GONE}"', text)
    text = _XML.sub(rf"\1{_GONE}", text)
    text = _FORM.sub(rf"\1{_GONE}", text)
    return _PHONE.sub(_GONE, _EMAIL.sub(_GONE, text))
