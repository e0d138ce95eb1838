"""The terminal emulator: plays the ATM.

Plan: ``terminal`` and ``answers`` are pure (messages in and out), ``link`` speaks TCP,
``flow`` joins them, ``screen`` draws, ``cli`` and ``atm`` face the person.  It imports
only what a stranger at the end of the line could know: wire, messages, profile, PIN block.
"""
