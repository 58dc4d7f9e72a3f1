"""What a mail calls an error: the sentence of its code, in the reader's language. Never the error's own words, which
may quote a buyer's data. A test holds these to the codes."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TITLES: dict[str, str | Promise] = {
    "SYNC-000": _("Something went wrong."),
    "SYNC-100": _("The system could not do it just now."),
    "SYNC-101": _("The system cannot be reached."),
    "SYNC-102": _("The system asked us to slow down."),
    "SYNC-103": _("The system failed before it gave an answer."),
    "SYNC-104": _("The system's answer cannot be read."),
    "SYNC-105": _("The connector failed on this record."),
    "SYNC-106": _("Another worker has taken over this work."),
    "SYNC-200": _("Another record must come first."),
    "SYNC-300": _("The connection must pause until a person has acted."),
    "SYNC-301": _("The system no longer accepts our login."),
    "SYNC-302": _("The login lacks the right to do this."),
    "SYNC-303": _("The connection's settings cannot work."),
    "SYNC-304": _("The package does not include this."),
    "SYNC-400": _("This record needs a person."),
    "SYNC-401": _("A value cannot be carried over."),
    "SYNC-402": _("The system says no to this record."),
    "SYNC-403": _("More than one record matches; nothing is merged."),
    "SYNC-404": _("The target system cannot hold this."),
    "SYNC-405": _("The order is being picked or has left: it can no longer be changed there."),
    "SYNC-406": _("Something is left that the system's API cannot do."),
    "SYNC-407": _("The books need a person's word."),
    "SYNC-408": _("All orders that the package includes this month are used."),
    "SYNC-410": _("Too many dangerous changes at once; they wait for a person."),
}
