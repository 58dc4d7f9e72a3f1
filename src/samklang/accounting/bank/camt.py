"""Bank statements in ISO 20022: camt.053 (statement) and camt.054 (notification), every version.

Namespaces differ by version and elements move, so elements are found by local name, whatever envelope the message lies
in. Only booked entries count; opening balance + booked entries = closing balance, or the statement is refused
(RECONCILIATION §6). A statement on several pages is several, each from balance to balance. A notification has no
balances: its own sum of entries proves it, where it has one. XML is read without entities, document type definitions
or network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from sys import intern
from typing import Any

from lxml import etree

from samklang.accounting.bank.base import BankDetail, BankKind, BankLine, BankStatement
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.tables import FETCH_AGAIN
from samklang.records import InvalidRecord
from samklang.records.money import CURRENCIES
from samklang.records.times import instant

_Element = etree._Element
_SIGNS = {"CRDT": 1, "DBIT": -1}
#: Balances by code, the best first; ITBD is the one between two pages of a statement.
_OPENING, _CLOSING, _BETWEEN = ("OPBD", "PRCD"), ("CLBD",), "ITBD"
_KINDS: dict[str, BankKind] = {"Stmt": "statement", "Ntfctn": "notice"}
_MESSAGES = ("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn")
#: camt.052: what the day has brought so far, without closing balance, and not what is booked in the end.
_INTRADAY = "BkToCstmrAcctRpt"
#: Everything up to the message's own element stands in this many bytes, envelopes and signatures included.
_HEAD = 200_000
_LARGEST = Decimal(10) ** 15


def _read(content: Content) -> Iterator[BankStatement]:
    root = _parse(content.data)
    if _messages(root, _INTRADAY):
        raise _wrong(
            root, "holds an intraday report (camt.052)", do_this="Ask the bank for the day's statement, camt.053."
        )
    parts = [part for message in _messages(root, *_MESSAGES) for part in message if _name(part) in _KINDS]
    if not parts:
        raise _wrong(root, "holds no statement", do_this="Ask the bank for the file with its statements.")
    for part in parts:
        yield _statement(content, part)


def _parse(data: bytes) -> _Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"The file is not whole XML: {error}.", row=error.lineno or 0, do_this=FETCH_AGAIN) from error
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise Unreadable("The file declares a document type; bank files have none.", do_this="Ask who made the file.")
    return root


def _messages(root: _Element, *names: str) -> list[_Element]:
    """The messages of these names in a document, alone or in an envelope with headers and signatures."""
    wanted = " or ".join(f"local-name()='{name}'" for name in names)
    found: Any = root.xpath(f"descendant-or-self::*[{wanted}]")
    return list(found)


def _statement(content: Content, part: _Element) -> BankStatement:
    kind = _KINDS[_name(part)]
    page, last_page = _page(part)
    opening = _balance(part, (_BETWEEN, *_OPENING) if page > 1 else _OPENING)
    closing = _balance(part, _CLOSING if last_page else (_BETWEEN, *_CLOSING), latest=True)
    if kind == "statement" and (opening is None or closing is None):
        raise _wrong(part, "lacks its opening (OPBD) or closing balance (CLBD), so its entries prove nothing")
    lines = [(_status(entry), _line(entry, kind)) for entry in _all(part, "Ntry")]
    currency = _text(part, "Acct", "Ccy") or next(
        (found for found in (opening and opening[1], *(line.currency for _, line in lines)) if found), ""
    )
    for balance in (opening, closing):
        if balance and balance[1] != currency:
            raise _wrong(part, f"has a balance in {balance[1]}, its account is in {currency}", code="CURRENCY_DIFF")
    _check_summary(part, kind, lines)
    account = re.sub(r"\s", "", _text(part, "Acct", "Id", "IBAN") or _text(part, "Acct", "Id", "Othr", "Id"))
    if not account:
        raise _wrong(part, "names no account (IBAN or Othr)")
    return BankStatement(
        format=_format(part),
        kind=kind,
        account=account,
        currency=currency,
        reference=_need(part, "Id") + (f"/{page}" if page > 1 else ""),
        file_hash=content.hash,
        number=_text(part, "ElctrncSeqNb") or _text(part, "LglSeqNb"),
        opening=opening[0] if opening else None,
        closing=closing[0] if closing else None,
        start=_day(part, "FrToDt", "FrDtTm"),
        end=_day(part, "FrToDt", "ToDtTm"),
        created=_created(part),
        lines=tuple(line for booked, line in lines if booked),
        pending=tuple(line for booked, line in lines if not booked),
    )


def _page(part: _Element) -> tuple[int, bool]:
    """Which page of a statement this is, from 1, and whether it is the last."""
    number = _text(part, "StmtPgntn", "PgNb") or "1"
    if not re.fullmatch(r"[0-9]{1,5}", number):
        raise _wrong(part, "has no number as its page (PgNb)", value=number)
    return int(number), _text(part, "StmtPgntn", "LastPgInd") not in ("false", "0")


def _balance(part: _Element, codes: Iterable[str], *, latest: bool = False) -> tuple[Decimal, str] | None:
    """The balance of the first of these codes that is there; of several, that of the first day, or of the last."""
    for code in codes:
        found = [balance for balance in _all(part, "Bal") if _text(balance, "Tp", "CdOrPrtry", "Cd") == code]
        if found:
            days = [_day(balance, "Dt", "Dt") or _day(balance, "Dt", "DtTm") or date.min for balance in found]
            day = max(days) if latest else min(days)
            same = [balance for balance, its in zip(found, days, strict=True) if its == day]
            return _amount(same[-1 if latest else 0])
    return None


def _check_summary(part: _Element, kind: BankKind, lines: Sequence[tuple[bool, BankLine]]) -> None:
    """The number of entries that the summary states; for a notification, which has no balances, their sum too.

    Banks count either all entries or the booked ones.
    """
    all_, booked = [line for _, line in lines], [line for is_booked, line in lines if is_booked]
    count = _text(part, "TxsSummry", "TtlNtries", "NbOfNtries")
    if count and count.lstrip("0") not in {str(len(some) or "") for some in (all_, booked)}:
        raise _wrong(part, f"has {len(lines)} entries, its summary says {count}", value=count)
    total = _child(part, "TxsSummry", "TtlNtries", "Sum")
    if kind == "notice" and total is not None:
        sums = [sum((abs(line.amount) for line in some), Decimal(0)) for some in (all_, booked)]
        if _number(total) not in sums:
            raise _wrong(total, f"says {total.text}, the entries sum to {sums[0]}", value=total.text or "")


def _line(entry: _Element, kind: BankKind) -> BankLine:
    amount, currency = _amount(entry)
    parts = _details(entry)
    details = tuple(_detail(part, amount, currency, alone=len(parts) == 1) for part in parts)
    booked_on = _day(entry, "BookgDt", "Dt") or _day(entry, "BookgDt", "DtTm")
    value_on = _day(entry, "ValDt", "Dt") or _day(entry, "ValDt", "DtTm")
    if kind == "notice":  # whose entries may go without dates; the notice's own is the nearest, then the message's
        notice = entry.getparent()
        message = None if notice is None else notice.getparent()
        booked_on = booked_on or value_on or _day(notice, "CreDtTm") or _day(message, "GrpHdr", "CreDtTm")
    if booked_on is None and value_on is None:
        raise _wrong(entry, "has neither a booking nor a value date")
    texts = [_text(entry, "AddtlNtryInf"), *(word for part in details for word in (part.text, *_references(part)))]
    return BankLine(
        amount=amount,
        currency=currency,
        booked_on=booked_on or value_on or date.min,
        value_on=value_on,
        row=_row(entry),
        reference=_text(entry, "AcctSvcrRef") or _text(entry, "NtryRef"),
        code=_code(entry),
        text=" ".join(dict.fromkeys(text for text in texts if text)),
        reversal=_text(entry, "RvslInd") in ("true", "1"),
        details=details,
        cells=dict(_leaves(entry)),
    )


def _references(detail: BankDetail) -> tuple[str, ...]:
    end_to_end = "" if detail.end_to_end == "NOTPROVIDED" else detail.end_to_end
    return (detail.reference, *detail.references, end_to_end, detail.bank_id)


def _detail(part: _Element, amount: Decimal, currency: str, *, alone: bool) -> BankDetail:
    """One payment of an entry. Its amount stands in different places by version; alone, it is the entry's."""
    own = _child(part, "Amt") if _child(part, "Amt") is not None else _child(part, "AmtDtls", "TxAmt", "Amt")
    original = _child(part, "AmtDtls", "InstdAmt", "Amt")
    sign = _SIGNS.get(_text(part, "CdtDbtInd"), 1 if amount >= 0 else -1)
    value = sign * _number(own) if own is not None else amount if alone else None
    parties = _child(part, "RltdPties")
    side = "Dbtr" if sign > 0 else "Cdtr"
    remittance = _all(part, "RmtInf")
    structured = [block for information in remittance for block in _all(information, "Strd")]
    references = [found for block in structured if (found := _text(block, "CdtrRefInf", "Ref"))]
    references += [found for block in structured for bill in _all(block, "RfrdDocInf") if (found := _text(bill, "Nb"))]
    words = [word.text or "" for block in remittance for word in _all(block, "Ustrd")]
    words += [word.text or "" for block in structured for word in _all(block, "AddtlRmtInf")]
    return BankDetail(
        amount=value,
        currency=currency if own is None else own.get("Ccy", currency),
        reference=references[0] if references else "",
        references=tuple(references[1:]),
        text=" ".join(word.strip() for word in (*words, _text(part, "AddtlTxInf")) if word.strip()),
        end_to_end=_text(part, "Refs", "EndToEndId"),
        bank_id=_text(part, "Refs", "TxId") or _text(part, "Refs", "AcctSvcrRef"),
        party=_text(parties, side, "Nm") or _text(parties, side, "Pty", "Nm"),
        party_account=_text(parties, f"{side}Acct", "Id", "IBAN") or _text(parties, f"{side}Acct", "Id", "Othr", "Id"),
        original=None if original is None else sign * _number(original),
        original_currency="" if original is None else original.get("Ccy", ""),
        reason=_text(part, "RtrInf", "Rsn", "Cd") or _text(part, "RtrInf", "Rsn", "Prtry"),
        row=_row(part),
    )


