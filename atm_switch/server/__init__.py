"""The sockets: asyncio around the core, nothing decided here."""
