"""A minimal terminal emulator for the live view: the visible text after some bytes."""

import re

_TOKEN = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen:
    """Supports carriage return, line feed, cursor up, erase line, colours and hiding the cursor; refuses the rest."""

    def __init__(self, text: str = "") -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.cursor = True
        self.feed(text)

    def feed(self, text: str) -> None:
        for numbers, letter, carriage, newline, plain in _TOKEN.findall(text):
            if plain:
                self._put(plain)
            elif carriage:
                self.column = 0
            elif newline:
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                self._control(numbers, letter)

    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.lines if line.strip()]

    def _put(self, text: str) -> None:
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
        self.column += len(text)

    def _control(self, numbers: str, letter: str) -> None:
        match letter, numbers:
            case "A", _:
                self.row = max(0, self.row - int(numbers or 1))
            case "K", "2":
                self.lines[self.row] = ""
            case (("h" | "l"), "?25"):
                self.cursor = letter == "h"
            case "m", _:
                pass
            case _:
                raise AssertionError(f"unknown control {numbers}{letter}")
