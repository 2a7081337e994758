"""Plays Athena: the SQL of ../../sql on DuckDB.

Translated by sqlglot; what Athena does before SQL is done here, by what the tables themselves say:
partition projection finds objects by `storage.location.template`, and the SerDe makes rows of them
by its mappings.

Reads one JSON object a line: {"sql": ...}; writes one: {"rows": [...]} or {"error": ...}.
"""

import csv
import gzip
import io
import json
import re
import sys
import tempfile
from pathlib import Path

import duckdb
import sqlglot

BUCKET = "s3://archive/"
STORE = "s3://store/"
VIEWS = ["snapshots", "evaluations", "resources", "recorded", "report_findings"]


class Table:
    """A table's DDL, as far as Athena goes by it."""

    def __init__(self, text, placeholders):
        for name, value in placeholders.items():
            text = re.sub(r"(?<!\$)\$\{" + name + r"\}", value, text)
        text = re.sub(r"--.*", "", text).replace("$${", "${")
        self.name = re.search(r"EXISTS (\w+)", text)[1]
        self.properties = dict(re.findall(r"'([^']+)'\s*=\s*'([^']*)'", text))
        columns = text[text.index("(") + 1 : text.index("PARTITIONED BY")]
        self.columns = [name for name, _ in re.findall(r"^  (\w+) (\w+)", columns, re.M)]
        self.fields = re.findall(r"^    (\w+):(\w+)", columns, re.M)
        partitions = re.search(r"PARTITIONED BY \((.*)\)", text)[1]
        self.partitions = [tuple(part.split()) for part in partitions.split(", ")]

    def partition_of(self, path):
        """The values of an object's partition, if projection finds it."""
        pattern = re.escape(self.properties["storage.location.template"])
        for name, _ in self.partitions:
            pattern = pattern.replace(re.escape("${" + name + "}"), f"(?P<{name}>{self.values(name)})")
        found = re.fullmatch(pattern + "[^/]+", path)
        return found and found.groupdict()

    def values(self, name):
        kind = self.properties[f"projection.{name}.type"]
        if kind == "enum":
            values = self.properties[f"projection.{name}.values"].split(",")
            return "|".join(re.escape(value) for value in values)
        if kind == "integer":
            first, last = self.properties[f"projection.{name}.range"].split(",")
            return "|".join(str(value) for value in range(int(first), int(last) + 1))
        assert self.properties[f"projection.{name}.format"] == "yyyy-MM", name
        return r"\d{4}-\d{2}"

    def key_of(self, name):
        """The key of a column or a field in the files."""
        return self.properties.get(f"mapping.{name}", name)

    def row(self, data):
        """The columns of a file, as the JSON SerDe has them."""
        try:
            document = json.loads(data)
            assert isinstance(document, dict)
        except (ValueError, AssertionError):
            assert self.properties["ignore.malformed.json"] == "true"
            return dict.fromkeys(self.columns)
        row = {name: document.get(self.key_of(name)) for name in self.columns}
        items = row["configurationitems"]
        row["configurationitems"] = items and [
            {name: self.text(item.get(self.key_of(name))) for name, _ in self.fields} for item in items
        ] or items
        return row

    @staticmethod
    def text(value):
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value)

    def types(self):
        fields = ", ".join(f"{name} VARCHAR" for name, _ in self.fields)
        columns = {name: "VARCHAR" for name in self.columns}
        if fields:
            columns["configurationitems"] = f"STRUCT({fields})[]"
        kinds = {"string": "VARCHAR", "int": "INTEGER"}
        columns |= {name: kinds[kind] for name, kind in self.partitions}
        return columns | {"$path": "VARCHAR"}


def objects(folder, bucket):
    for file in sorted(Path(folder).rglob("*.gz")):
        yield bucket + file.relative_to(folder).as_posix(), file


def rows_of(table, path, file):
    """The rows of an object; none if it is not one of the table's."""
    partition = table.partition_of(path)
    if not partition:
        return
    data = gzip.decompress(file.read_bytes())
    if "JsonSerDe" in table.serde:
        rows = [table.row(data)]
    else:
        skipped = int(table.properties["skip.header.line.count"])
        lines = list(csv.reader(io.StringIO(data.decode())))[skipped:]
        rows = [dict(zip(table.columns, line)) for line in lines]
    for row in rows:
        yield row | partition | {"$path": path}


def load(database, table, places):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        for folder, bucket in places:
            for path, found in objects(folder, bucket):
                for row in rows_of(table, path, found):
                    file.write(json.dumps(row) + "\n")
        file.flush()
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in table.types().items())
        database.execute(
            f"CREATE TABLE {table.name} AS SELECT * FROM read_json('{file.name}', "
            f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = 268435456)"
        )


def translated(sql):
    [statement] = sqlglot.transpile(sql, read="athena", write="duckdb")
    return statement


def text_of(value):
    """A value as Athena's results have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def answer(database, sql):
    cursor = database.execute(translated(sql))
    columns = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    return [
        {name: text_of(value) for name, value in zip(columns, row) if value is not None} for row in rows
    ]


def main():
    sql, archive, store, placeholders = sys.argv[1:]
    database = duckdb.connect()
    for name in ["config_snapshots", "config_history", "findings"]:
        text = (Path(sql) / "tables" / f"{name}.sql").read_text()
        table = Table(text, json.loads(placeholders))
        table.serde = re.search(r"SERDE '([^']+)'", text)[1]
        load(database, table, [(archive, BUCKET), (store, STORE)])
    for name in VIEWS:
        database.execute(translated((Path(sql) / "views" / f"{name}.sql").read_text()))
    for line in sys.stdin:
        try:
            reply = {"rows": answer(database, json.loads(line)["sql"])}
        except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
