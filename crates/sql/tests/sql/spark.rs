//! Spark's dialect: what its queries and conditions give where the gold language gives something else, or refuses.

use assay_sql::{Cause, Field, TableRef, Type, dtype_of, spark};
use polars::prelude::*;

use super::support::{Tables, messages, rows};

/// 2026-01-10 12:00 UTC.
const NOW: i64 = 1_768_046_400_000_000;

fn tables() -> Tables {
    Tables::default()
        .with(
            "primary",
            &[
                ("id", Type::Int32, &["1", "2", "3", "4"]),
                ("n", Type::Int64, &["10", "null", "30", "40"]),
                ("x", Type::Double, &["1.5", "NaN", "null", "-2"]),
                ("s", Type::String, &["a", "b", "null", "10"]),
                ("d", Type::Date, &["2026-01-01", "2026-01-05", "null", "2025-12-31"]),
                ("price", Type::Decimal { precision: 10, scale: 2 }, &["1.10", "2.25", "null", "-3.00"]),
                ("ok", Type::Boolean, &["true", "false", "null", "true"]),
            ],
        )
        .with("ref", &[("id", Type::Int64, &["1", "2", "null"]), ("code", Type::String, &["a", "x", "y"])])
}

fn run(sql: &str) -> Result<Vec<Vec<String>>, String> {
    let tables = tables();
    let bound = spark::bind(sql, &tables, NOW).map_err(|errors| messages(&errors))?;
    let frames = |table: &TableRef| Ok(tables.0.iter().find(|(name, _)| *name == table.name).unwrap().1.clone().lazy());
    let frame = bound.lower(&frames).map_err(|error| error.to_string())?;
    let frame = frame.collect_with_engine(Engine::Streaming).map_err(|error| error.to_string())?.unwrap_single();
    for (field, column) in bound.fields().iter().zip(frame.columns()) {
        assert_eq!(column.dtype(), &dtype_of(field.kind), "{sql}: {}", field.name);
        assert!(field.nullable || column.null_count() == 0, "{sql}: {} is declared not null", field.name);
    }
    Ok(rows(&frame))
}

/// The single value of a query.
fn one(sql: &str) -> String {
    let rows = run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    match rows.as_slice() {
        [row] if row.len() == 1 => row[0].clone(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn values_are_cast_as_spark_casts_them() {
    let cases = [
        // Texts are numbers where numbers stand beside them, and null where they are none.
        ("select count(*) from primary where s = 10", "1"),
        ("select count(*) from primary where s > 9.5", "1"),
        ("select sum(s) from primary", "10.0"),
        ("select '3' + 4", "7.0"),
        ("select '3' * '4'", "12.0"),
        ("select cast('x' as int)", "null"),
        ("select cast(' 12.9 ' as int)", "12"),
        ("select cast('1e2' as double)", "100.0"),
        ("select cast(2.5 as int)", "2"),
        ("select cast('yes' as boolean)", "true"),
        ("select cast(1.005 as decimal(10,2))", "1.01"),
        ("select cast(12345 as decimal(4,2))", "null"),
        ("select cast(1e10 as string)", "1.0E10"),
        ("select cast(ok as int) from primary where id = 1", "1"),
        ("select cast('2026-1-5' as date)", "2026-01-05"),
        ("select to_date('nothing')", "null"),
        // In lists and branches everything beside a text is text.
        ("select count(*) from primary where id in ('1', 'x')", "1"),
        ("select coalesce(s, 7) from primary where id = 3", "7"),
        ("select case when id = 1 then 1 else 'b' end from primary where id = 1", "1"),
        ("select count(*) from primary where ok = 1", "2"),
        ("select count(*) from primary where ok", "2"),
        ("select count(*) from primary where d >= '2026-1-1'", "2"),
        ("select concat(id, '-', ok) from primary where id = 1", "1-true"),
        ("select length(123)", "3"),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql), expected, "{sql}");
    }
}

#[test]
fn arithmetic_gives_null_instead_of_failing() {
    let cases = [
        ("select 7 / 2", "3.5"),
        ("select 1 / 0", "null"),
        ("select 7 % 4", "3"),
        ("select -7 % 4", "-3"),
        ("select 7 % 0", "null"),
        ("select 2147483647 + 1", "-2147483648"),
        ("select 1.10 * 2", "2.20"),
        ("select 1.0 / 3", "0.333333"),
        ("select 99999999999999999999999999999999999999 + 1", "null"),
        ("select round(2.5)", "3"),
        ("select round(2.675, 2)", "2.68"),
        ("select round(cast(2.675 as double), 2)", "2.68"),
        ("select floor(-1.5)", "-2"),
        ("select ceil(1.2)", "2"),
        ("select abs(-3)", "3"),
        ("select -n from primary where id = 1", "-10"),
        ("select avg(n) from primary where id < 4", "20.0"),
        ("select sum(n) from primary where false", "null"),
        ("select max(x) from primary", "NaN"),
        ("select min(x) from primary", "-2.0"),
        ("select sum(price) from primary", "0.35"),
        ("select count_if(n > 10) from primary", "2"),
        ("select stddev_pop(n) from primary where id in (1, 3)", "10.0"),
        ("select variance(n) from primary where id in (1, 3)", "200.0"),
        ("select stddev(n) from primary where id = 1", "null"),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql), expected, "{sql}");
    }
}

