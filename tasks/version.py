"""Our own version: part of every key, because another version may judge differently."""

VERSION = "0.2.0"
