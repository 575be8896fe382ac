//! Values worked out by hand, construct by construct.

use assay_sql::Type;

use crate::support::{Tables, check, dec, fails, tables};

#[test]
fn arithmetic_is_exact() {
    check(
        &tables(),
        &[
            ("select k, i + 1 as r from n", &["1|2", "2|3", "3|null", "4|-6"]),
            ("select k, i * b as r from n", &["1|10", "2|null", "3|null", "4|-21"]),
            // Whole numbers divide to whole numbers, towards zero.
            ("select k, i / 2 as r from n", &["1|0", "2|1", "3|null", "4|-3"]),
            ("select k, d + e as r from n", &["1|1.175", "2|-0.050", "3|null", "4|7.500"]),
            ("select k, d - i as r from n", &["1|0.05", "2|-3.05", "3|null", "4|17.00"]),
            ("select k, d * d as r from n", &["1|1.1025", "2|1.1025", "3|null", "4|100.0000"]),
            ("select k, d * 2 as r from n", &["1|2.10", "2|-2.10", "3|null", "4|20.00"]),
            ("select k, -d as r, +d as q from n", &["1|-1.05|1.05", "2|1.05|-1.05", "3|null|null", "4|-10.00|10.00"]),
            ("select k, abs(d) as r, abs(i) as q from n", &["1|1.05|1", "2|1.05|2", "3|null|null", "4|10.00|7"]),
            ("select k, f / 2 as r from n where k = 1", &["1|0.25"]),
            ("select 7 / 2 as a, -7 / 2 as b, 0.1 + 0.2 as c, 2 * 1.50 as d", &["3|-3|0.3|3.00"]),
            ("select 1 + null as a, null * 2.5 as b", &["null|null"]),
            ("select -9223372036854775808 as a", &["-9223372036854775808"]),
        ],
    );
}

#[test]
fn quotients_are_rounded_once_half_away_from_zero() {
    check(
        &tables(),
        &[
            ("select round(1.00 / 8, 2) as a, round(-1.00 / 8, 2) as b", &["0.13|-0.13"]),
            ("select round(2.00 / 3, 4) as a", &["0.6667"]),
            ("select cast(10.00 / 3 as decimal(15,2)) as a", &["3.33"]),
            // 0.0049999999 rounds to 0.00; rounding to 0.005000 first would give 0.01.
            ("select round(49999999.0 / 10000000000, 2) as a", &["0.00"]),
            ("select round(coalesce(49999999.0 / 10000000000, 0), 2) as a", &["0.00"]),
            ("select round(case when true then 49999999.0 / 10000000000 else 1 end, 2) as a", &["0.00"]),
            // 0.0049999996, where 38 digits leave six places to a quotient that nothing rounds.
            ("select round(cast(49999996 as decimal(38,2)) / 10000000000, 2) as a", &["0.00"]),
            ("select round(coalesce(cast(49999996 as decimal(38,2)) / 10000000000, 1), 2) as a", &["0.00"]),
            ("select round(-abs(cast(49999996 as decimal(38,2)) / 10000000000), 2) as a", &["0.00"]),
            ("select round(cast(49999996 as decimal(38,2)) / 1000000000000 * 100, 2) as a", &["0.00"]),
            ("select cast(cast(49999996 as decimal(38,2)) / 10000000000 as decimal(5,2)) as a", &["0.00"]),
            ("select round(2.0 / 3 * 100, 2) as a", &["66.67"]),
            ("select round(100 * (1.0 / 3), 3) as a", &["33.333"]),
            // A scale that the text asked for is a rounding of its own.
            ("select round(round(0.0449 / 1, 2), 1) as a, round(0.0449 / 1, 1) as b", &["0.0|0.0"]),
            ("select round(round(0.0450 / 1, 2), 1) as a, round(0.0450 / 1, 1) as b", &["0.1|0.0"]),
            ("select cast(5.0 / 2 as int) as a, cast(-5.0 / 2 as int) as b", &["3|-3"]),
            ("select k, round(d / nullif(i, 0), 3) as r from n", &["1|1.050", "2|-0.525", "3|null", "4|-1.429"]),
            ("select 1.0 / 3 as a", &["0.333333"]),
        ],
    );
}

