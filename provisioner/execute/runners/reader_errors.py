"""What DuckDB's readers say about a file, as an error that names the file, the line and the cure."""

from __future__ import annotations

import re

from provisioner.errors import StepError
from provisioner.execute.runners.unzip import DataFile

_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_CSV_FILE = re.compile(r"^\s*file = (.+?)\s*$", re.MULTILINE)
_JSON_PLACE = re.compile(
    r'in file "(?P<file>.+?)",(?: at byte \d+)? in (?:line|record/value) (?P<line>\d+): ?(?P<words>[^\n]*)'
)
_CONVERSION = re.compile(r'(?:Error when converting column "(?P<column>.*?)"\. )?(?P<words>Could not convert .*)')
_CLASS = re.compile(r"^(?:[A-Z]\w*\s)+Error: |^Error: ", re.MULTILINE)
_OPTION = re.compile(r"to named parameter|^Invalid Input Error: Failed to cast value")


def tells_line(error: Exception) -> bool:
    """Whether DuckDB said in which line of the file it found the error."""
    return bool(_CSV_LINE.search(str(error)) or _JSON_PLACE.search(str(error)))


def say_reader_error(error: Exception, files: tuple[DataFile, ...]) -> StepError:
    """Code load_value with file:line where DuckDB tells them, load_option, or load_failed with its words."""
    text = str(error)
    names = {str(file.path): file.name for file in files}
    only = files[0].name if len(files) == 1 else "one of the files"
    if _OPTION.search(text):
        return StepError(f"{only}: {_words(text)}", code="load_option", cure="Mend the step's `options:`.")
    if line := _CSV_LINE.search(text):
        found = _CSV_FILE.search(text)
        name = names.get(found[1], found[1]) if found else only
        return _value(f"{name}:{line[1]}", _csv_words(text), _csv_cure(text))
    if place := _JSON_PLACE.search(text):
        name = names.get(place["file"], place["file"])
        return _value(f"{name}:{place['line']}", place["words"].strip(), f"Mend the file at line {place['line']}.")
    if value := _CONVERSION.search(text):
        return _value(only, value["words"], _csv_cure(text))
    words = _words(text)
    for path, name in names.items():
        words = words.replace(path, name)
    return StepError(f"{only} cannot be loaded: {words}", code="load_failed", cure="Mend it, or the step's `options:`.")


def _value(place: str, words: str, cure: str) -> StepError:
    return StepError(f"{place}: {words}", code="load_value", cure=cure)


def _words(text: str) -> str:
    return _CLASS.sub("", text.split("\n\n")[0]).strip()


def _csv_cure(text: str) -> str:
    if "Invalid unicode" in text:
        return "Save it as UTF-8, or name its encoding: `options: {encoding: latin-1}`."
    if "Expected Number of Columns" in text:
        return "Mend the row, or let short rows be filled with `options: {null_padding: true}`."
    return "Mend the value, declare another type, or name what stands for no value: `options: {nullstr: NA}`."


def _csv_words(text: str) -> str:
    """The lines after `Original Line:` that say what is wrong, in one."""
    if "Invalid unicode" in text:
        return "the file is not UTF-8."
    if value := _CONVERSION.search(text):
        return f'column "{value["column"]}": {value["words"]}' if value["column"] else value["words"]
    lines = text[text.index("CSV Error on Line") :].splitlines()[1:]
    told = [line.strip() for line in lines if line.strip() and not line.startswith("Original Line")]
    return told[0] if told else "the row cannot be read"
