"""From bytes to annotated fields, also where a message does not decode."""