#[test]
fn rounding_goes_away_from_zero() {
    check(
        &tables(),
        &[
            ("select k, round(e, 2) as r from n", &["1|0.13", "2|1.00", "3|null", "4|-2.50"]),
            ("select k, round(e) as r from n", &["1|0", "2|1", "3|null", "4|-3"]),
            ("select k, round(d, 3) as r from n where k = 1", &["1|1.050"]),
            ("select k, round(i, 2) as r from n where k = 4", &["4|-7"]),
            ("select round(9.995, 2) as a, round(0.5) as b, round(1.5) as c, round(2.5) as d", &["10.00|1|2|3"]),
        ],
    );
}

#[test]
fn casts_are_strict() {
    check(
        &tables(),
        &[
            ("select k, cast(e as decimal(4,1)) as r from n", &["1|0.1", "2|1.0", "3|null", "4|-2.5"]),
            ("select k, cast(e as int) as r from n", &["1|0", "2|1", "3|null", "4|-3"]),
            ("select k, cast(d as varchar) as r from n", &["1|1.05", "2|-1.05", "3|null", "4|10.00"]),
            ("select k, cast(i as decimal(5,1)) as r from n", &["1|1.0", "2|2.0", "3|null", "4|-7.0"]),
            ("select cast(' 12.345 ' as decimal(6,2)) as a, cast('-7' as int) as b", &["12.35|-7"]),
            ("select cast('true' as boolean) as a, cast('FALSE' as boolean) as b", &["true|false"]),
            ("select cast('2026-02-28' as date) as a", &["2026-02-28"]),
            ("select k, cast(day as varchar) as a from w", &["1|2026-01-04", "2|2024-12-30", "3|null"]),
            ("select k, cast(at as date) as a from w", &["1|2026-01-04", "2|2024-12-30", "3|null"]),
            ("select cast(cast(day as timestamp) as varchar) as a from w where k = 1", &["2026-01-04 00:00:00"]),
            ("select cast(at as varchar) as a from w where k = 1", &["2026-01-04 23:59:58.5"]),
            // A double stands for the decimal it prints as.
            ("select cast(1.115 as double precision) as a", &["1.115"]),
            ("select cast(cast(1.115 as double precision) as decimal(5,2)) as a", &["1.12"]),
            ("select cast(f as int) as a from n", &["1", "1", "null", "2"]),
            ("select cast(p as varchar) as a from n", &["true", "false", "null", "true"]),
            ("select cast(null as decimal(5,2)) as a, cast(1 as bigint) as b", &["null|1"]),
        ],
    );
    fails(
        &tables(),
        &[
            ("select cast(d * 1000000000 as int) as r from n", "out of range for int32"),
            ("select cast(d as decimal(3,2)) as r from n", "out of range for decimal(3,2)"),
            ("select cast(x as int) as r from s", "a text is not a int32 (line 1, column 13"),
            ("select cast(x as date) as r from s", "a text is not a date"),
            ("select cast('1.5' as int) as r", "a text is not a int32"),
            ("select cast(x as double precision) as r from s", "a text is not a double"),
        ],
    );
}

#[test]
fn results_that_do_not_fit_are_errors() {
    let big = Tables::default().with(
        "t",
        &[
            ("i", Type::Int32, &["2147483647", "0"]),
            ("b", Type::Int64, &["9223372036854775807", "1"]),
            ("d", dec(38, 0), &["99999999999999999999999999999999999999", "1"]),
            ("f", Type::Double, &["1e308", "1"]),
        ],
    );
    fails(
        &big,
        &[
            ("select i + 1 as r from t", "out of range for int32 (line 1, column 8"),
            ("select -2147483647 - i as r from t", "out of range for int32"),
            ("select b * 2 as r from t", "out of range for int64"),
            ("select sum(b) as r from t", "out of range for int64"),
            ("select d + 1 as r from t", "out of range for decimal(38,0)"),
            ("select d * 10 as r from t", "out of range for decimal(38,0)"),
            ("select sum(d) as r from t", "out of range for decimal(38,0)"),
            ("select f * 10 as r from t", "out of range for double"),
            ("select 1 / i as r from t", "division by zero; guard the divisor with `nullif(..., 0)` (line 1, column 8"),
            ("select 1.5 / i as r from t", "division by zero"),
            ("select f / 0 as r from t", "division by zero"),
            ("select 1 / 0 as r", "division by zero"),
        ],
    );
    // The sum of int32 is int64 and exact; an average does not overflow where the sum would.
    check(
        &big,
        &[
            ("select sum(i) as a, sum(i + 0) as b from t", &["2147483647|2147483647"]),
            ("select avg(b) as a from t", &["4611686018427387904.000000"]),
            ("select sum(d - d + 3) as a from t where b = 1", &["3"]),
        ],
    );
}

