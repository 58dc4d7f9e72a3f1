"""What an operator keeps: backups, a move to another database, what ages out, traces sent away, files handed in."""
