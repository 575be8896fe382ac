"""Bronze to gold of the sales lakehouse with pandas: same rows, same rules, Parquet out.

Money is kept in integer cents, so that no amount passes a float.
Usage: pandas_run.py BRONZE_FOLDER OUT_FOLDER
"""
import decimal
import json
import pathlib
import re
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

bronze, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LIMITS = {"transaction_id": 100, "store_id": 50, "store_name": 100, "city": 100, "product_id": 50, "product_name": 200,
          "category": 100, "customer_id": 50, "customer_name": 200, "payment_method": 50}
COLUMNS = [*LIMITS, "quantity_sold", "unit_price", "total_amount", "date"]
REQUIRED = ["transaction_id", "date", "store_id", "product_id", "customer_id", "quantity_sold", "unit_price"]


def no_duplicates(pairs):
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key appears twice")
    return record


def read():
    """Records of all files as text; what is no JSON object is refused."""
    rows = []
    for file in sorted(bronze.rglob("*.jsonl")):
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line.decode("utf-8"), parse_float=str, parse_int=str, object_pairs_hook=no_duplicates)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    rows.append([record.get(name) for name in COLUMNS] + [str(file.relative_to(bronze)), number])
    return pd.DataFrame(rows, columns=[*COLUMNS, "_source_file", "_source_line"], dtype=object)


def exact(series, scale, digits):
    """Integers of the smallest unit, and which texts are no such number."""
    def one(text):
        if text is None:
            return None
        try:
            number = decimal.Decimal(text).scaleb(scale)
        except decimal.InvalidOperation:
            return -1
        whole = int(number) if number == number.to_integral_value() else None
        return -1 if whole is None or abs(whole) >= 10**digits or whole < 0 else whole
    values = series.map(one)
    return values, values.eq(-1)


def silver():
    raw = read()
    for name in COLUMNS:
        text = raw[name].astype("string").str.strip()
        raw[name] = text.mask(text == "")
    raw["payment_method"] = raw["payment_method"].str.lower().str.replace(r"\s+", "_", regex=True)
    bad = pd.Series(False, index=raw.index)
    first = pd.to_datetime(raw["date"], format="%Y-%m-%d", errors="coerce")
    second = pd.to_datetime(raw["date"], format="%d/%m/%Y", errors="coerce")
    date = first.fillna(second)
    bad |= date.isna()
    for name, scale, digits in [("quantity_sold", 0, 10), ("unit_price", 2, 10), ("total_amount", 2, 15)]:
        raw[name], wrong = exact(raw[name].astype(object).where(raw[name].notna(), None), scale, digits)
        bad |= wrong
    for name in REQUIRED:
        bad |= raw[name].isna()
    for name, limit in LIMITS.items():
        bad |= raw[name].str.len().gt(limit).fillna(False)
    bad |= raw["quantity_sold"].le(0).fillna(True) | raw["unit_price"].le(0).fillna(True)
    raw["date"] = date.dt.date
    raw = raw[~bad].copy()
    for name in ["quantity_sold", "unit_price"]:
        raw[name] = raw[name].astype("int64")
    product = raw["quantity_sold"] * raw["unit_price"]
    total = raw["total_amount"].astype("Int64").fillna(product).astype("int64")
    raw["total_amount"] = total
    raw = raw[(total - product).abs() <= 1]
    raw = raw.sort_values(["_source_file", "_source_line"]).drop_duplicates(["date", "transaction_id"], keep="last")
    return raw


def money(values, precision):
    kind = pa.decimal128(precision, 2)
    return pa.array([None if v is None else decimal.Decimal(int(v)).scaleb(-2) for v in values], kind)


def write(frame, name, cents, partition=None):
    arrays = {c: money(frame[c], p) if (p := cents.get(c)) else pa.array(frame[c], from_pandas=True) for c in frame.columns}
    table = pa.table(arrays)
    if partition:
        pq.write_to_dataset(table, out / name, partition_cols=[partition], compression="snappy")
    else:
        pq.write_table(table, out / f"{name}.parquet", compression="snappy")


def half_up(amount, count):
    return (2 * amount + count) // (2 * count)


out.mkdir(parents=True, exist_ok=True)
rows = silver()
write(rows, "silver", {"unit_price": 10, "total_amount": 15}, "date")
when = pd.to_datetime(rows["date"])
rows["year"], rows["month"], rows["day_of_week"] = when.dt.year, when.dt.month, when.dt.day_of_week + 1
enriched = rows[[*LIMITS, "quantity_sold", "unit_price", "total_amount", "date", "year", "month", "day_of_week"]]
write(enriched, "sales_enriched", {"unit_price": 10, "total_amount": 15}, "date")
figures = {"transactions": ("transaction_id", "size"), "units": ("quantity_sold", "sum"), "revenue": ("total_amount", "sum")}


def names(*columns):
    return {column: (column, "max") for column in columns}


daily = rows.groupby(["date", "store_id"], as_index=False).agg(**names("store_name", "city"), **figures)
daily["average_basket"] = half_up(daily["revenue"], daily["transactions"])
write(daily, "daily_store_sales", {"revenue": 38, "average_basket": 38}, "date")
product = rows.groupby("product_id", as_index=False).agg(**names("product_name", "category"), **figures)
product["category_rank"] = product.groupby("category", dropna=False)["revenue"].rank("min", ascending=False).astype("int64")
write(product, "product_performance", {"revenue": 38})
customer = rows.groupby("customer_id", as_index=False).agg(
    **names("customer_name"), first_purchase=("date", "min"), last_purchase=("date", "max"),
    transactions=("transaction_id", "size"), total_spent=("total_amount", "sum"))
customer["average_order"] = half_up(customer["total_spent"], customer["transactions"])
rich, often = customer["total_spent"] >= 1_000_000, customer["transactions"] >= 5
customer["segment"] = "regular"
for test, name in [(customer["transactions"] == 1, "new"), (rich, "high_value"), (often, "loyal"), (rich & often, "vip")]:
    customer.loc[test, "segment"] = name
write(customer, "customer_segments", {"total_spent": 38, "average_order": 38})
store = rows.groupby(["store_id", "year", "month"], as_index=False).agg(
    **names("store_name", "city"), **figures, customers=("customer_id", "nunique"))
write(store, "store_performance", {"revenue": 38})
