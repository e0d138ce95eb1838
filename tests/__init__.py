"""The claims of the project, checked."""
