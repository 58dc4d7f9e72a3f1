"""One batch at a connector: look for what may exist already, write the rest. Knows no database; runs in threads."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from samklang.connectors.contract import Match, Result, Want, Write
from samklang.connectors.errors import Ambiguous, BadAnswer, Defect, SamklangError, Stop
from samklang.hub.links import Link
from samklang.records import Customer, Record

log = structlog.get_logger()


class Attempt:
    """Sends batches of one record type through a link."""

    def __init__(self, link: Link, type_: str, how: Write) -> None:
        self._link = link
        self._type = type_
        self._how = how

    def __call__(self, wants: Sequence[Want]) -> list[Result | Match]:
        """For each want a result, or the match that was found instead of creating."""
        answers: dict[int, Result | Match] = {}
        looking = [place for place, want in enumerate(wants) if self._must_look(want)]
        if looking:
            found = self._find([wants[place] for place in looking])
            answers = {place: answer for place, answer in zip(looking, found, strict=True) if answer is not None}
        rest = [place for place in range(len(wants)) if place not in answers]
        if rest:
            written = self._write([wants[place] for place in rest])
            answers.update(zip(rest, written, strict=True))
        return [answers[place] for place in range(len(wants))]

    def _must_look(self, want: Want) -> bool:
        """Creates in doubt, and creates at systems that already may hold the record and would take it twice."""
        return not want.external_id and self._how.create == "lookup" and (want.doubt or bool(self.keys(want)))

    def keys(self, want: Want) -> Sequence[str]:
        """Fields to match by: the flow's own choice, else the manifest's."""
        own = want.options.get("match")
        return tuple(own) if isinstance(own, list | tuple) else self._how.match

    def _find(self, wants: list[Want]) -> list[SamklangError | Match | None]:
        try:
            found = self._link.connector.find(self._type, wants, self.keys(wants[0]))
        except SamklangError as error:
            return [error] * len(wants)
        except Exception as error:  # noqa: BLE001  # connectors are foreign code
            return [self._defect(error, wants)] * len(wants)
        return [
            clash(want.record, matches) or (matches[0] if matches else None)
            for want, matches in zip(wants, found, strict=True)
        ]

    def _write(self, wants: list[Want]) -> Sequence[Result]:
        """One call of the connector.

        What it raises counts for every item, but a "no" or a defect may be one record's fault: then each goes alone, so
        that it does not stop its neighbours (a create after a defect does not: it may have been done).
        """
        try:
            results = self._link.connector.write(self._type, wants)
        except Stop as error:
            return [error] if len(wants) == 1 else [result for want in wants for result in self._write([want])]
        except SamklangError as error:
            return [error] * len(wants)
        except Exception as error:  # noqa: BLE001  # a defect becomes a problem with its record
            defect = self._defect(error, wants)
            if len(wants) == 1:
                return [defect]
            return [result for want in wants for result in (self._write([want]) if want.external_id else [defect])]
        if len(results) != len(wants):
            return [BadAnswer(f"{len(wants)} records were sent, {len(results)} answers came")] * len(wants)
        return results

    def _defect(self, error: Exception, wants: Sequence[Want]) -> Defect:
        log.exception("connector failed", connection=self._link.row.name, type=self._type)
        return Defect(f"{error.__class__.__name__} in the connector", where=f"{self._type} {wants[0].key}")


def clash(record: Record, matches: list[Match]) -> Ambiguous | None:
    """More than one match, or a customer that agrees in a weak key and differs in a strong one: a person decides."""
    if len(matches) > 1:
        ids = ", ".join(match.external_id for match in matches[:5])
        return Ambiguous(f"{len(matches)} {record.type} records match by {matches[0].by}", where=f"{record.key}: {ids}")
    if matches and isinstance(record, Customer) and isinstance(matches[0].record, Customer):
        other = matches[0].record
        for field in ("customer_no", "org_no"):
            ours, theirs = getattr(record, field), getattr(other, field)
            if ours and theirs and ours != theirs and field != matches[0].by:
                return Ambiguous(
                    f"A customer with the same {matches[0].by} has another {field}",
                    where=f"{record.key}: {matches[0].external_id}",
                    do_this="Correct the customer in the shop or the ERP so that number and e-mail belong together.",
                )
    return None
