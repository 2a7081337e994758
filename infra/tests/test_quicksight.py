"""The dashboard of QuickSight against the API's model, its data set and the view below it.

cfn-lint knows a template's properties, but not the depths of a dashboard's definition: a misspelt
field or an unknown value passes there, and fails when the stack is made. The model of botocore is
the API's own, with enums, patterns and limits.
"""

import json
import re
import unittest
from copy import deepcopy
from pathlib import Path

import botocore.session

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "infra/modules/report-compliance"
VIEW = ROOT / "functions/report-compliance/sql/views/report_findings.sql"

# What the stack's parameters and pseudo parameters stand for. All of them: an unknown one fails.
VALUES = {
    "AWS::AccountId": "111122223333",
    "DashboardId": "banto-compliance",
    "DataSetArn": "arn:aws:quicksight:ap-northeast-1:111122223333:dataset/banto-findings",
    "Principal": "arn:aws:quicksight:ap-northeast-1:111122223333:group/default/auditors",
}

# TemplateBody's limit in bytes. (CloudFormation user guide, "Understand CloudFormation quotas".)
TEMPLATE_BODY = 51_200

PYTHON_TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
}


def resolved(value):
    """A template's value with its references replaced by what they stand for."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return VALUES[value["Ref"]]
        return {key: resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item) for item in value]
    return value


def problems(value, shape, at=""):
    """What of a value the API's model refuses, each with its place."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            yield f"{at}: not a structure"
            return
        for key in value.keys() - shape.members.keys():
            yield f"{at}.{key}: unknown"
        for key in set(shape.required_members) - value.keys():
            yield f"{at}.{key}: missing"
        for key in value.keys() & shape.members.keys():
            yield from problems(value[key], shape.members[key], f"{at}.{key}")
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{at}: not a list"
            return
        yield from out_of_range(len(value), shape, at)
        for index, item in enumerate(value):
            yield from problems(item, shape.member, f"{at}[{index}]")
    else:
        yield from scalar_problems(value, shape, at)


def scalar_problems(value, shape, at):
    if not isinstance(value, PYTHON_TYPES[shape.type_name]):
        yield f"{at}: {value!r} is no {shape.type_name}"
        return
    is_text = shape.type_name == "string"
    yield from out_of_range(len(value) if is_text else value, shape, at)
    if is_text:
        if shape.enum and value not in shape.enum:
            yield f"{at}: {value!r} is none of {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{at}: {value!r} does not match {pattern}"


def out_of_range(size, shape, at):
    if size < shape.metadata.get("min", size) or size > shape.metadata.get("max", size):
        yield f"{at}: {size} is out of range"