#[test]
fn what_a_case_or_condition_guards_cannot_fail() {
    check(
        &tables(),
        &[
            ("select k, case when i > 0 then 10 / (i - 2) else 0 end as r from n where i <> 2", &["1|-10", "4|0"]),
            (
                "select k, case when k <> 2 then 1 / (k - 2) when true then 9 end as r from n",
                &["1|-1", "2|9", "3|1", "4|0"],
            ),
            ("select k, coalesce(i, 1 / (k - 3)) as r from n where k <> 3", &["1|1", "2|2", "4|-7"]),
            ("select k from n where k <> 2 and 1 / (k - 2) = 1", &["3"]),
            ("select k from n where k = 2 or 1 / (k - 2) = 1", &["2", "3"]),
            ("with q as (select k from n where k <> 2) select k from q where 4 / (k - 2) = 4", &["3"]),
            (
                "select k, case when k = 2 then 0 else case when k > 2 then 2 / (k - 2) else 7 end end as r from n",
                &["1|7", "2|0", "3|2", "4|1"],
            ),
            ("select case when false then 1 / 0 else 5 end as r", &["5"]),
        ],
    );
    fails(&tables(), &[("select coalesce(i, 1 / (k - 3)) as r from n", "division by zero")]);
}

#[test]
fn logic_has_three_values() {
    check(
        &tables(),
        &[
            (
                "select p and null as a, p or null as b, not p as c from n",
                &["null|true|false", "false|null|true", "null|null|null", "null|true|false"],
            ),
            ("select k from n where p", &["1", "4"]),
            ("select k from n where not p", &["2"]),
            ("select k from n where i = null", &[]),
            (
                "select k, p is true as a, p is not true as b, p is unknown as c from n",
                &["1|true|false|false", "2|false|true|false", "3|false|true|true", "4|true|false|false"],
            ),
            (
                "select k, p is false as a, p is not false as b from n",
                &["1|false|true", "2|true|false", "3|false|true", "4|false|true"],
            ),
            ("select k from n where i is null or i is not null", &["1", "2", "3", "4"]),
            ("select k from n where i in (1, -7)", &["1", "4"]),
            ("select k, i in (1, null) as r from n", &["1|true", "2|null", "3|null", "4|null"]),
            ("select k from n where i not in (1, null)", &[]),
            ("select k from n where i not in (1)", &["2", "4"]),
            ("select k, i in (1, 2, 3, 4, 5, 6, null) as r from n", &["1|true", "2|true", "3|null", "4|null"]),
            ("select k from n where d in (1.05, 2, 3, 4, 5, 10.0)", &["1", "4"]),
            ("select k from s where x in ('a', 'b', 'c', 'd', 'abc')", &["1"]),
            (
                "select k from w where day in ('2026-01-04', '2026-01-05', '2026-01-06', '2026-01-07', '2026-01-08')",
                &["1"],
            ),
            ("select k from n where i between 1 and k", &["1", "2"]),
            ("select k from n where i not between 1 and 1", &["2", "4"]),
            ("select k from n where i in (k, b)", &["1", "2"]),
            ("select null is null as a, 1 is null as b", &["true|false"]),
        ],
    );
}

