"""Django's database backend for SQLite, quicker for statements that come again."""
