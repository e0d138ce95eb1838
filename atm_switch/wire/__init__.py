"""Bytes: frames cut from the stream, payloads packed and unpacked."""
