"""The sandbox company's chart of accounts: BAS accounts that a shop's books use, with own ones for payment providers.

VAT codes are Fortnox' words (MP1 = sales at 25 %, U1 = output VAT at 25 %, I = input VAT …).
"""

from __future__ import annotations

#: Account number → name, VAT code.
ACCOUNTS: dict[int, tuple[str, str]] = {
    1510: ("Kundfordringar", ""), 1516: ("Tvistiga kundfordringar", ""), 1580: ("Fordringar kontokort", ""),
    1581: ("Fordran Klarna", ""), 1582: ("Fordran Stripe", ""), 1583: ("Fordran PayPal", ""),
    1584: ("Fordran Nets", ""), 1585: ("Fordran Swish", ""), 1586: ("Fordran Adyen", ""),
    1587: ("Fordran marknadsplatser", ""), 1588: ("Spärrade medel PSP", ""), 1589: ("Fordran kortterminal", ""),
    1689: ("Utbetalningar på väg", ""), 1910: ("Kassa", ""), 1930: ("Företagskonto", ""), 1980: ("Valutakonto", ""),
    2420: ("Förskott från kunder", ""), 2421: ("Ej inlösta presentkort", ""), 2611: ("Utgående moms 25 %", "U1"),
    2614: ("Utgående moms omvänd 25 %", "UTFU"), 2621: ("Utgående moms 12 %", "U2"),
    2631: ("Utgående moms 6 %", "U3"), 2640: ("Ingående moms", "I"), 2641: ("Debiterad ingående moms", "I"),
    2645: ("Beräknad ingående moms", "I"), 2670: ("Utgående moms OSS", ""), 2999: ("OBS-konto", ""),
    3001: ("Försäljning 25 %", "MP1"), 3002: ("Försäljning 12 %", "MP2"), 3003: ("Försäljning 6 %", "MP3"),
    3004: ("Försäljning momsfri", "MF"), 3105: ("Försäljning export", "E"), 3106: ("Försäljning EU momspliktig", ""),
    3108: ("Försäljning EU momsfri", "VTEU"), 3520: ("Fakturerade frakter", "MP1"), 3740: ("Öresutjämning", ""),
    3960: ("Valutakursvinster", ""), 3990: ("Övriga intäkter", ""), 3991: ("Kassadifferens", ""),
    4531: ("Inköp tjänster utanför EU", ""), 4535: ("Inköp tjänster EU", ""), 4598: ("Justering, omvänd moms", ""),
    6040: ("Kontokortsavgifter", ""), 6050: ("Försäljningsprovisioner", ""), 6064: ("Factoringavgifter", ""),
    6351: ("Konstaterade kundförluster", ""), 6570: ("Bankkostnader", ""), 7960: ("Valutakursförluster", ""),
}  # fmt: skip

#: Voucher series → name.
SERIES = {
    "A": "Redovisning", "B": "Kundfakturor", "C": "Inbetalningar", "E": "Utbetalningar", "I": "Integrationer",
    "K": "Kassa",
}  # fmt: skip