def named(value, key):
    """All values under this key, however deep."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from named(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from named(item, key)


def selected(sql):
    """The names of a statement's outermost select list, in order."""
    text = re.sub(r"--[^\n]*", "", sql)
    body = re.search(r"\bSELECT\b(.*)\bFROM\b\s+\w+\s*$", text, re.DOTALL).group(1)
    parts, depth = [""], 0
    for sign in body:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.split()[-1] for part in parts]


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = json.loads((MODULE / "quicksight-dashboard.json").read_text())
        resource = cls.template["Resources"]["Dashboard"]
        cls.properties = resolved(resource["Properties"])
        cls.definition = cls.properties["Definition"]
        cls.columns = json.loads((MODULE / "quicksight-columns.json").read_text())
        cls.sql = (MODULE / "quicksight-findings.sql").read_text()
        model = botocore.session.get_session().get_service_model("quicksight")
        cls.create = model.operation_model("CreateDashboard").input_shape
        cls.types = model.shape_for("InputColumnDataType").enum

    def test_the_dashboard_is_one_that_the_api_takes(self):
        self.assertEqual(list(problems(self.properties, self.create)), [])

    def test_the_check_finds_what_the_api_would_refuse(self):
        def kpi(properties):
            return properties["Definition"]["Sheets"][0]["Visuals"][0]["KPIVisual"]

        faults = {
            "an unknown field": lambda p: kpi(p).update(Titel={}),
            "a missing one": lambda p: kpi(p).pop("VisualId"),
            "an unknown value": lambda p: p["ValidationStrategy"].update(Mode="NONE"),
            "a wrong type": lambda p: kpi(p).update(Title="New"),
            "a pattern": lambda p: kpi(p).update(VisualId="new findings"),
            "a limit": lambda p: p.update(Name=""),
        }
        known = set(problems(self.properties, self.create))
        for name, make in faults.items():
            with self.subTest(name):
                broken = deepcopy(self.properties)
                make(broken)
                self.assertEqual(len(set(problems(broken, self.create)) - known), 1)

    def test_every_parameter_is_used(self):
        self.assertEqual(
            set(named(self.template["Resources"], "Ref")) - {"AWS::AccountId"},
            set(self.template["Parameters"]),
        )

    def test_the_template_fits_into_a_request(self):
        body = json.dumps(self.template, separators=(",", ":"))
        self.assertLess(len(body.encode()), TEMPLATE_BODY)

    def test_visuals_and_filters_name_columns_of_the_data_set(self):
        names = set(named(self.definition, "ColumnName"))
        self.assertLessEqual(names, set(self.columns))
        (declared,) = self.definition["DataSetIdentifierDeclarations"]
        self.assertEqual(
            set(named(self.definition, "DataSetIdentifier")), {declared["Identifier"]}
        )

    def test_numbers_are_summed_and_dates_are_dates(self):
        for field in named(self.definition, "NumericalMeasureField"):
            self.assertEqual(self.columns[field["Column"]["ColumnName"]], "INTEGER")
        for field in named(self.definition, "DateDimensionField"):
            self.assertEqual(self.columns[field["Column"]["ColumnName"]], "DATETIME")

    def test_the_data_set_has_the_columns_of_its_statement(self):
        self.assertEqual(list(self.columns), selected(self.sql))
        self.assertLessEqual(set(self.columns.values()), set(self.types))

    def test_the_statement_reads_columns_of_the_view_alone(self):
        view = set(selected(VIEW.read_text()))
        self.assertIn("FROM report_findings\n", self.sql)
        text = re.sub(r"--[^\n]*|'[^']*'|\bAS \w+", "", self.sql)
        names = set(re.findall(r"\b[a-z_]+\b(?!\()", text)) - {"report_findings"}
        self.assertLessEqual(names, view)

    def test_every_column_of_the_view_is_in_the_data_set_but_for_what_the_dashboard_has_no_use_for(self):
        view = set(selected(VIEW.read_text()))
        # The month is there as a date. When a verdict was seen is for who looks into one finding.
        self.assertEqual(view - set(self.columns), {"month", "seen_at"})

    def test_each_visual_and_control_has_its_place(self):
        for sheet in self.definition["Sheets"]:
            with self.subTest(sheet["SheetId"]):
                visuals = sorted(named(sheet["Visuals"], "VisualId"))
                self.assertEqual(sorted(named(sheet["Layouts"], "ElementId")), visuals)
                controls = sorted(named(sheet.get("FilterControls", []), "FilterControlId"))
                placed = sheet.get("SheetControlLayouts", [])
                self.assertEqual(sorted(named(placed, "ElementId")), controls)

    def test_no_visual_lies_on_another(self):
        for sheet in self.definition["Sheets"]:
            taken = set()
            (elements,) = named(sheet["Layouts"], "Elements")
            for element in elements:
                columns = range(
                    element["ColumnIndex"], element["ColumnIndex"] + element["ColumnSpan"]
                )
                rows = range(element["RowIndex"], element["RowIndex"] + element["RowSpan"])
                cells = {(column, row) for column in columns for row in rows}
                self.assertLessEqual(max(columns), 35, element["ElementId"])
                self.assertFalse(taken & cells, element["ElementId"])
                taken |= cells

    def test_filters_and_sorts_lead_somewhere(self):
        sheets = {
            sheet["SheetId"]: set(named(sheet["Visuals"], "VisualId"))
            for sheet in self.definition["Sheets"]
        }
        groups = self.definition["FilterGroups"]
        for scope in named(groups, "SheetVisualScopingConfigurations"):
            for part in scope:
                self.assertLessEqual(set(part.get("VisualIds", [])), sheets[part["SheetId"]])
        filters = list(named(groups, "FilterId"))
        self.assertEqual(len(filters), len(set(filters)))
        self.assertLessEqual(set(named(self.definition["Sheets"], "SourceFilterId")), set(filters))
        for sheet in self.definition["Sheets"]:
            for visual in sheet["Visuals"]:
                wells = set(named(list(named(visual, "FieldWells")), "FieldId"))
                self.assertLessEqual(set(named(visual, "FieldId")), wells)

    def test_whoever_looks_at_it_may_not_change_it(self):
        (permission,) = self.properties["Permissions"]
        for action in permission["Actions"]:
            self.assertRegex(action, r"^quicksight:(Describe|List|Query)")


if __name__ == "__main__":
    unittest.main()
