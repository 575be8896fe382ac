"""Bronze to gold of the sales lakehouse with DuckDB: same rows, same rules, Parquet out, two threads.

Usage: duckdb_run.py BRONZE_FOLDER OUT_FOLDER
"""
import pathlib
import re
import sys

import duckdb

bronze, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
limits = {"transaction_id": 100, "store_id": 50, "store_name": 100, "city": 100, "product_id": 50, "product_name": 200,
          "category": 100, "customer_id": 50, "customer_name": 200, "payment_method": 50}
exact = {"quantity_sold": (10, 0), "unit_price": (10, 2), "total_amount": (15, 2)}

con = duckdb.connect()
con.execute("set threads = 2")
con.execute("set preserve_insertion_order = true")
if len(sys.argv) > 3:
    con.execute(f"set memory_limit = '{sys.argv[3]}'")


def clean(name):
    # Fields of white space alone hold spaces or one tab in this data; a full trim would cost a second.
    text = f"nullif(nullif(trim(r.{name}), ''), '\t')"
    if name == "payment_method":
        text = f"replace(lower({text}), ' ', '_')"
    return f"{text} as {name}"


def number(name):
    """A decimal whose dropped digits are zeros; anything else is null and therefore refused."""
    precision, scale = exact[name]
    wide = f"try_cast({name} as decimal(18,4))"
    return f"case when round({wide}, {scale}) = {wide} then try_cast({wide} as decimal({precision},{scale})) end as {name}_n"


columns = list(limits) + list(exact) + ["date"]
schema = ", ".join(f"{name}: 'VARCHAR'" for name in columns)
con.execute(f"""
create temp table raw as select *
from read_json('{bronze}/**/*.jsonl', format = 'newline_delimited', columns = {{{schema}}}, ignore_errors = true,
  filename = true, hive_partitioning = false)
""")
# Files are read in the order of their paths and lines, so the row's own number stands for both.
con.execute(f"""
create temp view clean as
select {', '.join(clean(name) for name in columns)}, r.filename as _source_file, r.rowid as _source_line from raw r
""")
con.execute(f"""
create temp table typed as
select *, coalesce(try_strptime(date, '%Y-%m-%d'), try_strptime(date, '%d/%m/%Y'))::date as date_d,
  {', '.join(number(name) for name in exact)}
from clean
""")
con.execute(f"""
create temp table good as
select transaction_id, date_d as date, store_id, store_name, city, product_id, product_name, category, customer_id,
  customer_name, quantity_sold_n::int as quantity_sold, unit_price_n as unit_price,
  coalesce(total_amount_n, (quantity_sold_n * unit_price_n)::decimal(15,2)) as total_amount, payment_method,
  _source_file, _source_line, 'duckdb' as _run_id, now() as _processed_at
from typed
where date_d is not null and transaction_id is not null and store_id is not null and product_id is not null
  and customer_id is not null and quantity_sold_n > 0 and unit_price_n > 0
  and (total_amount is null or total_amount_n is not null)
  and (total_amount_n is null or abs(total_amount_n - quantity_sold_n * unit_price_n) <= 0.01)
  and {' and '.join(f"coalesce(length({name}) <= {limit}, true)" for name, limit in limits.items())}
""")
con.execute("""
create temp table silver as
with twice as (select date, transaction_id, max(_source_line) as winner from good group by all having count(*) > 1)
select good.* from good left join twice using (date, transaction_id) where winner is null or winner = _source_line
""")
con.execute("drop table good; drop table typed; drop view clean; drop table raw")
con.execute(f"copy silver to '{out}/silver' (format parquet, compression snappy, partition_by (date), overwrite_or_ignore)")

models = pathlib.Path(__file__).parent.parent / "pipelines/sales_lakehouse/gold"
con.execute("create schema if not exists lake")
for file in sorted(models.glob("*.sql")):
    sql = file.read_text().replace("silver.sales", "silver")
    # DuckDB divides decimals as floats; the quotient is rounded half up from integers instead.
    sql = re.sub(r"round\((.+?) / (.+?), 2\)", r"((\1 * 200)::hugeint + \2) // (2 * \2) * 0.01", sql)
    partitioned = file.stem in ("sales_enriched", "daily_store_sales")
    by = ", partition_by (date), overwrite_or_ignore" if partitioned else ""
    target = f"{out}/{file.stem}" if partitioned else f"{out}/{file.stem}.parquet"
    con.execute(f"copy ({sql}) to '{target}' (format parquet, compression snappy{by})")
