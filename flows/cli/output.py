"""The form of the report: complete for people, or failures only for agents and CI jobs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

from tasks.env_flags import is_set
from tasks.models import Report
from tasks.report.agent import render_agent
from tasks.report.live import Progress, open_progress
from tasks.report.stream_style import detect_style, is_interactive
from tasks.report.style import Style
from tasks.report.text import render_text
from tasks.settings import Settings

# Variables that coding agents and CI services set.
AGENTS = (
    "AI_AGENT",
    "CLAUDECODE",
    "CURSOR_AGENT",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "GEMINI_CLI",
    "OPENCODE",
    "AIDER_SESSION",
    "COPILOT_AGENT",
    "CI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputMode:
    """The chosen mode, the reason for it, and the style."""

    mode: Literal["human", "agent"]
    reason: str
    style: Style
    interactive: bool

    def render(self, report: Report) -> str:
        """The report as text for stdout."""
        if self.mode == "agent":
            return render_agent(report, reason=self.reason, style=self.style)
        return render_text(report, self.style)

    def open_progress(self, stream: TextIO) -> Progress:
        """The progress display of the run."""
        return open_progress(stream, mode=self.mode, style=self.style, interactive=self.interactive)


def choose_output(settings: Settings, environ: Mapping[str, str], stream: TextIO) -> OutputMode:
    """The chosen mode, or for `auto` the mode that fits the reader."""
    found = next((name for name in AGENTS if is_set(environ, name)), "")
    mode: Literal["human", "agent"]
    if settings.output != "auto":
        mode, reason = settings.output, "set by --output"
    else:
        mode, reason = ("agent", f"{found} is set") if found else ("human", "")
    style = detect_style(stream, environ)
    return OutputMode(
        mode=mode, reason=reason, style=style, interactive=mode == "human" and is_interactive(sys.stderr, environ)
    )
