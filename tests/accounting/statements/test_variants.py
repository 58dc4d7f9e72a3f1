"""Ways in which providers, spreadsheets and mail programs write the same file; each reads alike or is refused."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from samklang.accounting.statements.base import Profile, Statement, Unreadable
from samklang.accounting.statements.reading import read_statement

from . import files
from .files import shopify_row, stripe_transaction
from .test_edge_cases import lines, one, refused
from .test_variety import money

#: Words of the activity download by language, in the order of the English ones; and a done payment, a withdrawal.
ENGLISH = (
    "Date", "Time", "TimeZone", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID",
    "Reference Txn ID", "Balance", "Balance Impact",
)  # fmt: skip
LANGUAGES = {
    "sv": "Datum|Tid|Tidszon|Typ|Status|Valuta|Brutto|Avgift|Netto|Transaktions-id|Referens-txn-id|Saldo|Saldopåverkan"
          "|Slutförd|Betalning|Uttag|Kredit|Debet",
    "de": "Datum|Uhrzeit|Zeitzone|Typ|Status|Währung|Brutto|Entgelt|Netto|Transaktionscode|Zugehöriger Transaktionscode"
          "|Guthaben|Auswirkung auf Guthaben|Abgeschlossen|Website-Zahlung|Allgemeine Abbuchung|Haben|Soll",
    "es": "Fecha|Hora|Zona horaria|Tipo|Estado|Divisa|Bruto|Tarifa|Neto|Id. de transacción|Id. de referencia de trans."
          "|Saldo|Repercusiones en el saldo|Completado|Pago estándar|Retirada de fondos|Crédito|Cargo",
    "fr": "Date|Heure|Fuseau horaire|Type|État|Devise|Avant commission|Commission|Net|Numéro de transaction"
          "|Numéro de la transaction de référence|Solde|Impact sur le solde|Terminé|Paiement|Virement|Crédit|Débit",
    "nl": "Datum|Tijd|Tijdzone|Type|Status|Valuta|Bruto|Kosten|Net|Transactiereferentie|Reference Txn ID|Saldo"
          "|Effect op saldo|Voltooid|Express Checkout betaling|Algemene opname|Bij|Af",
    "it": "Data|Orario|Fuso orario|Tipo|Stato|Valuta|Lordo|Tariffa|Netto|Codice transazione"
          "|Codice transazione di riferimento|Saldo|Impatto sul saldo|Completata|Pagamento|Prelievo|Accredito|Addebito",
}  # fmt: skip


def paypal(words: str, delimiter: str = ",") -> bytes:
    """A payment and a withdrawal in the words of a language, with decimal commas."""
    *columns, done, paid, withdrawn, plus, minus = words.split("|")
    rows = [
        ["25.03.2026", "07:45:51", "CET", paid, done, "SEK", '"1.800,00"', '"-65,20"', '"1.734,80"', "A1", "",
         '"1.734,80"', plus],
        ["25.03.2026", "09:45:51", "CET", withdrawn, done, "SEK", '"−1 500,00"', '"0,00"', '"-1\u00a0500,00"', "A2", "",
         '"234,80"', minus],
    ]  # fmt: skip
    return files.csv([columns, *rows], delimiter).encode("utf-8-sig")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["comma", "tab"])
def test_paypal_in_every_language_says_the_same(language: str, delimiter: str) -> None:
    made = one(paypal(LANGUAGES[language], delimiter))
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("sale", 1800), ("fee", Decimal("-65.20")), ("payout", -1500),
    ]  # fmt: skip
    assert (made.opening, made.closing, made.format) == (0, Decimal("234.80"), "paypal activity")


def test_paypal_state_in_an_unknown_word_is_refused_by_its_name() -> None:
    caught = refused(paypal(LANGUAGES["nl"].replace("Voltooid", "Klaar")))
    assert (caught.column, caught.value, caught.row) == ("Status", "Klaar", 2) and "added" in caught.problem.do_this


STATEMENT = """Date,Time,Time Zone,Description,Currency,Gross,Fee,Net,Balance,Transaction ID,Invoice ID,Reference Txn ID
3/25/2026,21:15:11,America/Los_Angeles,General Withdrawal,EUR,"-1,058.09",0.00,"-1,058.09","-1,057.34",T1,,
3/25/2026,21:15:11,America/Los_Angeles,General Currency Conversion,EUR,"1,058.09",0.00,"1,058.09",0.75,T2,,T1
3/26/2026,20:44:10,Europe/Berlin,Express Checkout Payment,USD,"1,309.80",-48.76,"1,261.04","1,261.93",T3,361,
"""


def test_paypals_monthly_statement_names_no_states_and_proves_itself_by_its_balances() -> None:
    eur, usd = read_statement(STATEMENT.encode())
    assert isinstance(eur, Statement) and isinstance(usd, Statement)
    assert (eur.format, eur.opening, eur.closing) == ("paypal statement", Decimal("0.75"), Decimal("0.75"))
    assert [(line.kind, line.order_ref) for line in usd.lines] == [("sale", "361"), ("fee", "361")]
    assert "do not follow" in str(refused(STATEMENT.replace('"-1,057.34"', '"-1,000.00"').encode()))
    assert "Status, or Balance" in str(refused(STATEMENT.replace("Balance", "Other").encode()))
    assert refused(STATEMENT.replace(",0.75,T2", ",,T2").encode()).column == "Balance"


def test_paypal_memos_move_nothing_and_unknown_words_for_them_need_a_balance() -> None:
    columns = (*files.PAYPAL_COLUMNS, "Balance Impact")
    paid, other = (files.paypal_row(id_, "10.00", "0.00", "10.00", "10.00") for id_ in ("A1", "A2"))
    rows = [{**paid, "Balance Impact": "Credit"}, {**other, "Balance Impact": "Memo"}]
    made = one(files.paypal(rows, columns))
    assert (made.closing, [line.provider_id for line in made.pending]) == (10, ["A2"])
    unknown = {**rows[0], "Balance Impact": "Vaikutus"}
    assert one(files.paypal([unknown], columns)).closing == 10
    caught = refused(files.paypal([{**unknown, "Balance": ""}], columns))
    assert (caught.column, caught.value) == ("Balance Impact", "Vaikutus")


@pytest.mark.parametrize("day", ["25/03/1985", "01/01/0001", "31/12/9999", "32/01/2026"])
def test_a_time_that_nothing_has_is_refused_with_its_row(day: str) -> None:
    row = files.paypal_row("A1", "10.00", "0.00", "10.00", "10.00", Date=day)
    assert (refused(files.paypal([row])).column, refused(files.paypal([row])).row) == ("Date", 2)


@pytest.mark.parametrize("zone", ["Europe", "America", "x" * 300, "../etc", "XYZ"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    row = files.paypal_row("A1", "10.00", "0.00", "10.00", "10.00", TimeZone=zone)
    assert refused(files.paypal([row])).column == "TimeZone"


@pytest.mark.parametrize("written", ["2026/3/2 09:12:33", "02.03.2026 09:12:33", "2.3.2026 09:12", "2026-03-02 09:12"])
def test_dates_of_one_reading_are_read(written: str) -> None:
    rows = [{**row, "created": written} for row in files.STRIPE_ROWS]
    assert lines(one(files.stripe(rows)), "sale")[0].day == date(2026, 3, 2)


@pytest.mark.parametrize("written", ["02/03/2026", "3/2/26", "2.3.26", "20260302", "2026-02-30", "yesterday", "46083"])
def test_dates_of_several_readings_are_refused(written: str) -> None:
    rows = [{**row, "created": written} for row in files.STRIPE_ROWS]
    assert refused(files.stripe(rows)).column == "created"


def test_a_report_in_a_zone_of_the_merchants_choice_is_read_in_it() -> None:
    rows = [{**row, "created": "2026-03-02 00:30:00"} for row in files.STRIPE_ROWS]
    sale = lines(one(files.stripe(rows), Profile(time_zone="Europe/Stockholm")), "sale")[0]
    assert sale.day == date(2026, 3, 2) and sale.at and sale.at.isoformat() == "2026-03-01T23:30:00+00:00"


@pytest.mark.parametrize("written", ["1.40769E+11", "1,40769E+11"])
def test_an_id_that_a_spreadsheet_has_shortened_is_refused(written: str) -> None:
    rows = [shopify_row("#1", "10.00", "0.00", "10.00", **{"Payout ID": f'"{written}"'})]
    caught = refused(files.shopify(rows))
    assert (caught.column, caught.value) == ("Payout ID", written) and "without opening" in caught.problem.do_this
    book = files.workbook(files.SHOPIFY_COLUMNS, [
        [1234567890123456 if name == "Payout ID" else rows[0].get(name, "") for name in files.SHOPIFY_COLUMNS]
    ])  # fmt: skip
    assert refused(book).column == "Payout ID"


@pytest.mark.parametrize(("code", "count", "amount"), [("isk", 50000, 500), ("ugx", 50000, 500), ("mga", 500, 500)])
def test_34_stripes_own_minor_units_are_known(code: str, count: int, amount: int) -> None:
    data = files.stripe_json([stripe_transaction("t1", count, currency=code)], amount=count, currency=code)
    assert one(data).payout == amount


def test_34_a_bare_whole_number_in_a_report_is_not_taken_for_major_units() -> None:
    rows = [{**row, "amount": 66100, "fee": 0, "net": 66100} for row in files.STRIPE_ROWS]
    assert "minor units" in str(refused(json.dumps(rows).encode()))
    assert one(json.dumps(files.STRIPE_ROWS).encode()).payout == Decimal("647.93")


def packed(data: bytes) -> bytes:
    """A zip archive with one file in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("statement.xml", data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("pack", "do_this"),
    [(gzip.compress, "Unpack"), (packed, "Unpack"), (lambda data: b"%PDF-1.7\n" + data, "Export the same report"),
     (lambda data: b"\xd0\xcf\x11\xe0" + data, "Save it as XLSX")],
    ids=["gzip", "zip", "pdf", "xls"],
)  # fmt: skip
def test_what_is_packed_or_for_reading_only_says_what_to_do(pack: Callable[[bytes], bytes], do_this: str) -> None:
    assert do_this in refused(pack(repr(files.STRIPE_ROWS).encode())).problem.do_this