#[test]
fn comparison_widens_and_compares_bytes() {
    check(
        &tables(),
        &[
            ("select k from n where d > 1", &["1", "4"]),
            ("select k from n where d > 1.049", &["1", "4"]),
            ("select k from n where d = e + 0.925", &["1"]),
            ("select k from n where d < f", &["2"]),
            ("select k from n where i <> b", &["1", "4"]),
            ("select k from n where d >= 10000000000.00", &[]),
            ("select k from s where x < 'a'", &["2", "4"]),
            ("select k from w where day >= date '2026-01-04'", &["1"]),
            ("select k from w where day = '2026-01-04'", &["1"]),
            ("select k from w where day < at", &["1"]),
            ("select k from w where at = timestamp '2024-12-30 00:00:00'", &["2"]),
        ],
    );
}

#[test]
fn choices() {
    check(
        &tables(),
        &[
            (
                "select k, case i when 1 then 'one' when -7 then 'minus' end as r from n",
                &["1|one", "2|null", "3|null", "4|minus"],
            ),
            ("select k, case when i > 0 then i else 0.5 end as r from n", &["1|1.0", "2|2.0", "3|0.5", "4|0.5"]),
            ("select k, coalesce(d, e, 0) as r from n", &["1|1.050", "2|-1.050", "3|0.000", "4|10.000"]),
            ("select k, nullif(i, 1) as r from n", &["1|null", "2|2", "3|null", "4|-7"]),
            ("select coalesce(null, 'x') as a", &["x"]),
        ],
    );
}

#[test]
fn text() {
    check(
        &tables(),
        &[
            ("select k, upper(x) as a, lower(x) as b from s", &["1|ABC|abc", "2|ZOË|zoë", "3|null|null", "4||"]),
            ("select k, trim(y) as r from s", &["1|pad", "2|null", "3|a%c", "4|ABC"]),
            ("select '[' || trim(leading ' ' from ' a ') || ']' as a, trim(trailing 'x' from 'axx') as b", &["[a ]|a"]),
            (
                "select k, substring(x from 2 for 2) as a, substring(x, 2) as b from s",
                &["1|bc|bc", "2|oë|oë", "3|null|null", "4||"],
            ),
            ("select substring('hello' from -1 for 3) as a, substring('hello' from 0) as b", &["h|hello"]),
            ("select k, substring('abcdef' from k for k) as r from n", &["1|a", "2|bc", "3|cde", "4|def"]),
            ("select k, x || '-' || y as r from s", &["1|abc- pad ", "2|null", "3|null", "4|-ABC"]),
            ("select k, concat(x, y) as r from s", &["1|abc pad ", "2|null", "3|null", "4|ABC"]),
            ("select k from s where x like 'a%'", &["1"]),
            ("select k from s where x like '%c'", &["1"]),
            ("select k from s where x like '%o%'", &["2"]),
            ("select k from s where x like 'Zo_'", &["2"]),
            ("select k from s where x like '_b%'", &["1"]),
            ("select k from s where x not like 'a%'", &["2", "4"]),
            ("select k from s where x like ''", &["4"]),
            ("select k from s where y like 'a!%c' escape '!'", &["3"]),
            ("select k from s where y like '%A%C%'", &["4"]),
            ("select k from s where x like 'ABC'", &[]),
            ("select 'aab' like '%ab' as a, 'aab' like 'a%b%b' as b, 'abab' like '%_b' as c", &["true|false|true"]),
        ],
    );
    fails(
        &tables(),
        &[("select substring(x from 1 for k - 5) as r from s", "the length of a `substring` is negative")],
    );
}

#[test]
fn date_parts() {
    check(
        &tables(),
        &[
            (
                "select k, extract(year from day) as y, extract(quarter from day) as q, extract(month from day) as m, \
                 extract(day from day) as d, extract(week from day) as w from w",
                &["1|2026|1|1|4|1", "2|2024|4|12|30|1", "3|null|null|null|null|null"],
            ),
            (
                "select k, extract(dow from day) as a, extract(isodow from day) as b, extract(doy from day) as c from w",
                &["1|0|7|4", "2|1|1|365", "3|null|null|null"],
            ),
            (
                "select k, extract(hour from at) as h, extract(minute from at) as m, extract(second from at) as s from w",
                &["1|23|59|58.500000", "2|0|0|0.000000", "3|null|null|null"],
            ),
        ],
    );
}

