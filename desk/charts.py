"""Small charts as numbers for templates to draw: SVG without a script, the figures beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from tickets.reports import SCORES

WIDTH = 1000  # of a chart, in units of its own
HEIGHT = 160
GAP = 0.25  # of a column's room


@dataclass(frozen=True)
class Bar:
    label: str
    number: int
    percent: int  # of all
    width: int  # of a hundred: the longest has them all


@dataclass(frozen=True)
class Bars:
    """Lines one under the other, with what they are in all."""

    bars: Sequence[Bar]
    number: int
    average: float | None

    @classmethod
    def of_scores(cls, scores: Mapping[int, int]) -> Self:
        number = sum(scores.values())
        longest = max(scores.values(), default=0) or 1
        bars = [
            Bar(str(score), count, round(100 * count / (number or 1)), round(100 * count / longest))
            for score in reversed(SCORES)
            for count in (scores.get(score, 0),)
        ]
        total = sum(score * count for score, count in scores.items())
        return cls(bars, number, total / number if number else None)


@dataclass(frozen=True)
class Column:
    day: date
    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Columns:
    """A day each, from left to right."""

    columns: Sequence[Column]
    number: int
    highest: int
    width: int = WIDTH
    height: int = HEIGHT

    @classmethod
    def of_days(cls, days: Iterable[tuple[date, int]]) -> Self:
        counted = list(days)
        highest = max((number for _day, number in counted), default=0)
        room = WIDTH / (len(counted) or 1)
        columns = [
            Column(
                day,
                number,
                x=round(place * room + room * GAP / 2, 1),
                y=round(HEIGHT - HEIGHT * number / (highest or 1), 1),
                width=round(room * (1 - GAP), 1),
                height=round(HEIGHT * number / (highest or 1), 1),
            )
            for place, (day, number) in enumerate(counted)
        ]
        return cls(columns, sum(column.number for column in columns), highest)
