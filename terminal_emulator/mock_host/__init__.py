"""A host that answers by rules, for those who test their own side without a switch."""
