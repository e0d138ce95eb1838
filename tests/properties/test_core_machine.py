"""The whole core against a model, in its small form; ``make chaos`` runs it longer."""

from hypothesis import settings

from tests.chaos.core_machine import CoreMachine

TestCore = CoreMachine.TestCase
TestCore.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
