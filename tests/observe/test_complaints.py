"""What DuckDB says during a statement, as the errors of the house."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import duckdb
import pytest

from provisioner.errors import BusyError, DatabaseError, InputError, ProvisionError, StoppedError
from provisioner.observe.complaints import blame_surroundings
from provisioner.observe.database import translate

PATH = Path("/data/shop.duckdb")
# Texts as DuckDB 1.5 and 2.0 write them, for what cannot be brought about quickly.
SAID: list[tuple[str, type[ProvisionError], str]] = [
    ('IO Error: Could not write file "/data/shop.duckdb": No space left on device', DatabaseError, "disk_full"),
    ("TransactionContext Error: Failed to commit: File too large", DatabaseError, "disk_full"),
    ('IO Error: Could not write file "/tmp/dbt.log": Disk quota exceeded', DatabaseError, "disk_full"),
    ('IO Error: Could not write file "/t/duckdb_temp_storage-0.tmp": No space left on device', DatabaseError,
     "spill_full"),
    ("Out of Memory Error: failed to offload data block of size 256.0 KiB (4.6 MiB/4.7 MiB used).\n"
     "This limit was set by the 'max_temp_directory_size' setting.", DatabaseError, "spill_full"),
    ("Out of Memory Error: failed to allocate data of size 64.0 KiB (28.5 MiB/28.6 MiB used)", DatabaseError,
     "out_of_memory"),
    ("Out of Memory Error: could not allocate block of size 256.0 KiB", DatabaseError, "out_of_memory"),
    ('Error: Failure while replaying WAL file "/data/shop.duckdb.wal": Out of Memory Error: could not allocate block',
     DatabaseError, "out_of_memory"),
    ("FATAL Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Reopen the database "
     "instance to recover. Failed to create checkpoint because of error: fsync failed!", DatabaseError, "disk_failed"),
    ('IO Error: Could not write file "/data/shop.duckdb": Input/output error', DatabaseError, "disk_failed"),
    ('IO Error: Could not read from file "/data/census.csv": Input/output error', DatabaseError, "database"),
    ('IO Error: Cannot open file "/etc/passwd": Too many open files', DatabaseError, "too_many_files"),
    ("FATAL Error: Failed: database has been invalidated because of a previous fatal error.", DatabaseError,
     "database_invalidated"),
    ('IO Error: Cannot open file "/data/shop.duckdb.wal": Permission denied', DatabaseError, "database_unreadable"),
    ('IO Error: Cannot open file "/data/census.csv": Permission denied', DatabaseError, "database"),
    ('IO Error: Could not read enough bytes from file "/data/census.parquet": attempted 4', DatabaseError, "database"),
    ('IO Error: Could not set lock on file "/data/shop.duckdb": Resource temporarily unavailable', BusyError,
     "database_locked"),
    ('Binder Error: Referenced column "nope" not found!\nCandidate bindings: a', DatabaseError, "database"),
    ("", DatabaseError, "database"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "code"), SAID)
def test_words_become_an_error_with_a_code(text: str, error: type[ProvisionError], code: str) -> None:
    found = translate(duckdb.Error(text), PATH)
    assert (type(found), found.code) == (error, code)
    assert "{" not in str(found)
    assert (str(PATH) in found.message and bool(found.cure)) == (code != "database")


@pytest.mark.parametrize(("text", "error", "code"), SAID)
def test_a_step_is_not_blamed_for_what_failed_around_it(text: str, error: type[ProvisionError], code: str) -> None:
    blamed = blame_surroundings(duckdb.Error(text), PATH)
    around = {"disk_full", "spill_full", "out_of_memory", "disk_failed", "too_many_files"}
    assert (blamed.code if blamed else "") == (code if code in around else "")


@pytest.mark.parametrize("sort", ["Conversion", "Invalid Input", "Binder"])
def test_a_value_that_only_cites_such_words_is_the_steps(sort: str) -> None:
    text = f"{sort} Error: Could not convert string 'No space left on device' to INT32"
    assert blame_surroundings(duckdb.Error(text), PATH) is None


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EMFILE, "too_many_files"),
        (errno.EIO, "disk_failed"),
        (errno.EROFS, "database_unreadable"),
        (errno.ENAMETOOLONG, "database_path"),
    ],
)
def test_the_systems_errors_have_the_same_codes(number: int, code: str) -> None:
    found = translate(OSError(number, "words", str(PATH)), PATH)
    assert found.code == code and str(PATH) in found.message and found.cure


def test_a_file_of_a_step_is_not_taken_for_the_database() -> None:
    found = translate(FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/sql/orders.sql"), PATH)
    assert isinstance(found, InputError) and found.cure
    assert found.message == "/data/sql/orders.sql cannot be used: No such file or directory."


def test_an_error_of_the_house_stays_itself() -> None:
    error = BusyError("held", code="database_locked")
    assert translate(error, PATH) is error


def test_duckdbs_words_are_kept_without_the_name_of_their_class() -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute("SELECT nope FROM range(3)")
    message = translate(caught.value, PATH).message
    assert message.startswith('DuckDB says: Referenced column "nope" not found')
    assert "LINE 1: SELECT nope" in message


def test_an_interrupted_query_is_a_stop() -> None:
    with duckdb.connect() as connection:
        clock = threading.Timer(0.1, connection.interrupt)
        clock.start()
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(
                "SELECT count(*) FROM range(1_000_000_000) a, range(1_000_000) b WHERE a.range % 7 = b.range"
            )
        clock.join()
    assert isinstance(translate(caught.value, PATH), StoppedError)
