"""The rules of the quality benchmark in Great Expectations, over pandas, its default engine.

Usage: quality_gx.py FOLDER

Prints one line per rule: its number in quality_rules.dqdl, and `passed` or `failed`. Correlation and entropy have no
expectation of their own and are left out.
"""
import pathlib
import re
import sys

import great_expectations as gx
import pandas as pd

folder = pathlib.Path(sys.argv[1])
frame = pd.read_parquet(folder / "transactions.parquet")
products = pd.read_parquet(folder / "products.parquet")["product_id"].tolist()
E = gx.expectations
EDGE = dict(strict_min=True, strict_max=True)
wanted = {
    1: E.ExpectTableRowCountToBeBetween(min_value=1001),
    2: E.ExpectTableColumnCountToEqual(value=11),
    3: E.ExpectColumnToExist(column="amount"),
    4: E.ExpectColumnValuesToNotBeNull(column="transaction_id"),
    5: E.ExpectColumnValuesToNotBeNull(column="customer_id"),
    6: E.ExpectColumnValuesToNotBeNull(column="amount"),
    7: E.ExpectColumnValuesToNotBeNull(column="email", mostly=0.9),
    8: E.ExpectColumnValuesToNotBeNull(column="country", mostly=0.95),
    9: E.ExpectColumnValuesToBeUnique(column="transaction_id"),
    10: E.ExpectColumnProportionOfUniqueValuesToBeBetween(column="customer_id", max_value=0.9),
    11: E.ExpectCompoundColumnsToBeUnique(column_list=["customer_id", "product_id", "ordered_on"], mostly=0.9),
    12: E.ExpectColumnProportionOfUniqueValuesToBeBetween(column="product_id", max_value=0.5),
    13: E.ExpectColumnUniqueValueCountToBeBetween(column="store", min_value=50, max_value=50),
    14: E.ExpectColumnUniqueValueCountToBeBetween(column="status", max_value=5),
    16: E.ExpectColumnValuesToBeBetween(column="quantity", min_value=0, strict_min=True),
    17: E.ExpectColumnValuesToBeBetween(column="quantity", min_value=0, max_value=100, **EDGE),
    18: E.ExpectColumnValuesToBeBetween(column="unit_price", min_value=0),
    19: E.ExpectColumnValuesToBeBetween(column="amount", min_value=0, strict_min=True),
    20: E.ExpectColumnValuesToBeInSet(column="status", value_set=["new", "paid", "shipped", "returned"]),
    21: E.ExpectColumnValuesToMatchRegex(column="store", regex="^S[0-9]{3}$"),
    22: E.ExpectColumnValuesToMatchRegex(column="email", regex="^[^@]+@[^@]+[.][a-z]+$"),
    23: E.ExpectColumnValuesToBeBetween(
        column="ordered_on", min_value=pd.Timestamp("2025-12-31").date(), max_value=pd.Timestamp("2027-01-01").date(), **EDGE),
    24: E.ExpectColumnValueLengthsToEqual(column="product_id", value=6),
    25: E.ExpectColumnValueLengthsToBeBetween(column="country", max_value=3, strict_max=True),
    26: E.ExpectColumnMeanToBeBetween(column="quantity", min_value=1, max_value=40, **EDGE),
    27: E.ExpectColumnSumToBeBetween(column="amount", min_value=0, strict_min=True),
    28: E.ExpectColumnStdevToBeBetween(column="quantity", max_value=50, strict_max=True),
    30: E.ExpectColumnValuesToBeInSet(column="product_id", value_set=products, mostly=0.99),
}
context = gx.get_context(mode="ephemeral")
batches = context.data_sources.add_pandas("memory").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
batch = batches.get_batch(batch_parameters={"dataframe": frame})
suite = gx.ExpectationSuite(name="rules", expectations=list(wanted.values()))
done = batch.validate(suite, result_format="BASIC")


def told(expectation):
    """The parts of an expectation that tell it from the others."""
    own = {name: value for name, value in expectation.items() if value not in (None, False) and name not in ("batch_id", "severity", "mostly")}
    return re.sub(r"\W", "", str(sorted((name, str(value)) for name, value in own.items())))


for number, expectation in wanted.items():
    config = expectation.configuration
    mine = [one for one in done.results if one.expectation_config.type == config.type and told(one.expectation_config.kwargs) == told(config.kwargs)]
    print(number, "passed" if mine and all(one.success for one in mine) else "failed")
