"""The ATM as a full screen: in a terminal by Textual, in a browser by textual-serve."""
