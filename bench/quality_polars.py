"""The rules of the quality benchmark in Polars by hand: each on its own, or the least that must be done.

Usage: quality_polars.py FOLDER single|floor

`single` evaluates rule by rule, as a script without a plan would; prints each rule's number and outcome. `floor` reads
every column that a rule names once, in one streaming pass, and makes the groups that rules need: no engine can do less.
"""
import pathlib
import sys

import polars as pl

folder, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
rows = pl.scan_parquet(folder / "transactions.parquet")
products = pl.scan_parquet(folder / "products.parquet")
KEYS = [["transaction_id"], ["customer_id"], ["customer_id", "product_id", "ordered_on"], ["product_id"], ["store"], ["status"]]


def take(frame):
    return frame.collect(engine="streaming")


def value(expression):
    return take(rows.select(expression)).item()


def groups(columns):
    return rows.drop_nulls(columns[0] if len(columns) == 1 else None).group_by(columns).len()


def once(columns):
    kept = rows.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
    counted = take(kept.group_by(columns).len().select((pl.col("len") == 1).sum().alias("once"), pl.col("len").sum().alias("all"), pl.len().alias("groups")))
    return counted.row(0, named=True)


def share(predicate):
    return value(predicate.fill_null(False).mean())


def entropy(column):
    part = pl.col("len") / pl.col("len").sum()
    return take(rows.group_by(column).len().select(-(part * part.log()).sum())).item()


def known():
    missing = rows.join(products, on="product_id", how="anti").select(pl.len())
    return 1 - take(missing).item() / value(pl.len())


c = pl.col
RULES = [
    lambda: value(pl.len()) > 1000,
    lambda: len(rows.collect_schema()) == 11,
    lambda: "amount" in rows.collect_schema(),
    lambda: value(c("transaction_id").null_count()) == 0,
    lambda: value(c("customer_id").null_count()) == 0,
    lambda: value(c("amount").null_count()) == 0,
    lambda: share(c("email").is_not_null()) > 0.9,
    lambda: share(c("country").is_not_null()) > 0.95,
    lambda: (n := once(["transaction_id"]))["once"] == n["all"],
    lambda: (n := once(["customer_id"]))["once"] / n["all"] < 0.9,
    lambda: (n := once(["customer_id", "product_id", "ordered_on"]))["once"] / n["all"] > 0.9,
    lambda: (n := once(["product_id"]))["once"] / n["groups"] < 0.5,
    lambda: once(["store"])["groups"] == 50,
    lambda: once(["status"])["groups"] <= 5,
    lambda: entropy("status") > 0.5,
    lambda: share(c("quantity") > 0) == 1,
    lambda: share(c("quantity").is_between(0, 100, closed="none")) == 1,
    lambda: share(c("unit_price") >= 0) == 1,
    lambda: share(c("amount") > 0) == 1,
    lambda: share(c("status").is_in(["new", "paid", "shipped", "returned"])) == 1,
    lambda: share(c("store").str.contains("^S[0-9]{3}$")) == 1,
    lambda: share(c("email").str.contains("^[^@]+@[^@]+[.][a-z]+$")) == 1,
    lambda: share(c("ordered_on").is_between(pl.date(2025, 12, 31), pl.date(2027, 1, 1), closed="none")) == 1,
    lambda: share(c("product_id").str.len_chars() == 6) == 1,
    lambda: share(c("country").str.len_chars().fill_null(0) < 3) == 1,
    lambda: 1 < value(c("quantity").mean()) < 40,
    lambda: value(c("amount").sum()) > 0,
    lambda: value(c("quantity").std(ddof=0)) < 50,
    lambda: value(pl.corr("quantity", "amount")) > 0.1,
    lambda: known() >= 0.99,
]

if mode == "single":
    for number, rule in enumerate(RULES, 1):
        print(number, "passed" if rule() else "failed")
else:
    columns = [c(name).null_count().alias(f"{name} nulls") for name in rows.collect_schema()]
    reads = [c(name).max() for name in ["quantity", "unit_price", "amount", "ordered_on"]]
    texts = [c(name).str.len_chars().max() for name in ["status", "store", "email", "country", "product_id"]]
    take(rows.select(columns + reads + texts))
    for key in KEYS:
        once(key)
    known()