@pytest.mark.parametrize("charset", ["utf-16", "utf-8-sig"])
def test_json_in_another_charset_of_the_web_reads_the_same(charset: str) -> None:
    data = files.WHOLE["klarna json"]
    assert one(data.decode().encode(charset)).key == one(data).key


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d", "\\udc00", "\\ud83d\\u0020"])
def test_json_with_what_is_no_character_is_refused(escape: str) -> None:
    data = files.WHOLE["klarna json"].decode()
    assert "no character" in str(refused(data.replace('"1001"', f'"1001{escape}"').encode()))
    for harmless in ("\\ud83d\\ude00", "\\\\u0000", "\\u00e5"):
        assert one(data.replace('"1001"', f'"1001{harmless}"').encode()).payout == Decimal("2649.16")


def test_sums_beyond_all_bounds_are_refused() -> None:
    most = "999999999999999"
    rows = [shopify_row(f"#{i}", most, "0.00", most) for i in (1, 2)]
    assert "not a possible amount" in str(refused(files.shopify(rows)))


def test_a_count_that_only_looks_like_a_number_is_refused() -> None:
    assert "closing record says ²" in str(refused(files.SWISH.replace(b"03,2", "03,²".encode())))
    assert one(files.SWISH.replace(b"03,2", b"03,0002")).payout == Decimal("379.50")


