"""The nouns of the field: cards, members, money, outcomes.  Imports nothing of ours."""
