"""The whole switch, its terminals, ledger, disk and broker, under one seeded scheduler."""
