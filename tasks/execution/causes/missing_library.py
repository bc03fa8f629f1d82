"""Finds errors that come of a system library or program which is not on this machine. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.execution.causes.raised_errors import RaisedError
from tasks.production import SystemInstall

_LIBRARIES = (
    re.compile(r"cannot load library '(?P<name>[^']+)'"),
    re.compile(r"(?P<name>lib[\w.+-]+?\.so[.\d]*): cannot open shared object file"),
    re.compile(r"Could not find the (?P<name>GDAL|GEOS|SpatiaLite|GeoIP) library"),
    re.compile(r"failed to find (?P<name>libmagic)"),
    re.compile(r"no library called \"(?P<name>[^\"]+)\" was found"),
    re.compile(r"(?P<name>libpq) library not found"),
    re.compile(r"Unable to find (?P<name>\w+) shared library"),
    re.compile(r"(?P<name>MagickWand) shared library not found"),
    re.compile(
        r"(?:could not|cannot|can't|unable to|failed to) (?:find|load|open|locate) (?:the )?(?:shared |dynamic )?"
        r"library:? ['\"]?(?P<name>[\w.+-]+)",
        re.IGNORECASE,
    ),
)
_PROGRAMS = (
    re.compile(r"(?<![\w-])(?P<name>[\w-]+) is not installed or it's not in your PATH"),
    re.compile(r"No (?P<name>wkhtmltopdf|wkhtmltoimage) executable found"),
    re.compile(r"Can't find (?P<name>msg\w+|xgettext)\b"),
    re.compile(r"spawn (?P<name>[\w.+-]+) ENOENT"),
    re.compile(r"Unable to obtain driver for (?P<name>firefox|chrome)"),
    re.compile(r"cannot find (?P<name>[Cc]hrome) binary"),
    re.compile(r"Executable doesn't exist at \S*/(?P<name>chromium|firefox|webkit)[\w]*-\d"),
    re.compile(r"Is (?P<name>poppler) installed and in PATH"),
)
_NO_FILE = re.compile(
    r"FileNotFoundError: \[Errno 2\] No such file or directory: "
    r"'(?P<path>(?:/(?:usr|opt|bin)/(?:\w+/)*)?[\w+-][\w.+-]*)'"
)
_NO_LOCALE = re.compile(r"\blocale\.Error: unsupported locale setting")
LOCALE = "locale"
_STARTS_PROGRAMS = re.compile(r"(?:^|/)(?:subprocess|asyncio/base_events|os|pty)\.py$")
# Debian's package by the stem of a library or by a program, where the name differs.
PACKAGES = {
    LOCALE: "locales",
    "gobject": "libglib2.0-0",
    "gl": "libgl1",
    "gthread": "libglib2.0-0",
    "magic": "libmagic1",
    "gdal": "gdal-bin",
    "geosc": "libgeos-c1v5",
    "geos": "libgeos-c1v5",
    "spatialite": "libsqlite3-mod-spatialite",
    "geoip": "libgeoip1",
    "pq": "libpq5",
    "mysqlclient": "libmariadb3",
    "mariadb": "libmariadb3",
    "magickwand": "libmagickwand-dev",
    "zbar": "libzbar0",
    "vips": "libvips42",
    "cairo": "libcairo2",
    "xmlsec1": "libxmlsec1-openssl",
    "ldap": "libldap-2.5-0",
    "odbc": "unixodbc",
    "pdftotext": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "pdfinfo": "poppler-utils",
    "poppler": "poppler-utils",
    "tesseract": "tesseract-ocr",
    "convert": "imagemagick",
    "magick": "imagemagick",
    "identify": "imagemagick",
    "soffice": "libreoffice",
    "libreoffice": "libreoffice",
    "gs": "ghostscript",
    "dot": "graphviz",
    "psql": "postgresql-client",
    "pg_dump": "postgresql-client",
    "msgfmt": "gettext",
    "xgettext": "gettext",
    "node": "nodejs",
    "exiftool": "libimage-exiftool-perl",
    "rsvg-convert": "librsvg2-bin",
    "ffprobe": "ffmpeg",
    "firefox": "firefox-esr",
    "chrome": "chromium chromium-driver",
    "Chrome": "chromium chromium-driver",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingLibrary:
    """A library or program, with its name in the error. `LOCALE` is one that the code sets."""

    name: str
    is_program: bool

    @property
    def stem(self) -> str:
        """`pango` for `libpango-1.0.so.0` and for Debian's `libpango-1.0-0`."""
        return stem_of(self.name) if not self.is_program else self.name


def stem_of(name: str) -> str:
    """Returns the name of a library without prefix, version and endings."""
    plain = re.sub(r"\.so.*$|-dev$|-bin$|-common$", "", name.lower())
    return re.sub(r"[\d.v-]+$|[_-]", "", plain.removeprefix("lib"))


def missing_library(error: RaisedError, known: Iterable[str] = ()) -> MissingLibrary | None:
    """Returns the library or program that an error is about, or None. `known` are system packages of the stack."""
    for pattern in _LIBRARIES:
        if match := pattern.search(error.text):
            return MissingLibrary(name=match["name"].rpartition("/")[2], is_program=False)
    for pattern in _PROGRAMS:
        if match := pattern.search(error.text):
            return MissingLibrary(name=match["name"], is_program=True)
    if _NO_LOCALE.search(error.text):
        return MissingLibrary(name=LOCALE, is_program=False)
    absent = _NO_FILE.search(error.text)
    if absent is None:
        return None
    program = absent["path"].rpartition("/")[2]
    is_started = any(_STARTS_PROGRAMS.search(path) for path in error.paths)
    # without frames, the name may also be that of a file which the code opens
    if is_started or (not error.is_whole and (program in PACKAGES or program in {*known})):
        return MissingLibrary(name=program, is_program=True)
    return None


def missing_library_reason(missing: MissingLibrary, installs: Iterable[SystemInstall]) -> str:
    """Returns the reason of the missing verdict, with the line that installs the package."""
    what = f"the {'program' if missing.is_program else 'library'} {missing.name} is not on this machine"
    if missing.name == LOCALE:
        what = "the locale that the code sets is not on this machine, whose locales `locale -a` lists"
    listed = tuple(installs)
    for install in listed:
        if package := _package_of(missing, install):
            return (
                f"{what}, and {install.file}:{install.line} installs {package} in production. "
                f"Install it here: {install.command} {package}"
            )
    guess = PACKAGES.get(missing.stem.replace("-", "") if not missing.is_program else missing.name, missing.name)
    if listed:
        places = ", ".join(f"{each.file}:{each.line}" for each in listed[:3])
        return f"{what}. No package of {places} has this name. If production has it: {listed[0].command} {guess}"
    return f"{what}, and no file of the stack installs it. If production has it: apt-get install -y {guess}"


def _package_of(missing: MissingLibrary, install: SystemInstall) -> str:
    """The package of an installation that has the library or program, or an empty text."""
    if missing.name in install.packages:
        return missing.name
    by_table = PACKAGES.get(missing.stem, "")
    if by_table in install.packages:
        return by_table
    stems = {missing.stem, stem_of(by_table) if by_table else missing.stem}
    return next((each for each in install.packages if stem_of(each) in stems), "")
