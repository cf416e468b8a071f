"""What every rule engine must do, in whatever language its rules are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from stage_functions.application.ports.rules import RuleEngine
from stage_functions.domain.rule import Facts, Result, Rule, all_passed


class Samples(Struct, frozen=True):
    """Rules of a language, by what they come to on the same facts.

    Attributes:
        passing: true of them.
        failing: false of them.
        erring: sound, but what they ask for cannot be had.
        broken: no rules at all.
    """

    passing: tuple[Rule, ...]
    failing: tuple[Rule, ...]
    erring: tuple[Rule, ...]
    broken: tuple[Rule, ...]

    @property
    def results(self) -> Mapping[Rule, Result]:
        """What each is to come to: what is broken errs when it is asked nonetheless."""
        return {
            **dict.fromkeys(self.passing, Result.PASSED),
            **dict.fromkeys(self.failing, Result.FAILED),
            **dict.fromkeys((*self.erring, *self.broken), Result.ERRORED),
        }


class RuleEngineContract(ABC):
    """Derive a test class from it, and name an engine with samples of its language."""

    @abstractmethod
    def engine(self) -> RuleEngine:
        """Return a new engine."""

    @abstractmethod
    def samples(self) -> Samples:
        """Return rules of its language."""

    @abstractmethod
    def facts(self) -> Facts:
        """Return the facts that they are asked of."""

    def _results(self, engine: RuleEngine, rules: Sequence[Rule]) -> list[Result]:
        return [verdict.result for verdict in engine.evaluate(rules, self.facts())]

    def test_no_rules_have_no_verdicts(self) -> None:
        """A transition may demand none."""
        assert () == self.engine().evaluate([], self.facts())

    def test_each_rule_has_its_verdict_in_order(self) -> None:
        """Whatever the others come to, and in whichever order."""
        engine, wanted = self.engine(), self.samples().results
        rules = list(wanted)

        for order in (rules, rules[::-1], rules[1::2] + rules[::2]):
            assert [wanted[rule] for rule in order] == self._results(engine, order)
            assert [rule.name for rule in order] == [
                verdict.rule for verdict in engine.evaluate(order, self.facts())
            ]

    def test_a_verdict_alone_is_that_among_others(self) -> None:
        """No rule sees another."""
        engine, rules = self.engine(), list(self.samples().results)
        together = engine.evaluate(rules, self.facts())

        assert [*together] == [engine.evaluate([rule], self.facts())[0] for rule in rules]

    def test_a_verdict_says_the_condition_in_words(self) -> None:
        """Those of the rule, whatever it came to."""
        rules = list(self.samples().results)
        verdicts = self.engine().evaluate(rules, self.facts())

        assert [rule.says for rule in rules] == [verdict.says for verdict in verdicts]

    def test_only_what_errs_says_why(self) -> None:
        """An error is explained, and nothing else is one."""
        for verdict in self.engine().evaluate(list(self.samples().results), self.facts()):
            assert bool(verdict.error) is (verdict.result is Result.ERRORED), verdict

    def test_without_facts_nothing_that_reads_any_passes(self) -> None:
        """And nothing is raised."""
        rules = [*self.samples().failing, *self.samples().erring]

        assert not all_passed(self.engine().evaluate(rules, {}))

    def test_sound_rules_have_no_fault_and_broken_ones_do(self) -> None:
        """What errs on some facts is no fault of the file."""
        engine, samples = self.engine(), self.samples()
        sound = (*samples.passing, *samples.failing, *samples.erring)

        assert [""] * len(sound) == [engine.check(rule) for rule in sound]
        assert all(engine.check(rule) for rule in samples.broken)

    def test_a_checked_rule_is_asked_as_any(self) -> None:
        """Checking changes nothing."""
        engine, wanted = self.engine(), self.samples().results
        for rule in wanted:
            engine.check(rule)

        assert list(wanted.values()) == self._results(engine, list(wanted))

    def test_threads_share_an_engine(self) -> None:
        """Every decision asks the same one."""
        engine, wanted = self.engine(), self.samples().results
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(self._results, engine, list(wanted)) for _ in range(64)]

        assert {tuple(wanted.values())} == {tuple(one.result()) for one in asked}