def _details(entry: _Element) -> list[_Element]:
    return [part for block in _all(entry, "NtryDtls") for part in _all(block, "TxDtls")]


def _status(entry: _Element) -> bool:
    """Whether the entry is booked: a word in older versions, an element since version 8."""
    return (_text(entry, "Sts", "Cd") or _need(entry, "Sts")) == "BOOK"


def _code(entry: _Element) -> str:
    domain = _child(entry, "BkTxCd", "Domn")
    parts = (_text(domain, "Cd"), _text(domain, "Fmly", "Cd"), _text(domain, "Fmly", "SubFmlyCd"))
    return "/".join(part for part in parts if part) or _text(entry, "BkTxCd", "Prtry", "Cd")


def _amount(part: _Element) -> tuple[Decimal, str]:
    """The signed amount and its currency."""
    element = _child(part, "Amt")
    if element is None:
        raise _wrong(part, "has no amount")
    currency = element.get("Ccy", "")
    if currency not in CURRENCIES:
        raise _wrong(element, "has no currency (ISO 4217)", value=currency, code="CURRENCY_DIFF")
    indicator = _text(part, "CdtDbtInd")
    if indicator not in _SIGNS:
        raise _wrong(part, "says neither CRDT nor DBIT", value=indicator)
    return _SIGNS[indicator] * _number(element), currency


