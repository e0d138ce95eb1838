"""The ATM / ISO 8583 host switch."""
