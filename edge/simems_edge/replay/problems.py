"""What is wrong with an input file: one line each, ``file:line: path: value: what is wrong; what to do``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileProblem:
    file: str
    line: int
    path: str
    value: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.value}: {self.message}; {self.remedy}"


class ReplayError(ValueError):
    """An input that cannot be used; ``problem`` says where and why."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem
