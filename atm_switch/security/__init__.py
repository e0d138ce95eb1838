"""One file per standard: PIN block, PVV, MAC; and the vault that holds the keys."""
