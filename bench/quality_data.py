"""Writes the rows that the quality benchmark judges: transactions.parquet (11 columns) and products.parquet.

Usage: quality_data.py FOLDER ROWS

Deterministic. A few rows break each kind of rule: twice-used ids, unknown products, wrong words, nulls.
"""
import pathlib
import sys

import numpy as np
import polars as pl

folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
draw = np.random.default_rng(42)
at = pl.int_range(rows, eager=True)


def every(step, wrong, right):
    """`wrong` in each row whose number is a multiple of `step`, else `right`."""
    return pl.when(pl.col("at") % step == 0).then(wrong).otherwise(right)


quantity = pl.Series(draw.integers(1, 40, rows, dtype=np.int32))
price = pl.Series(draw.integers(50, 50_000, rows, dtype=np.int64))
frame = pl.DataFrame({
    "at": at,
    "customer": pl.Series(draw.integers(1, 400_000, rows, dtype=np.int64)),
    "product": pl.Series(draw.integers(1, 10_000, rows, dtype=np.int64)),
    "shop": pl.Series(draw.integers(1, 51, rows, dtype=np.int64)),
    "state": pl.Series(draw.integers(0, 4, rows, dtype=np.int64)),
    "land": pl.Series(draw.integers(0, 6, rows, dtype=np.int64)),
    "day": pl.Series(draw.integers(0, 300, rows, dtype=np.int64)),
    "quantity": quantity,
    "price": price,
})
states = pl.Series(["new", "paid", "shipped", "returned"])
lands = pl.Series(["DE", "FR", "IT", "NL", "PL", "SE"])
text = pl.col("at").cast(pl.String).str.zfill(10)
table = frame.select(
    transaction_id=every(100_003, pl.lit("T0000000001"), pl.lit("T") + text),
    customer_id=pl.col("customer"),
    product_id=every(50_021, pl.lit("P99999"), pl.lit("P") + pl.col("product").cast(pl.String).str.zfill(5)),
    store=pl.lit("S") + pl.col("shop").cast(pl.String).str.zfill(3),
    quantity=every(70_001, pl.lit(0, dtype=pl.Int32), pl.col("quantity")),
    unit_price=pl.col("price").cast(pl.Float64) / 100,
    amount=pl.col("price").cast(pl.Float64) * pl.col("quantity") / 100,
    status=every(90_001, pl.lit("lost"), pl.Series("states", states).gather(frame["state"])),
    country=every(97, pl.lit(None, dtype=pl.String), pl.Series("lands", lands).gather(frame["land"])),
    email=every(31, pl.lit(None, dtype=pl.String), every(80_021, pl.lit("nobody"), pl.lit("c") + pl.col("customer").cast(pl.String) + pl.lit("@example.com"))),
    ordered_on=pl.date(2026, 1, 1) + pl.duration(days=pl.col("day")),
)
table.write_parquet(folder / "transactions.parquet", row_group_size=122_880, compression="snappy")
products = pl.int_range(1, 10_000, eager=True).cast(pl.String).str.zfill(5)
pl.DataFrame({"product_id": "P" + products}).write_parquet(folder / "products.parquet")
