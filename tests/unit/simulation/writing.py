"""Random transactions, and what a database must hold after them."""

from contextlib import suppress
from pathlib import Path
from random import Random

from node.simulation.disk.disk import ProcessDisk
from node.store.sqlite import Database, Schema

PATH = Path("/home/x.db")
SCRIPT = "CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
SCHEMAS = {
    "WAL": Schema(version=1, remedy="Keep it", script=SCRIPT),
    "TRUNCATE": Schema(version=1, remedy="Keep it", script=SCRIPT, exclusive=True),
}
Notes = dict[int, str]


class Failed(Exception):
    """A transaction's body gives up."""


class Writer:
    """Makes random transactions and knows what must be in the database: `sure`, or what is under way as well."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self.sure: Notes = {}
        self.under_way: Notes = {}

    def run(self, disk: ProcessDisk, transactions: int) -> None:
        """Open the database, see that what is sure is in it, and write more; close it now and then."""
        database = self.open(disk)
        for _ in range(transactions):
            with suppress(Failed):
                self.write(database)
        if self._random.random() < 0.5:
            database.close()

    def open(self, disk: ProcessDisk) -> Database:
        """The database, which is sound and holds all that is sure; what is in it is sure from then on."""
        database = Database(PATH, self._schema, disk=disk)
        found: Notes = dict(database.rows("SELECT number, text FROM note"))
        assert found in (self.sure, self.under_way)
        assert database.row("PRAGMA integrity_check") == ("ok",)
        self.sure = self.under_way = found
        return database

    def write(self, database: Database) -> None:
        """A transaction; one in five raises Failed half way."""
        random = self._random
        after = dict(self.sure)
        fails = random.random() < 0.2
        with database.transaction():
            for number in random.sample(range(60), random.randint(1, 8)):
                if number in after:
                    del after[number]
                    database.execute("DELETE FROM note WHERE number = ?", (number,))
                else:
                    after[number] = str(random.random()) * random.randint(1, 400)
                    database.execute("INSERT INTO note VALUES (?, ?)", (number, after[number]))
            if fails:
                raise Failed
            self.under_way = after
        self.sure = after