/// The expected values are the answers of Spark 3.5.
#[test]
fn answers_are_those_of_spark() {
    let cases = [
        // literals
        ("select 5L - 6", "-1"),
        ("select -2147483648", "-2147483648"),
        ("select -2L * 2147483647", "-4294967294"),
        ("select 2.5D", "2.5"),
        ("select 12.5BD", "12.5"),
        ("select string(-(2147483648))", "-2147483648"),
        // decimals
        ("select cast(9999999999 as decimal(38,0)) + cast('0.1' as decimal(38,38))", "9999999999.100000"),
        (
            "select cast('-99999999999999999999999999999999999999' as decimal(38,0)) - cast('0.1' as decimal(38,38))",
            "null",
        ),
        ("select cast('0.5' as decimal(38,38)) * -7L", "-3.500000000000000000000000000000000000"),
        (
            "select cast('33333333333333333333.3333333333' as decimal(38,10)) * cast('1000000000' as decimal(10,0))",
            "33333333333333333333333333333.300000",
        ),
        ("select cast('99999999999999999999999999999999999999' as decimal(38,0)) * 1.5", "null"),
        (
            "select cast('0.49999999999999999999999999999999999999' as decimal(38,38)) / cast('-9999999999999999999999999999.9999999999' as decimal(38,10))",
            "0.0000000000000000000000000000",
        ),
        ("select cast(2 as decimal(38,0)) / cast(3 as decimal(38,0))", "0.666667"),
        ("select cast(7.5 as decimal(10,4)) % cast(-2 as decimal(20,0))", "1.5000"),
        ("select price + n from primary where id = 1", "11.10"),
        ("select ceil(cast('9999999999999999999999999999.5' as decimal(38,10)))", "10000000000000000000000000000"),
        ("select floor(-1.5) + floor(3)", "1"),
        ("select 0.00000049 || ''", "4.9E-7"),
        ("select cast(cast('0' as decimal(38,38)) as string)", "0E-38"),
        ("select cast(timestamp '1970-01-01 00:00:01.5' as decimal(5))", "2"),
        // integers
        ("select 7 div -2", "-3"),
        ("select 9223372036854775807 + 1L", "-9223372036854775808"),
        ("select cast(127 as tinyint) + cast(1 as tinyint)", "-128"),
        ("select cast(300 as smallint) * cast(300 as smallint)", "24464"),
        ("select cast(300 as tinyint)", "44"),
        ("select cast('128' as tinyint)", "null"),
        ("select abs(cast(-128 as tinyint))", "-128"),
        // floats
        ("select cast(0.1 as float) = 0.1", "false"),
        ("select cast(0.1 as float) + cast(0.2 as float) = cast(0.3 as float)", "true"),
        ("select string(cast(16777217 as float))", "1.6777216E7"),
        ("select string(cast('1e10' as float))", "1.0E10"),
        ("select string(cast(-2147483648 as float))", "-2.14748365E9"),
        ("select cast(1.5 as decimal(12,4)) + round(1)", "2.5000"),
        ("select sum(cast(x as float)) from primary where id in (1, 4)", "-0.5"),
        ("select cast(cast(0.1 as float) as decimal(20,18))", "0.100000001490116120"),
        // doubles as text and rounded
        ("select string(1317624576693539334D)", "1.31762457669353933E18"),
        ("select cast(1317624576693539334D as decimal(20,0))", "1317624576693539330"),
        ("select string(round(-0.4D))", "0.0"),
        // texts
        ("select substr('abc', -2147483648)", "ab"),
        ("select substring('abc', 2.7)", "bc"),
        ("select substr('日本語', -2, 1)", "本"),
        // dates
        ("select string(date '2026-01-31' + 1)", "2026-02-01"),
        ("select string(date '2026-01-31' + interval 1 month)", "2026-02-28"),
        ("select string(date '2024-02-29' - interval 1 year)", "2023-02-28"),
        ("select string(date '2026-01-31' + interval 1 week)", "2026-02-07"),
        ("select string(date '2026-01-31' + interval 25 hours)", "2026-02-01 01:00:00"),
        ("select string(timestamp '2026-01-31 10:00:00' - interval 2 months)", "2025-11-30 10:00:00"),
        ("select string(date_add(date '9999-12-31', 1))", "+10000-01-01"),
        ("select string(date '0000-01-01' - 1)", "-0001-12-31"),
        ("select string(date_add(date '2026-01-01', cast(3 as tinyint)))", "2026-01-04"),
        ("select string(to_timestamp('12:30'))", "2026-01-10 12:30:00"),
        ("select string(timestamp '2026-01-10 10:00:00')", "2026-01-10 10:00:00"),
        // Patterns
        ("select 'a\\r\\n' rlike 'a$'", "true"),
        ("select 'ab' rlike '^(a|b$)'", "true"),
        // null
        ("select null % 3", "null"),
        ("select case id when null then 1 else 2 end from primary where id = 1", "2"),
        // aggregates
        ("select sum(n * 922337203685477580) from primary", "-64"),
        ("select sum(cast('99999999999999999999999999999999999999' as decimal(38,0))) from primary", "null"),
        ("select avg(price) from primary", "0.116667"),
        ("select sum(price) / count(*) from primary", "0.08750000000000000000"),
        ("select avg(cast(id as float)) from primary", "2.5"),
        ("select max(cast(x as float)) from primary", "NaN"),
        ("select var_pop(1e-3) from primary", "0.0"),
        ("select stddev(0.1) from primary", "0.0"),
        // joins
        ("select count(*) from primary p right join ref r on p.id = r.id", "3"),
        ("select count(*) from primary p right join ref r on p.id = r.id and p.id > 1 where p.id is null", "2"),
        ("select count(*) from primary p full join ref r on p.id = r.id", "5"),
        ("select count(*) from primary p full outer join ref r on p.id = r.id where p.id is null or r.id is null", "3"),
        ("select count(*) from primary cross join (select max(id) m from ref) r where primary.id > m", "2"),
        ("select count(*) from primary p where exists (select 1 from ref r where r.id = p.id)", "2"),
        (
            "select count(*) from primary where not exists (select * from ref where ref.id = primary.id and code = 'a')",
            "3",
        ),
        ("select count(*) from primary where not exists (select 1 from ref where id = primary.id) and id > 3", "1"),
        ("select count(*) from primary where exists (select 1 from ref where code = 'nothing')", "0"),
        ("select count(*) from primary where not exists (select code from ref where id > 99) or id = 1", "4"),
        ("select count(*) from (select id from primary union select code from ref) u", "7"),
        ("select max(k) from (select n k from primary union all select price from primary) u", "40.00"),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql), expected, "{sql}");
    }
}

