"""What PayPal's downloads call their columns and states, in the languages that they are known in.

English and Spanish are checked against files; the others against headers that programs of others look for. A word that
is not here is refused and named, so that it can be added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samklang.accounting.statements.base import Kind

#: Columns: English, Swedish, German, Spanish, French, Dutch, Italian, Polish. The monthly statement has a description
#: where the activity download has a type, and other words for fee and invoice.
NAMES: Mapping[str, Sequence[str]] = {
    "date": ("Date", "Datum", "Fecha", "Data"),
    "time": ("Time", "Tid", "Uhrzeit", "Hora", "Heure", "Tijd", "Orario", "Godzina"),
    "zone": (
        "TimeZone", "Time Zone", "Tidszon", "Zeitzone", "Zona horaria", "Fuseau horaire", "Tijdzone", "Fuso orario",
        "Strefa czasowa",
    ),
    "type": ("Type", "Typ", "Tipo", "Beschreibung", "Description", "Descripción", "Beskrivning"),
    "status": ("Status", "Estado", "État", "Stato"),
    "currency": ("Currency", "Valuta", "Währung", "Divisa", "Devise", "Waluta"),
    "gross": ("Gross", "Brutto", "Bruto", "Avant commission", "Lordo"),
    "fee": (
        "Fee", "Avgift", "Gebühr", "Entgelt", "Tarifa", "Comisión", "Commission", "Kosten", "Tariffa", "Opłata",
    ),
    "net": ("Net", "Netto", "Neto"),
    "id": (
        "Transaction ID", "Transaktions-id", "Transaktionscode", "Id. de transacción", "Numéro de transaction",
        "Transactiereferentie", "Codice transazione", "Numer transakcji",
    ),
    "parent": (
        "Reference Txn ID", "Referens-txn-id", "Zugehöriger Transaktionscode", "Id. de referencia de trans.",
        "Id. de referencia de la transacción",
        "Numéro de la transaction de référence", "Codice transazione di riferimento", "Pomocniczy numer transakcji",
    ),
    "invoice": (
        "Invoice Number", "Invoice ID", "Fakturanummer", "Rechnungsnummer", "Número de factura", "Id. de factura",
        "N.° de formato de pago",
        "Numéro de facture", "Identifiant de facture", "Factuurnummer", "Numero fattura", "N° ordine commerciante",
        "Numer faktury",
    ),
    "custom": ("Custom Number", "Eget nummer", "Individuelle Nummer", "Número personalizado", "Numero personalizzato"),
    "balance": ("Balance", "Saldo", "Guthaben", "Solde"),
    "impact": (
        "Balance Impact", "Saldopåverkan", "Auswirkung auf Guthaben", "Impact sur le solde", "Effect op saldo",
        "Impatto sul saldo", "Wpływ na saldo", "Repercusiones en el saldo",
    ),
    "subject": ("Subject", "Ämne", "Betreff", "Asunto", "Objet", "Onderwerp", "Oggetto", "Temat"),
}  # fmt: skip

#: Whether a row of this status is money.
DONE: Mapping[str, bool] = dict.fromkeys(
    ("completed", "slutförd", "avslutad", "abgeschlossen", "completado", "terminé", "voltooid", "completata",
     "zakończona"), True,
) | dict.fromkeys(
    ("pending", "väntande", "ausstehend", "pendiente", "en attente", "in behandeling", "in sospeso", "oczekująca",
     "denied", "nekad", "abgelehnt", "canceled", "cancelled", "avbruten", "storniert", "annulé", "geannuleerd",
     "failed", "expired", "placed", "removed", "unclaimed", "held", "uncleared"), False,
)  # fmt: skip

#: Whether a row moves the balance. Memos do not, they only tell.
IMPACTS: Mapping[str, bool] = dict.fromkeys(
    ("", "debit", "credit", "debet", "kredit", "soll", "haben", "débit", "crédit", "af", "bij", "accredito",
     "addebito", "crédito", "cargo"), True,
) | {"memo": False, "mémo": False}  # fmt: skip

#: Kind for money in and money out by a word in the type; the first that fits. Others are adjustments.
KINDS: Sequence[tuple[tuple[str, ...], tuple[Kind, Kind]]] = (
    (
        ("currency conversion", "valutakonvertering", "währungsumrechnung", "conversión de divisa",
         "conversion de devise", "valutaomrekening", "conversione di valuta"),
        ("conversion", "conversion"),
    ),
    (("hold", "reserve", "einbehalt", "spärr"), ("release", "holdback")),
    (("release", "freigabe"), ("release", "holdback")),
    (("chargeback fee", "dispute fee"), ("fee_correction", "fee")),
    (("chargeback", "rückbuchung", "återkrav"), ("chargeback_reversal", "chargeback")),
    (("cancelled refund", "canceled refund", "reversal of refund"), ("refund_reversal", "refund_reversal")),
    (
        ("refund", "reversal", "återbetalning", "rückzahlung", "erstattung", "reembolso", "remboursement",
         "terugbetaling", "rimborso"),
        ("refund_reversal", "refund"),
    ),
    (
        ("withdraw", "uttag", "abbuchung", "transfer to bank", "retirada", "virement", "opname", "prelievo"),
        ("payout", "payout"),
    ),
    (("fee", "avgift", "gebühr", "entgelt", "tarifa", "comisión"), ("fee_correction", "fee")),
    (
        ("payment", "betalning", "zahlung", "checkout", "pago", "paiement", "betaling", "pagamento"),
        ("sale", "adjustment"),
    ),
)  # fmt: skip
