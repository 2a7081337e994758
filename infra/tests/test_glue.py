"""Tables and views of Glue against the statements of report-compliance.

The module log-archive reads tables out of the statements, and lists the columns of the views. Here both are read by
another parser, and compared with what would be made.
"""

import base64
import json
import re
import unittest

import terraform
from tree import SOURCE, SOURCES, shared

SQL = SOURCES / "functions" / "report-compliance" / "sql"
EXAMPLE = "modules/log-archive/examples/basic"

HIVE = {"varchar": "string", "integer": "int", "boolean": "boolean", "timestamp(3)": "timestamp"}


def without_comments(text):
    return re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)


def pieces(text, separator=","):
    """What a separator outside of brackets and quotes divides."""
    found, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == "'"
        if not quoted:
            depth += (sign in "(<") - (sign in ")>")
        if sign == separator and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += sign
    return [" ".join(piece.split()) for piece in found if piece.strip()]


def in_brackets(text, after):
    """What stands in the brackets that come after some words, or None."""
    start = text.find(after)
    if start < 0:
        return None
    rest = text[text.index("(", start + len(after)) :]
    depth, quoted = 0, False
    for place, sign in enumerate(rest):
        quoted ^= sign == "'"
        if not quoted:
            depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return rest[1:place]


def named(columns):
    """Names and types of columns, as in a statement."""
    return [(one.split(" ", 1)[0], one.split(" ", 1)[1].replace(" ", "")) for one in pieces(columns)]


def properties(text):
    return dict(re.findall(r"'([^']*)'\s*=\s*'([^']*)'", text or ""))


def value(text, after):
    return re.search(re.escape(after) + r"\s+'([^']*)'", text)[1]


def declared(text, placeholders):
    """What a statement of tables/ declares."""
    text = without_comments(text)
    for name, given in placeholders.items():
        text = re.sub(r"(?<!\$)\$\{" + name + r"\}", given, text)
    text = text.replace("$${", "${")
    return {
        "columns": named(in_brackets(text, "CREATE EXTERNAL TABLE")),
        "partitions": named(in_brackets(text, "PARTITIONED BY")),
        "location": value(text, "LOCATION"),
        "input": value(text, "INPUTFORMAT"),
        "output": value(text, "OUTPUTFORMAT"),
        "serde": value(text, "SERDE"),
        "serde_properties": properties(in_brackets(text, "SERDEPROPERTIES")),
        "properties": properties(in_brackets(text, "TBLPROPERTIES")),
    }


def made(table):
    """What a planned table of Glue has, in the same words."""
    (storage,) = table["storage_descriptor"]
    (serde,) = storage["ser_de_info"]
    columns = lambda found: [(column["name"], column["type"]) for column in found]
    return {
        "columns": columns(storage["columns"]),
        "partitions": columns(table["partition_keys"]),
        "location": storage["location"],
        "input": storage["input_format"],
        "output": storage["output_format"],
        "serde": serde["serialization_library"],
        "serde_properties": serde["parameters"] or {},
        "properties": {name: one for name, one in table["parameters"].items() if name != "EXTERNAL"},
    }


def body(text):
    return re.search(r"CREATE OR REPLACE VIEW \w+ AS\n(.*)", text, re.DOTALL)[1].strip()


def selected(text):
    """The expressions that a view's outermost SELECTs select, with their names."""
    # What is in brackets may have another SELECT.
    text, flat, depth, quoted = without_comments(text), "", 0, False
    for sign in text:
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        flat += "~" if depth and sign not in "()" or sign == "," and depth else sign
    lists = []
    for found in re.finditer(r"\bSELECT\b(.*?)\bFROM\b", flat, re.DOTALL):
        lists.append(pieces(text[found.start(1) : found.end(1)]))
    return [[(one.rsplit(" AS ", 1)[0], re.split(r" AS |\.", one)[-1].split()[-1]) for one in each] for each in lists]


def type_of(expression, name):
    """The type of a view's column, by the few forms that the views have."""
    if name in ("year", "month", "day") and expression == name:
        return "integer"
    if expression == "configurationitems":
        return None
    if re.search(r"IS (NOT )?NULL$", expression):
        return "boolean"
    if expression.startswith("TRY(date_parse("):
        return "timestamp(3)"
    if cast := re.match(r"(?:TRY_)?CAST\(.* AS (\w+)\)$", expression):
        return cast[1]
    if re.match(r"(?:COALESCE|NULLIF|regexp_replace|regexp_extract)\(", expression) or re.match(r'^"?[$\w]+"?(\.\w+)?$', expression):
        return "varchar"
    raise AssertionError(f"this test does not know the type of {expression}")