#[test]
fn queries_of_rules_run() {
    let cases = [
        ("select count(*) from primary where s != 'a'", "2"),
        ("select count(*) from primary where s == \"a\" and `id` <=> 1", "1"),
        ("select count(*) from primary where s <=> null", "1"),
        ("select count(*) from primary where s rlike '^[a-z]$' and not s regexp 'b'", "1"),
        ("select count(*) from primary where s like '\\%' or s like '1_'", "1"),
        ("select count(*) from primary where d > current_date() - interval 7 days", "1"),
        ("select count(*) from primary where d > date_sub(current_date(), 10)", "2"),
        ("select datediff(current_date(), max(d)) from primary", "5"),
        ("select hour(current_timestamp())", "12"),
        ("select dayofweek(date '2026-01-10')", "7"),
        ("select year('2026-03-04')", "2026"),
        ("select if(1 > 2, 'a', 'b')", "b"),
        ("select nvl(null, 3)", "3"),
        ("select nullif(3, 3)", "null"),
        ("select substr('abc', -2)", "bc"),
        ("select substring('abc', 0, 2)", "ab"),
        ("select trim('  a ') || 'b'", "ab"),
        ("select startswith('abc', 'ab') and endswith('abc', 'c') and contains('abc', 'b')", "true"),
        ("select isnan(x) from primary where id = 2", "true"),
        ("select count(*) from (select ok, count(*) c from primary group by ok having count(*) > 1) g", "1"),
        ("select max(c) from (select ok as k, count(*) c from primary group by k) g", "2"),
        ("select max(c) from (select ok, count(*) c from primary group by 1) g", "2"),
        ("with q as (select id from primary where id > 2) select count(*) from q", "2"),
        ("select count(*) from primary p join ref r on p.id = r.id", "2"),
        ("select count(*) from primary p left join ref r on p.id = r.id where r.id is null", "2"),
        ("select count(*) from primary left semi join ref on primary.id = ref.id", "2"),
        ("select count(*) from primary left anti join ref on primary.id = ref.id and ref.code = 'a'", "3"),
        ("select count(*) from primary where id in (select id from ref)", "2"),
        // A null among the values leaves open whether anything is not among them.
        ("select count(*) from primary where id not in (select id from ref)", "0"),
        ("select count(*) from primary where id not in (select id from ref where id is not null)", "2"),
        ("select count(*) from primary where n not in (select id from ref where id > 99)", "4"),
        ("select count(*) from primary where s in (select code from ref) or id = 4", "2"),
        ("select count(*) from primary where n > (select avg(n) from primary)", "2"),
        ("select count(*) from primary where n > (select max(id) from ref) and id in (select id from ref)", "1"),
        ("select count(*) from (select id from primary union select id from ref) u", "5"),
        ("select count(*) from (select id from primary union all select id from ref union select id from ref) u", "5"),
        ("select count(*) from (select id from ref union select id from ref union all select id from ref) u", "6"),
        ("select s from primary order by s limit 1", "null"),
        ("select s from primary order by s desc limit 1", "b"),
        ("SELECT Count(ID) FROM Primary", "4"),
    ];
    for (sql, expected) in cases {
        let sql = sql.replace("Primary", "primary");
        assert_eq!(one(&sql), expected, "{sql}");
    }
}