def test_a_row_of_sums_is_not_counted_twice() -> None:
    columns = ("Дата начисления", "Тип начисления", "Номер отправления или идентификатор услуги",
               "За продажу или возврат до вычета комиссий и услуг", "Вознаграждение Ozon", "Итого")  # fmt: skip
    rows = [["02.03.2026", "Доставка покупателю", "05-1", 1000, -100, 900], ["", "Итого", "", 1000, -100, 900]]
    assert one(files.workbook(columns, rows[:1])).closing == 900
    assert refused(files.workbook(columns, rows)).row == 3


@pytest.mark.parametrize("before", [[["Период: 01.03.2026–31.03.2026"], []], []], ids=["a line before", "alone"])
def test_cells_that_a_workbook_leaves_out_at_the_end_of_a_row_are_empty(before: list[list[str]]) -> None:
    columns = [*files.WB_COLUMNS, "Комментарий", "Разовое изменение срока перечисления денежных средств"]
    rows = [*before, columns, *files.WB_ROWS[:1], [*files.WB_ROWS[1], "текст"]]
    made = one(files.workbook(rows[0], rows[1:]))
    assert (made.total("sale"), made.total("refund")) == (1220, -610)
    other = files.workbook(rows[0], [*rows[1:], [*files.WB_ROWS[3], "", -1]])
    assert refused(other).column == columns[-1], "whether this money is added or taken is nowhere said"


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1.500"), ("SEK", "1.501"), ("SEK", "0.001")])
def test_a_point_that_may_be_one_between_thousands_is_refused(currency: str, amount: str) -> None:
    rows = [shopify_row("#1", amount, "0.00", amount, Currency=currency)]
    assert "more decimals than" in str(refused(files.shopify(rows)))
    kuwait = shopify_row("#1", "1.500", "0", "1.500", Currency="KWD")
    assert one(files.shopify([kuwait])).payout == Decimal("1.5")