#[test]
fn aggregates_of_groups() {
    check(
        &tables(),
        &[
            (
                "select store, count(*) as n, count(amount) as c, sum(amount) as s, min(amount) as lo, max(date) as hi \
                 from silver.sales group by store",
                &["s1|2|2|15.00|5.00|2026-01-02", "s2|2|2|40.00|20.00|2026-01-02", "null|1|0|null|null|null"],
            ),
            ("select category, count(distinct store) as n from silver.sales group by category", &["a|2", "b|1"]),
            ("select category, count(distinct amount) as n from silver.sales group by category", &["a|2", "b|1"]),
            ("select category, avg(amount) as r from silver.sales group by category", &["a|16.666667", "b|5.000000"]),
            ("select category, round(avg(amount), 2) as r from silver.sales group by category", &["a|16.67", "b|5.00"]),
            ("select category, avg(units) as r from silver.sales group by category", &["a|2.000000", "b|1.000000"]),
            (
                "select category, round(sum(amount) / count(*), 2) as r from silver.sales group by category",
                &["a|16.67", "b|2.50"],
            ),
            ("select sum(units) / count(*) as r from silver.sales", &["1"]),
            (
                "select extract(month from date) as m, sum(units) + 1 as n from silver.sales group by extract(month from date)",
                &["1|8", "null|2"],
            ),
            ("select category, sum(units) as n from silver.sales group by category having sum(units) > 2", &["a|6"]),
            ("select category from silver.sales group by category", &["a", "b"]),
            (
                "select amount, count(*) as n from silver.sales group by amount",
                &["10.00|1", "20.00|2", "5.00|1", "null|1"],
            ),
            (
                "select amount, units, min(store) as s from silver.sales group by amount, units",
                &["10.00|1|s1", "20.00|2|s2", "20.00|3|s2", "5.00|1|s1", "null|1|null"],
            ),
            ("select max(store) as m, min(store) as n from silver.sales", &["s2|s1"]),
            ("select sum(case when category = 'a' then units end) as n from silver.sales", &["6"]),
            ("select count(1) as n, sum(2) as s from silver.sales", &["5|10"]),
            ("select avg(f) as a, sum(f) as b from n", &["1.25|3.75"]),
            ("select count(*) as n from silver.sales where amount > 10", &["2"]),
        ],
    );
}

#[test]
fn the_value_of_the_greatest_row() {
    check(
        &tables(),
        &[
            ("select category, max_by(store, date) as r from silver.sales group by category", &["a|s2", "b|s1"]),
            (
                "select store, max_by(units, date, amount) as r from silver.sales group by store",
                &["s1|1", "s2|3", "null|null"],
            ),
            // Among equal keys the greatest value, null being the least.
            (
                "select store, max_by(amount, category) as r from silver.sales group by store",
                &["s1|5.00", "s2|20.00", "null|null"],
            ),
            ("select category, max_by(amount, units) as r from silver.sales group by category", &["a|20.00", "b|5.00"]),
            ("select max_by(date, amount) as r, max_by(units, amount) + 1 as s from silver.sales", &["2026-01-02|4"]),
            // 9 is less than 10, and -7 less than both.
            ("select max_by(k, b) as a, max_by(b, k) as b, max_by(k, abs(i)) as c from n", &["1|3|4"]),
            // A null can be the value of the last row.
            (
                "select max_by(i, k) as a, max_by(i, k) filter (where i is not null) as b from n where k <= 3",
                &["null|2"],
            ),
            (
                "select max_by(p, k) as a, max_by(k, p) as b, max_by(k, not p) as c, max_by(e, d) as d from n",
                &["true|4|2|-2.500"],
            ),
            (
                "select extract(year from max_by(at, day)) as a, extract(day from max_by(day, at)) as b from w",
                &["2026|4"],
            ),
            ("select max_by(k, x) as a, max_by(x, k) as b, max_by(y, x) as c from s", &["1|| pad "]),
            ("select max_by(1, k) as a, max_by('x', i) as b from n", &["1|x"]),
            ("select category from silver.sales group by category having max_by(store, units) = 's1'", &["b"]),
            ("select max_by(x, k) as a, max_by(d, k, x) as b from none", &["null|null"]),
            ("select k, max_by(x, d) as a from none group by k", &[]),
            ("select max_by(k, i) filter (where k > 9) as a from n", &["null"]),
        ],
    );
}