#[test]
fn what_is_wrong_is_told_from_what_is_beyond() {
    let cases = [
        ("selec 1", Cause::Syntax),
        ("select count(*) from", Cause::Syntax),
        ("select 'open", Cause::Syntax),
        ("select nope from primary", Cause::Name),
        ("select 1 from nowhere", Cause::Name),
        ("select id from primary join ref on primary.id = ref.id", Cause::Name),
        ("select percentile(n, 0.5) from primary", Cause::Subset),
        ("select 'it''s'", Cause::Subset),
        ("select s rlike '(?<=a)b' from primary", Cause::Subset),
        ("select id from primary where exists (select 1 from ref where ref.id > primary.id)", Cause::Subset),
        ("select id from primary where exists (select max(id) from ref where ref.id = primary.id)", Cause::Subset),
        ("select count(*) from primary cross join ref", Cause::Subset),
        ("select count(*) from primary full join ref on primary.id = ref.id and ref.code = 'a'", Cause::Subset),
        ("select 'a' 'b'", Cause::Subset),
        ("select 'a' and true", Cause::Subset),
        ("select if('true', 1, 2)", Cause::Subset),
        ("select case when null then 1 end", Cause::Subset),
        ("select case when ok then null end from primary", Cause::Subset),
        ("select s is unknown from primary", Cause::Subset),
        ("select null / price from primary", Cause::Subset),
        ("select id as k, k + 1 as j from primary", Cause::Subset),
        ("select id as k, j + 1 as j from primary", Cause::Name),
        ("select count(*), count(id) from primary", Cause::Subset),
        ("select max_by(id, s) from primary", Cause::Subset),
        ("select n < 99999999999999999999.5 from primary", Cause::Subset),
        ("select cast(1 as decimal(38,0)) % cast(1 as decimal(38,38))", Cause::Subset),
        ("select date_add(d, n) from primary", Cause::Subset),
        ("select d - interval '1 day' from primary", Cause::Subset),
        ("select d - interval 1 day 2 hours from primary", Cause::Subset),
        ("select s + interval 1 day from primary", Cause::Subset),
        ("select trim(both from s) from primary", Cause::Subset),
        ("select 1.5F", Cause::Subset),
        ("select id order from primary", Cause::Subset),
        ("select count(*) from primary end where false", Cause::Subset),
        ("select count(*) from primary where (ok)", Cause::Subset),
        ("select s rlike '(' from primary", Cause::Subset),
        ("select s rlike 'a$b' from primary", Cause::Subset),
        ("select s rlike 'a+{2}' from primary", Cause::Subset),
        ("select count(*) from primary, ref", Cause::Subset),
        ("select count(*) from primary where id in (select id, code from ref)", Cause::Subset),
        ("select count(*) from primary where id = (select id from ref)", Cause::Subset),
        ("select x from primary where ok > 1", Cause::Subset),
    ];
    for (sql, cause) in cases {
        let errors = spark::bind(sql, &tables(), NOW).unwrap_err();
        assert_eq!(errors[0].cause, cause, "{sql}: {errors:?}");
    }
}

#[test]
fn a_condition_takes_narrow_columns_as_they_are_stored() {
    let frame = df!("tiny" => [1i8, 2], "small" => [0.5f32, 1.5]).unwrap();
    let field = |name: &str, kind| Field { name: name.to_owned(), kind, nullable: true };
    let fields = [field("tiny", Type::Int32), field("small", Type::Double)];
    let test = spark::condition("tiny * 100000 > 150000 and small > 1", &fields, NOW).unwrap();
    let kept = frame.lazy().filter(test).collect().unwrap();
    assert_eq!(kept.height(), 1);
}

#[test]
fn the_gold_language_stays_as_it_is() {
    let tables = tables();
    let refused = [
        "select s + 1 as y from primary",
        "select id from primary where s = 10",
        "select id from primary where id in (select id from ref)",
        "select length(s) as y from primary",
        "select id from primary where s = \"a\"",
        "select n <=> 1 as y from primary",
    ];
    for sql in refused {
        assert!(tables.bind(sql, assay_sql::Use::Query).is_err(), "{sql}");
    }
    assert_eq!(tables.run("select 7 / 2 as y"), Ok(vec![vec!["3".to_owned()]]));
}