_WIDE = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}


def notations(amount: str) -> list[str]:
    """The same amount in the notations of other countries, programs and mistakes."""
    sign, plain = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, part = plain.split(".")
    return [
        f"{sign}{whole},{part}", f"{sign}{whole},000.{part}", f"{sign}{whole}.000,{part}", f"{sign}{whole}'000.{part}",
        f"{plain}-", f"({plain})", f"{amount} kr", f"${amount}", f"{amount}e0", f"{sign}{whole}{part}e-2",
        f"{sign}{whole}_{part}", f"{sign} {plain}", f"{sign}{sign}{plain}1", f"{amount}.{part}",
        f"{sign}{whole}. {part}", f"{sign}{whole} {part}", sign + plain.translate(_WIDE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["klarna csv", "stripe csv", "shopify csv", "adyen settlement details", "swish report"]
)
def test_33_no_notation_of_an_amount_changes_it(name: str) -> None:
    text = files.WHOLE[name].decode()
    whole = money(read_statement(text.encode()))
    for found in re.finditer(r"(?<=[,;])-?[0-9]+\.[0-9]+(?=[,;\n])", text):
        for other in notations(found[0]):
            changed = f'{text[: found.start()]}"{other}"{text[found.end() :]}'
            try:
                assert money(read_statement(changed.encode())) == whole, f"{found[0]} as {other}"
            except Unreadable as caught:
                assert caught.row or caught.column, f"{found[0]} as {other}"


def test_a_delimiter_inside_a_text_that_moves_the_cells_behind_it_is_refused() -> None:
    rows = [dict(row) for row in files.PAYPAL_ROWS]
    rows[1]["Invoice Number"] = "10,04"  # unquoted, and the last cell is empty
    caught = refused(files.paypal(rows))
    assert "16 cells, the header 15" in str(caught) and caught.row == 3
    assert "16 cells" in str(refused(files.paypal(rows[1:2]))), "alone as well"


def test_a_delimiter_at_the_end_of_every_row_does_no_harm() -> None:
    text = files.paypal().decode()
    behind = "\n".join(f"{line}," for line in text.splitlines())
    header, *rows = behind.splitlines()
    for other in (behind, "\n".join((header[:-1], *rows))):
        assert one(f"{other}\n".encode()).closing == one(text.encode()).closing


def test_a_file_that_is_refused_is_to_be_fetched_again_whatever_the_code() -> None:
    row = files.paypal_row("A1", "10.00", "-1.00", "9.50", "9.50")
    assert "Fetch" in refused(files.paypal([row])).problem.do_this


REALISED = (
    "Номер заказа", "Ваш SKU", "Название товара", "{}, шт.", "Дата {}", "Цена с НДС с учётом всех скидок за шт., ₽",
    "Стоимость всех {} штук с НДС с учётом всех скидок, ₽",
)  # fmt: skip


def realised(sheet: tuple[str, str, str], *rows: list[object], total: object) -> bytes:
    """A sheet of the report on realised goods as it is downloaded: lines before the header, sums at the end."""
    count, day, pieces = sheet
    columns = [
        *REALISED[:3],
        REALISED[3].format(count),
        REALISED[4].format(day),
        REALISED[5],
        REALISED[6].format(pieces),
    ]
    before = [["Отчёт о реализации"], [], ["Период", "01.03.2026–31.03.2026"], []]
    return files.workbook(before[0], [*before[1:], columns, *rows, ["Итого:", "", "", "", "", "", total]])


def test_yandex_realisation_as_it_is_downloaded_in_russian_ends_with_a_row_of_sums() -> None:
    sold = ("Доставлено", "доставки товара", "доставленных")
    rows: list[list[object]] = [
        [501, "A-1", "Лампа", 2, "09.03.2026", 122.5, 245.0], [502, "A-2", "Стол", 1, "10.03.2026", 100, 100],
    ]  # fmt: skip
    made = one(realised(sold, *rows, total=345))
    assert (made.reference, made.closing, [line.quantity for line in made.lines]) == ("2026-03", 345, [2, 1])
    caught = refused(realised(sold, *rows[:1], total=345))
    assert "is not the 245 of the rows above" in str(caught) and caught.row == 7
    back = ("Возвращено", "приёма возврата складом или сортировочным центром", "возвращённых")
    assert one(realised(back, *rows[:1], total=245)).closing == -245


def test_yandex_netting_as_it_is_downloaded_in_russian() -> None:
    columns = ("Дата транзакции", "ID транзакции", "Номер заказа", "Ваш SKU", "Количество", "Сумма транзакции, руб.",
               "Тип транзакции", "Источник транзакции", "Дата платёжного поручения", "Номер платежного поручения",
               "Сумма платёжного поручения")  # fmt: skip
    paid = ["10.03.2026", "8800", 950]
    rows = [
        ["09.03.2026", "t1", 501, "A-1", 1, 1000, "Начисление", "Платёж покупателя", *paid],
        ["09.03.2026", "t2", 501, "A-1", 1, -50, "Удержание", "Услуги", *paid],
    ]
    made = one(files.workbook(columns, rows))
    assert (made.reference, made.payout, made.paid_on) == ("8800", 950, date(2026, 3, 10))
    assert [(line.kind, line.amount) for line in made.lines[:2]] == [("sale", 1000), ("fee", -50)]


def test_a_file_in_the_other_decimal_sign_is_told_of_its_profile() -> None:
    commas = files.stripe().decode().replace(",", ";").replace(".", ",").encode()
    assert "profile (decimal)" in refused(commas).problem.do_this


def test_paypal_in_a_workbook_has_its_dates_as_dates_or_as_the_text_that_they_were() -> None:
    def book(*days: str | date) -> bytes:
        rows = [{**row, "Date": day} for row, day in zip(files.PAYPAL_ROWS, days, strict=True)]
        numbers = ("Gross", "Fee", "Net", "Balance")
        return files.workbook(files.PAYPAL_COLUMNS, [
            [float(str(cell).strip('"').replace(",", "")) if name in numbers else cell
             for name in files.PAYPAL_COLUMNS for cell in [row.get(name, "")]]
            for row in rows
        ])  # fmt: skip

    day = date(2026, 3, 4)
    for days in ([day] * 3, ["25/03/2026"] * 3):
        assert one(book(*days)).closing == 40
    assert one(book(*[day] * 3)).start == day
    mixed = refused(book("25/03/2026", day, "26/03/2026"))
    assert (mixed.column, mixed.row) == ("Date", 3) and "taken days for months" in str(mixed)
    with pytest.raises(Unreadable, match="taken days for months"):
        read_statement(book("25/03/2026", day, "26/03/2026"), profile=Profile(day_first=True))


def loyalty(**more: object) -> bytes:
    """A sale, and what Wildberries pays for the points that its buyer paid with, in a row of its own."""
    sold = {
        "rrdId": 1, "reportId": 500, "currency": "RUB", "docTypeName": "Продажа", "sellerOperName": "Продажа",
        "retailAmount": "100.00", "vw": "10.00", "vwNds": "2.00", "forPay": "88.00", "saleDt": "2026-03-03",
        "quantity": 1,
    }  # fmt: skip
    paid = {
        "rrdId": 2, "reportId": 500, "currency": "RUB", "docTypeName": "Продажа", "saleDt": "2026-03-03", "quantity": 0,
        "sellerOperName": "Компенсация скидки по программе лояльности", "cashbackDiscount": "19.00", **more,
    }  # fmt: skip
    header = {"reportId": 500, "currency": "RUB", "cashbackDiscountSum": "19.00", "bankPaymentSum": "107.00"}
    return json.dumps({"report": {**header, "retailAmountSum": "119.00"}, "rows": [sold, paid]}).encode()


@pytest.mark.parametrize("more", [{}, {"forPay": "19.00"}], ids=["apart", "in what is payable"])
def test_wildberries_payment_for_points_is_revenue_and_counted_once(more: dict[str, object]) -> None:
    made = one(loyalty(**more))
    assert (made.closing, made.total("sale"), made.total("compensation")) == (107, 119, 0)


def test_wildberries_payment_for_points_beside_another_amount_is_refused() -> None:
    assert refused(loyalty(forPay="20.00")).column == "compensated"


def test_what_a_spreadsheet_writes_before_the_header_does_no_harm() -> None:
    semicolons = files.adyen().decode().replace(",", ";")
    for before in ("sep=;\r\n", "\r\n\r\n", "Settlement details\r\n2026-03-04;;;\r\n"):
        assert one((before + semicolons).encode()).closing == one(files.adyen()).closing
