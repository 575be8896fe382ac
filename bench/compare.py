"""Compares the tables that two programs made, row by row, audit columns aside. Exit code 1 when they differ.

Usage: compare.py NAME_A KIND_A FOLDER_A NAME_B KIND_B FOLDER_B   (kinds: lake, files)
"""
import pathlib
import sys

import duckdb

TABLES = ["silver", "sales_enriched", "daily_store_sales", "product_performance", "customer_segments", "store_performance"]
con = duckdb.connect()


def source(kind, folder, table):
    if kind == "lake":
        below = "silver/sales" if table == "silver" else f"gold/{table}"
        return f"{folder}/{below}/**/*.parquet"
    path = pathlib.Path(folder) / table
    return f"{path}/**/*.parquet" if path.is_dir() else f"{path}.parquet"


def text(kind, folder, table):
    """Rows as canonical text: columns sorted by name, numbers without trailing zeros."""
    scan = f"read_parquet('{source(kind, folder, table)}', hive_partitioning = true)"
    described = con.execute(f"describe select * from {scan}").fetchall()
    shown = []
    for name, type_, *_ in sorted(described):
        if name.startswith("_"):
            continue
        cell = f"{name}::decimal(38,4)" if type_.startswith(("DECIMAL", "DOUBLE", "INT", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT")) else name
        shown.append(f"{cell}::varchar as {name}")
    return f"select {', '.join(shown)} from {scan}"


name_a, kind_a, folder_a, name_b, kind_b, folder_b = sys.argv[1:]
wrong = False
for table in TABLES:
    a, b = text(kind_a, folder_a, table), text(kind_b, folder_b, table)
    rows = con.execute(f"select count(*) from ({a})").fetchone()[0]
    only_a = con.execute(f"select count(*) from (({a}) except all ({b}))").fetchone()[0]
    only_b = con.execute(f"select count(*) from (({b}) except all ({a}))").fetchone()[0]
    if only_a or only_b or rows == 0:
        wrong = True
        print(f"{table}: {only_a} rows only from {name_a}, {only_b} only from {name_b}, of {rows}")
        for row in con.execute(f"({a}) except all ({b}) limit 3").fetchall():
            print(f"  {name_a}: {row}")
        for row in con.execute(f"({b}) except all ({a}) limit 3").fetchall():
            print(f"  {name_b}: {row}")
sys.exit(1 if wrong else 0)