#[test]
fn a_filter_leaves_rows_out_of_an_aggregate() {
    check(
        &tables(),
        &[
            ("select count(*) filter (where p) as a, count(*) filter (where not p) as b from n", &["2|1"]),
            (
                "select count(i) filter (where k > 1) as a, count(distinct p) filter (where k <> 2) as b from n",
                &["2|1"],
            ),
            ("select sum(k) filter (where k > 2) as a, sum(k) filter (where k > 9) as b from n", &["7|null"]),
            ("select min(k) filter (where d > 0) as a, max(k) filter (where d < 0) as b from n", &["1|2"]),
            ("select avg(d) filter (where p) as a, avg(f) filter (where k < 3) as b from n", &["5.525000|0.875"]),
            ("select count(*) filter (where k > 9) as a, count(*) filter (where null) as b from n", &["0|0"]),
            (
                "select category, count(*) filter (where store = 's2') as n, count(*) as m from silver.sales group by category",
                &["a|2|3", "b|0|2"],
            ),
            // What fails is not computed on rows that are left out.
            (
                "select sum(10 / (k - 1)) filter (where k > 1) as a, max_by(10 / (k - 1), 10 / (k - 2)) filter (where k > 2) as b from n",
                &["18|5"],
            ),
        ],
    );
    fails(&tables(), &[("select max_by(10 / (k - 1), k) as a from n", "division by zero")]);
}

#[test]
fn aggregates_of_nothing() {
    check(
        &tables(),
        &[
            (
                "select count(*) as n, count(x) as c, count(distinct x) as e, sum(d) as s, min(x) as a, max(k) as b, avg(d) as g from none",
                &["0|0|0|null|null|null|null"],
            ),
            ("select k, sum(d) as s from none group by k", &[]),
            ("select count(*) as n from none having count(*) > 0", &[]),
            ("select sum(d) as s from n where k = 3", &["null"]),
            ("select k, upper(x) as x, d * 2 + 1 as d, substring(x from k) as y from none where d > 1", &[]),
            ("select 1 as one from none", &[]),
            ("select rank() over (order by k) as r from none", &[]),
        ],
    );
}

#[test]
fn wide_decimals_sum_exactly() {
    let wide = Tables::default().with(
        "t",
        &[(
            "d",
            dec(38, 2),
            &[
                "444444444444444444444444444444444444.44",
                "-0.44",
                "null",
                "555555555555555555555555555555555555.55",
                "0.01",
            ],
        )],
    );
    check(&wide, &[("select sum(d) as s, count(d) as n from t", &["999999999999999999999999999999999999.56|4"])]);
    fails(&wide, &[("select sum(d) + sum(d) as s from t", "out of range")]);
}

#[test]
fn rankings() {
    check(
        &tables(),
        &[
            (
                "select category, store, rank() over (partition by category order by sum(amount) desc) as r \
                 from silver.sales group by category, store",
                &["a|s2|1", "a|s1|2", "b|s1|1", "b|null|2"],
            ),
            (
                "select k, rank() over (order by i) as a, rank() over (order by i desc) as b, \
                 rank() over (order by i nulls first) as c from n",
                &["1|2|2|3", "2|3|1|4", "3|4|4|1", "4|1|3|2"],
            ),
            (
                "select units, date, rank() over (order by amount desc nulls last) as a, \
                 dense_rank() over (order by amount desc) as b, row_number() over (order by amount desc, units) as c \
                 from silver.sales",
                &[
                    "2|2026-01-01|1|1|1",
                    "3|2026-01-02|1|1|2",
                    "1|2026-01-01|3|2|3",
                    "1|2026-01-02|4|3|4",
                    "1|null|5|4|5",
                ],
            ),
            ("with q as (select k, rank() over (order by k) as r from n) select k from q where r = 2", &["2"]),
            ("with q as (select k, rank() over (order by k) as r from n) select r from q where k > 2", &["3", "4"]),
        ],
    );
}

