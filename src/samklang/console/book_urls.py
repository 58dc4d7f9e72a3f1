"""Addresses of the pages about books: payouts, what looks for its order, vouchers, controls, the company's settings."""

from django.urls import path

from samklang.console import accounts, books, decisions, ledger_files, papers, sources

pages = [
    path("books", books.payouts, name="books"),
    path("books/<int:number>/upload", books.upload, name="books-upload"),
    path("books/payouts/<int:number>", books.payout, name="payout"),
    path("books/payouts/<int:number>.<slug:kind>", papers.payout_file, name="payout-file"),
    path("books/vouchers/<int:number>.<slug:kind>", papers.voucher_file, name="voucher-file"),
    path("books/<int:number>/matching", books.matching, name="matching"),
    path("books/<int:number>/confirm", books.confirm, name="confirm"),
    path("books/<int:number>/vouchers", books.vouchers, name="vouchers"),
    path("books/<int:number>/files", ledger_files.files, name="ledger-files"),
    path("books/<int:number>/files/<int:file>", ledger_files.ledger_file, name="ledger-file"),
    path("books/<int:number>/approve", books.approve, name="approve-vouchers"),
    path("books/vouchers/<int:number>", books.voucher, name="voucher"),
    path("books/<int:number>/control", books.control, name="control"),
    path("books/<int:number>/control.<slug:kind>", books.control_file, name="control-file"),
    path("books/<int:number>/accounts", accounts.accounts, name="accounts"),
    path("books/<int:number>/decide", decisions.decide, name="decide"),
    path("books/<int:number>/sources", sources.sources, name="sources"),
    path("books/<int:number>/lists/<slug:kind>", sources.lists, name="books-list"),
    path("books/vouchers/<int:number>/withdraw", books.withdraw, name="withdraw-voucher"),
    path("books/<int:number>/fetch", sources.fetch, name="fetch-statements"),
]
