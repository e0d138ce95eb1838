"""The neighbours, one file per means; none of them knows the server."""