#[test]
fn joins() {
    let tables = tables().with(
        "city",
        &[
            ("store", Type::String, &["s1", "s1", "s3", "null"]),
            ("name", Type::String, &["Bern", "Basel", "Genf", "Chur"]),
        ],
    );
    check(
        &tables,
        &[
            (
                "select s.store, c.name from silver.sales s join city c on s.store = c.store where units = 1 and category = 'b'",
                &["s1|Bern", "s1|Basel"],
            ),
            (
                "select s.date, s.store, name from silver.sales as s left join city c on c.store = s.store",
                &[
                    "2026-01-01|s1|Bern",
                    "2026-01-01|s1|Basel",
                    "2026-01-01|s2|null",
                    "2026-01-02|s2|null",
                    "2026-01-02|s1|Bern",
                    "2026-01-02|s1|Basel",
                    "null|null|null",
                ],
            ),
            (
                "select s.units, name from silver.sales s left join city c on c.store = s.store and c.name = 'Bern' where category = 'b'",
                &["1|Bern", "1|null"],
            ),
            ("select a.k, b.k as other from n a join n b on a.i = b.k", &["1|1", "2|2"]),
            ("select a.k, b.k as other from n a join n b on a.k = b.k and a.i < b.b", &["1|1", "4|4"]),
            ("select a.k from n a join w on a.k = w.k join s on s.k = w.k where s.x = 'abc'", &["1"]),
            ("select a.k from n a join n b on a.d = b.e + 0.925", &["1"]),
            ("select a.k from n a join n b on a.d * 1000000000000000.00000 = b.d * 1000000000000000", &["1", "2", "4"]),
            ("select silver.sales.units from silver.sales where sales.category = 'b'", &["1", "1"]),
            (
                "with t as (select store, sum(amount) as total from silver.sales group by store) \
                 select s.units, t.total from silver.sales s left join t on t.store = s.store where s.category = 'b'",
                &["1|15.00", "1|null"],
            ),
        ],
    );
}

#[test]
fn unions_and_constants() {
    check(
        &tables(),
        &[
            ("select k from n where k < 3 union all select k from s where k < 2", &["1", "2", "1"]),
            (
                "select d from n where k = 1 union all select e from n where k = 1 union all select 7",
                &["1.050", "0.125", "7.000"],
            ),
            ("select 1 as a union all select 2", &["1", "2"]),
            (
                "select 'x' as a, date '2026-01-31' as b from n",
                &["x|2026-01-31", "x|2026-01-31", "x|2026-01-31", "x|2026-01-31"],
            ),
            ("select k, 'x' as a from n where k = 1", &["1|x"]),
            ("select k from n where 1 = 1 and k = 2", &["2"]),
            ("select k from n where 1 = 2", &[]),
        ],
    );
}

#[test]
fn questions() {
    check(
        &tables(),
        &[
            ("select * from w where k = 1", &["1|2026-01-04|2026-01-04 23:59:58.500"]),
            (
                "select distinct d * 1000000000000000.0 as r from n order by r",
                &["-1050000000000000.000", "1050000000000000.000", "10000000000000000.000", "null"],
            ),
            ("select k from n order by d desc, e", &["4", "1", "2", "3"]),
            ("select count(distinct d) as a, count(distinct d * 1000000000000000.0) as b from n", &["3|3"]),
            ("select k from n order by i", &["4", "1", "2", "3"]),
            ("select k from n order by i desc", &["2", "1", "4", "3"]),
            ("select k from n order by i nulls first", &["3", "4", "1", "2"]),
            ("select k, i as z from n order by z desc nulls first limit 2", &["3|null", "2|2"]),
            ("select k, i from n order by 2, 1 limit 1 offset 1", &["1|1"]),
            ("select distinct category from silver.sales order by category", &["a", "b"]),
            ("select distinct amount from silver.sales", &["10.00", "20.00", "5.00", "null"]),
            ("select distinct category, store from silver.sales", &["a|s1", "a|s2", "b|s1", "b|null"]),
            ("select category from silver.sales group by category order by sum(units) desc", &["a", "b"]),
            ("select k from n where k < 3 union all select k from s where k = 4 order by k desc", &["4", "2", "1"]),
            ("select k from n order by k limit 0", &[]),
            ("select count(*) from n", &["4"]),
        ],
    );
}