def _number(element: _Element) -> Decimal:
    """An XML decimal, which an amount may be written as in any way: 10, 10.5, +10.50, .5, 010.00."""
    text = (element.text or "").strip()
    if not re.fullmatch(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)", text) or Decimal(text) >= _LARGEST:
        raise _wrong(element, "is no amount", value=text)
    return Decimal(text)


def _day(part: _Element | None, *path: str) -> date | None:
    """The day as written, in the bank's own zone."""
    text = _text(part, *path)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Unreadable("The element holds no date.", column="/".join(path), value=text) from None


def _created(part: _Element) -> datetime | None:
    text = _text(part, "CreDtTm") or _text(part.getparent(), "GrpHdr", "CreDtTm")
    try:
        return instant(text, "CreDtTm") if text else None
    except InvalidRecord:
        raise _wrong(part, "has no time in CreDtTm", value=text) from None


def _format(part: _Element) -> str:
    namespace = etree.QName(part).namespace or ""
    found = re.search(r"camt\.\d{3}\.\d{3}\.\d{2}", namespace)
    return found[0] if found else f"camt.05{'3' if _name(part) == 'Stmt' else '4'}"


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(part: _Element | None, name: str) -> list[_Element]:
    return [] if part is None else [child for child in part if _name(child) == name]


def _child(part: _Element | None, *path: str) -> _Element | None:
    for name in path:
        part = next(iter(_all(part, name)), None)
    return part


def _text(part: _Element | None, *path: str) -> str:
    found = _child(part, *path)
    return "" if found is None else (found.text or "").strip()


def _need(part: _Element, name: str) -> str:
    if not (text := _text(part, name)):
        raise _wrong(part, f"lacks {name}")
    return text


def _leaves(element: _Element, before: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an entry under its path; repeated elements are counted."""
    seen: dict[str, int] = {}
    for child in element:
        name = _name(child)
        seen[name] = seen.get(name, 0) + 1
        path = f"{before}{name}" if seen[name] == 1 else f"{before}{name}[{seen[name]}]"
        if len(child):
            yield from _leaves(child, f"{path}/")
        elif text := (child.text or "").strip():
            yield intern(path), text  # a file has few paths and many entries


def _row(element: Any) -> int:
    """The element's line in the file."""
    return int(element.sourceline or 0)


def _wrong(element: _Element, why: str, **facts: Any) -> Unreadable:
    name = _name(element)
    return Unreadable(f"The element {name} {why}.", row=_row(element), column=name, **facts)


def _matches(content: Content) -> bool:
    head = content.data[:_HEAD].replace(b"\x00", b"")
    return content.kind == "xml" and any(name.encode() in head for name in (*_MESSAGES, _INTRADAY))


FORMATS = (Format("camt.053 and camt.054", "ISO 20022 bank statement and notification", _matches, _read),)