def problems(view, text):
    """Where a planned view is not what its statement says."""
    said = re.fullmatch(r"/\* Presto View: (\S+) \*/", view["view_original_text"])
    presto = json.loads(base64.b64decode(said[1]))
    found = []
    if presto["originalSql"] != body(text):
        found.append("another statement")
    if (presto["catalog"], presto["schema"]) != ("awsdatacatalog", view["database_name"]):
        found.append("another database")
    columns = [(column["name"], column["type"]) for column in presto["columns"]]
    for each in selected(text):
        types = [(name, type_of(expression, name)) for expression, name in each]
        # The month of a finding is the text of its partition, no number.
        types = [(name, "varchar" if view["name"] == "report_findings" and name == "month" else kind) for name, kind in types]
        if [name for name, _ in types] != [name for name, _ in columns]:
            found.append(f"columns {columns} for {types}")
            continue
        found += [f"{name} is {has}, not {kind}" for (name, kind), (_, has) in zip(types, columns) if kind not in (has, None)]
    (storage,) = view["storage_descriptor"]
    hive = [(column["name"], column["type"]) for column in storage["columns"]]
    if [name for name, _ in hive] != [name for name, _ in columns]:
        found.append("Hive's columns are others than Presto's")
    found += [f"{name} is {kind} in Hive" for (name, kind), (_, presto) in zip(hive, columns) if HIVE.get(presto, hive_of(presto)) != kind]
    return found


def hive_of(presto):
    """Hive's name of an array of rows."""
    fields = re.fullmatch(r"array\(row\((.*)\)\)", presto)
    if not fields:
        return None
    return "array<struct<" + ",".join(f"{name}:{HIVE[kind]}" for name, kind in map(str.split, fields[1].split(", "))) + ">>"


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Glue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        plan = terraform.plan(shared().infra / EXAMPLE)
        planned = [
            resource["values"]
            for resource in terraform.resources(plan["planned_values"]["root_module"])
            if resource["type"] == "aws_glue_catalog_table"
        ]
        cls.tables = {one["name"]: one for one in planned if one["table_type"] == "EXTERNAL_TABLE"}
        cls.views = {one["name"]: one for one in planned if one["table_type"] == "VIRTUAL_VIEW"}
        report = shared().values()["report"]
        text = (SOURCE.infra / EXAMPLE / "main.tf").read_text()
        accounts = re.findall(r'"(\d{12})"', re.search(r"accounts\s*= (\[.*\])", text)[1])
        cls.placeholders = {
            "archive": "s3://{bucket}/{prefix}".format(**report["archive"]),
            "store": "s3://{bucket}/{prefix}".format(**report["store"]),
            "roots": "AWSLogs",
            "accounts": ",".join(accounts),
            "regions": ",".join(report["regions"]),
        }

    def test_each_table_is_what_its_statement_declares(self):
        files = {path.stem: path for path in (SQL / "tables").glob("*.sql")}
        self.assertEqual(set(self.tables), set(files))
        for name, path in files.items():
            with self.subTest(name):
                self.assertEqual(made(self.tables[name]), declared(path.read_text(), self.placeholders))
                self.assertEqual(self.tables[name]["parameters"]["EXTERNAL"], "TRUE")

    def test_no_placeholder_is_left_but_athenas_own(self):
        for name, table in self.tables.items():
            own = {f"${{{column['name']}}}" for column in table["partition_keys"]}
            self.assertEqual(set(re.findall(r"\$\{\w+\}", json.dumps(table))), own, name)

    def test_each_view_has_its_statement_and_the_columns_of_its_select(self):
        files = {path.stem: path for path in (SQL / "views").glob("*.sql")}
        self.assertEqual(set(self.views), set(files))
        for name, path in files.items():
            with self.subTest(name):
                self.assertEqual(problems(self.views[name], path.read_text()), [])
                self.assertEqual(self.views[name]["parameters"], {"presto_view": "true", "comment": "Presto View"})

    def test_no_view_has_a_type_that_glue_does_not_know(self):
        """Athena refuses a view with a timestamp with time zone."""
        for name, view in self.views.items():
            for column in view["storage_descriptor"][0]["columns"]:
                self.assertRegex(column["type"], r"^(string|int|boolean|timestamp|array<struct<[a-z_:,]+>>)$", f"{name}.{column['name']}")

    def test_the_comparison_finds_what_differs(self):
        table = (SQL / "tables" / "config_history.sql").read_text()
        for change in [
            ("fileversion string", "fileversion int"),
            ("    arn:string,\n", ""),
            ("day int)", "day string)"),
            ("'2014,2099'", "'2015,2099'"),
            ("'mapping.arn' = 'ARN'", "'mapping.arn' = 'arn'"),
            ("JsonSerDe", "CsvSerDe"),
            ("/ConfigHistory/", "/ConfigSnapshot/"),
        ]:
            with self.subTest(change):
                self.assertIn(change[0], table)
                self.assertNotEqual(made(self.tables["config_history"]), declared(table.replace(*change), self.placeholders))
        for name, change in [
            ("report_findings", ("  region,\n", "")),
            ("report_findings", ("AS since,", "AS began,")),
            ("report_findings", ("TRY_CAST(age_days AS integer)", "age_days")),
            ("snapshots", ("configurationitems AS items", "fileversion AS items, configurationitems AS more")),
            ("recorded", ("UNION ALL\nSELECT\n  account,\n", "UNION ALL\nSELECT\n")),
            ("evaluations", ("AS verdict", "AS compliance")),
        ]:
            with self.subTest(f"{name}: {change}"):
                text = (SQL / "views" / f"{name}.sql").read_text()
                self.assertIn(change[0], text)
                self.assertGreater(len(problems(self.views[name], text.replace(*change))), 1)
