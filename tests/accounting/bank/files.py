"""Small whole bank files, written here: camt in an older and a newer version, BgMax."""

from __future__ import annotations

from collections.abc import Sequence

OLD, NEW = "02", "08"


def entry(
    amount: str,
    text: str = "",
    *,
    version: str = OLD,
    side: str = "CRDT",
    status: str = "BOOK",
    details: Sequence[str] = (),
    reversal: bool = False,
    currency: str = "SEK",
) -> str:
    """One entry; `details` are transactions of its batch (see `detail`)."""
    sts = f"<Sts><Cd>{status}</Cd></Sts>" if version == NEW else f"<Sts>{status}</Sts>"
    day = "<DtTm>2026-03-06T00:30:00+01:00</DtTm>" if version == NEW else "<Dt>2026-03-06</Dt>"
    mark = "<RvslInd>true</RvslInd>" if reversal else ""
    inside = details or ([detail(text=text, version=version)] if text else [])
    body = f"<NtryDtls>{''.join(inside)}</NtryDtls>" if inside else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{mark}{sts}<BookgDt>{day}</BookgDt>'
        f"<ValDt><Dt>2026-03-07</Dt></ValDt><AcctSvcrRef>BANK-{amount}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly>"
        f"<Cd>RCDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>{body}</Ntry>"
    )


def detail(amount: str = "", text: str = "", reference: str = "", *, version: str = OLD, name: str = "Klarna") -> str:
    """One payment of an entry. Its amount and its parties stand elsewhere in the newer version."""
    old_amount = f'<AmtDtls><TxAmt><Amt Ccy="SEK">{amount}</Amt></TxAmt></AmtDtls>'
    new_amount = f'<Amt Ccy="SEK">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    party = f"<Pty><Nm>{name}</Nm></Pty>" if version == NEW else f"<Nm>{name}</Nm>"
    strd = f"<Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>" if reference else ""
    ustrd = f"<Ustrd>{text}</Ustrd>" if text else ""
    remittance = f"<RmtInf>{ustrd}{strd}</RmtInf>" if ustrd or strd else ""
    return (
        "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"{(new_amount if version == NEW else old_amount) if amount else ''}"
        f"<RltdPties><Dbtr>{party}</Dbtr><DbtrAcct><Id><IBAN>SE4550000000058398257466</IBAN></Id></DbtrAcct></RltdPties>"
        f"{remittance}</TxDtls>"
    )


def balance(code: str, amount: str, currency: str = "SEK") -> str:
    """A booked balance, negative ones as debits."""
    side = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2026-03-06</Dt></Dt></Bal>"
    )


def statement(*entries: str, opening: str = "100.00", closing: str, id_: str = "S1", summary: str = "") -> str:
    """One camt.053 statement of the account."""
    return (
        f"<Stmt><Id>{id_}</Id><ElctrncSeqNb>12</ElctrncSeqNb><CreDtTm>2026-03-07T03:00:00+01:00</CreDtTm>"
        f"<FrToDt><FrDtTm>2026-03-06T00:00:00+01:00</FrDtTm><ToDtTm>2026-03-06T23:59:59+01:00</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>SE3550000000054910000003</IBAN></Id><Ccy>SEK</Ccy></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{summary}{''.join(entries)}</Stmt>"
    )


def camt(*statements: str, version: str = OLD, kind: str = "053") -> bytes:
    """The document around statements (053) or notifications (054)."""
    message = "BkToCstmrStmt" if kind == "053" else "BkToCstmrDbtCdtNtfctn"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{message}>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-07T03:00:00+01:00</CreDtTm></GrpHdr>\n{''.join(statements)}\n</{message}></Document>"
    ).encode()


def payment(
    amount: int, reference: str = "", code: str = "2", *, type_: str = "20", sender: str = "3783511", serial: int = 1
) -> str:
    """A payment (20), deduction (21) or extra reference (22, 23) of `amount` öre."""
    return f"{type_}{sender:0>10}{reference:>25}{amount:018d}{code}3{serial:012d}0".ljust(80)


def section(*records: str, total: int, count: int, currency: str = "SEK", serial: int = 74) -> list[str]:
    """A section with its deposit of `total` öre."""
    deposit = f"15{'58410000010098232':0>35}20260306{serial:05d}{total:018d}{currency}{count:08d} "
    return [f"05{'9912346':0>10}{'':10}{currency}".ljust(80), *records, deposit]


def bgmax(*sections: Sequence[str], payments: int, deductions: int = 0, references: int = 0) -> bytes:
    """A BgMax file in ISO 8859-1 with CRLF."""
    lines = [
        "01BGMAX               0120260306173035010331P".ljust(80),
        *(line for part in sections for line in part),
        f"70{payments:08d}{deductions:08d}{references:08d}{len(sections):08d}".ljust(80),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("iso-8859-1")


KALLE = ["26Kalles Plåt AB".ljust(80), "27Storgatan 2                        12345".ljust(80)]
BGMAX = bgmax(
    section(
        payment(100000, "655969"),
        *KALLE,
        payment(5000, "1189853", type_="21", serial=2),
        payment(140000, "", "3", serial=3),
        payment(0, "657866", type_="22", serial=3),
        payment(0, "658765", type_="22", serial=3),
        "25Betalning med extra refnr".ljust(80),
        total=235000,
        count=3,
    ),
    payments=2,
    deductions=1,
    references=2,
)
