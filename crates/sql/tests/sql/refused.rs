//! What is refused, and how it is said.

use assay_sql::Use;

use crate::support::{messages, tables};

fn said(purpose: Use, cases: &[&str]) -> String {
    let tables = tables();
    let line = |sql: &&str| match tables.bind(sql, purpose) {
        Ok(_) => format!("{sql}\n    accepted"),
        Err(errors) => format!("{sql}\n    {}", messages(&errors).replace('\n', "\n    ")),
    };
    cases.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn mistakes_are_all_told_with_their_place() {
    let sql = "select transacton, sum(amout) as s,\n  units + store as x\nfrom silver.sales\nwhere date = '2026-13-01' and uper(store) = 'S1'\ngroup by store";
    insta::assert_snapshot!(said(Use::Model, &[sql]), @r#"
    select transacton, sum(amout) as s,
      units + store as x
    from silver.sales
    where date = '2026-13-01' and uper(store) = 'S1'
    group by store
        1:8 10 there is no column `transacton`
        1:24 5 there is no column `amout` (did you mean `amount`)
        2:3 13 `+` takes numbers, not int32 and string
        4:14 12 this text is not a date (a date is written like '2026-01-31')
        4:31 10 the function `uper` is not in the subset (did you mean `upper`)
    "#);
}

#[test]
fn names_that_are_not_there() {
    insta::assert_snapshot!(said(Use::Model, &[
        "select k from sales",
        "select k from silver.sale",
        "select k from m",
        "select a.k from n",
        "select k from n join s on n.k = s.k",
        "select n.k from n join n on n.k = n.k",
        "select k as a, i as a from n",
        "with q as (select kk from n) select k, z from q",
        "select k + 1 from n",
        "select null as a from n",
    ]), @r#"
    select k from sales
        1:15 5 there is no table `sales` (did you mean `silver.sales`)
    select k from silver.sale
        1:15 11 there is no table `silver.sale` (did you mean `silver.sales`)
    select k from m
        1:15 1 there is no table `m`
    select a.k from n
        1:8 3 there is no table `a` in from to take `a.k` of
    select k from n join s on n.k = s.k
        1:8 1 `k` is a column of more than one table (name the table, as in `n.k`)
    select n.k from n join n on n.k = n.k
        1:8 3 `k` is a column of more than one table (name the table, as in `n.k`)
        1:24 1 `n` stands twice in from (give one of them an alias)
        1:29 3 `k` is a column of more than one table (name the table, as in `n.k`)
        1:35 3 `k` is a column of more than one table (name the table, as in `n.k`)
    select k as a, i as a from n
        1:16 1 there are two columns named `a` (give one of them another name with `as`)
    with q as (select kk from n) select k, z from q
        1:19 2 there is no column `kk` (did you mean `k`)
    select k + 1 from n
        1:8 5 this column has no name (write `as` and a name after it)
    select null as a from n
        1:8 4 the type of this null is not known (write `cast(null as ...)`)
    "#);
}

#[test]
fn types_that_do_not_fit() {
    insta::assert_snapshot!(said(Use::Model, &[
        "select k from n where k",
        "select k from n where k = 'x'",
        "select k from w where day > 5",
        "select k + x as a from s",
        "select upper(k) as a from n",
        "select sum(x) as a from s",
        "select max(p) as a from n",
        "select case when p then 1 else 'x' end as a from n",
        "select cast(p as date) as a from n",
        "select cast(k as decimal(40,2)) as a, cast(k as decimal) as b, cast(k as varchar(3)) as c, cast(k as json) as d from n",
        "select extract(hour from day) as a, extract(epoch from day) as b from w",
        "select d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d as a from n",
        "select round(f, 2) as a, round(d, -1) as b, round(d, k) as c from n",
        "select k from n union all select x from s",
        "select k from n union all select k, i from n",
        "select 1e3 as a",
        "select date '2026-02-30' as a",
    ]), @r#"
    select k from n where k
        1:23 1 the condition of `where` is true, false or null, and this is int32
    select k from n where k = 'x'
        1:23 7 int32 cannot be compared with string (cast one of them to the other's type)
    select k from w where day > 5
        1:23 7 date cannot be compared with int32 (cast one of them to the other's type)
    select k + x as a from s
        1:8 5 `+` takes numbers, not int32 and string
    select upper(k) as a from n
        1:14 1 `upper` takes text, and this is int32 (write `cast(... as varchar)`)
    select sum(x) as a from s
        1:8 5 `sum` takes a number, and this is string
    select max(p) as a from n
        1:8 5 `max` of a boolean is not in the subset
    select case when p then 1 else 'x' end as a from n
        1:8 31 the results of this `case` are of different types, int32 and string
    select cast(p as date) as a from n
        1:13 1 boolean cannot be cast to date
    select cast(k as decimal(40,2)) as a, cast(k as decimal) as b, cast(k as varchar(3)) as c, cast(k as json) as d from n
        1:13 1 a decimal has 1 to 38 digits, and a scale from 0 to that many
        1:44 1 write the digits of the decimal, as in `decimal(15,2)`
        1:69 1 a cast to text with a length cuts it off silently; write `varchar`, or `substring`
        1:97 1 the type `json` is not in the subset; there are boolean, int, bigint, decimal(p,s), double precision, varchar, date, timestamp, timestamp with time zone
    select extract(hour from day) as a, extract(epoch from day) as b from w
        1:26 3 a date has no time of day
        1:56 3 `extract(epoch from ...)` is not in the subset (there are year, quarter, month, week, day, dow, isodow, doy, hour, minute, second)
    select d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d * d as a from n
        1:8 77 the product would have 40 places, and there are 38 (cast an operand to fewer places)
    select round(f, 2) as a, round(d, -1) as b, round(d, k) as c from n
        1:8 10 `round` of a double is not exact (write `round(cast(... as decimal(p,s)), n)`)
        1:26 11 `round` takes a literal number of places from 0 to 38
        1:45 10 `round` takes a literal number of places from 0 to 38
    select k from n union all select x from s
        1:27 15 column `k` is int32 in one select and string in this one
    select k from n union all select k, i from n
        1:27 18 this select has 2 columns and the first has 1
    select 1e3 as a
        1:8 3 a number with an exponent is approximate; write its digits
    select date '2026-02-30' as a
        1:13 12 this text is not a date (a date is written like '2026-01-31')
    "#);
}

#[test]
fn constructs_outside_the_subset() {
    insta::assert_snapshot!(said(Use::Model, &[
        "select * from n",
        "select distinct k from n",
        "select k from n order by k",
        "select k from n limit 3",
        "select k from n, s",
        "select n.k from n right join s on n.k = s.k",
        "select n.k from n full join s on n.k = s.k",
        "select n.k from n cross join s",
        "select n.k from n join s using (k)",
        "select n.k from n join s on n.k < s.k",
        "select n.k from n left join s on n.k = s.k and n.i > 1",
        "select k from (select k from n) as q",
        "select k from n where k in (select k from s)",
        "select k from n where exists (select k from s)",
        "select k from n union select k from s",
        "select k from n except select k from s",
        "select k::bigint as a from n",
        "select k from n where x ilike 'a'",
        "select k % 2 as a from n",
        "select floor(d) as a from n",
        "select sum(k) over (partition by i) as a from n",
        "select rank() over (partition by i) as a from n",
        "select rank() as a from n",
        "select count(distinct k, i) as a from n",
        "select sum(distinct k) as a from n",
        "select median(k) as a, lenght(x) as b from n",
        "select k from n where sum(k) > 1",
        "select sum(sum(k)) as a from n",
        "select k from n group by 1",
        "select k, i from n group by k",
        "select k from n having k > 1",
        "select k from n qualify rank() over (order by k) = 1",
        "select interval '1 day' as a",
        "select current_date as a",
        "with recursive q as (select k from n) select k from q",
        "insert into n values (1)",
        "select k from n; select k from n",
        "",
        "select k from from n",
        "select 'x from n",
        "select $1 as a",
    ]), @r#"
    select * from n
        1:8 1 `*` is not allowed in a model: a new column of the table would change the model (name the columns)
    select distinct k from n
        1:1 6 `select distinct` is not allowed in a model (write `group by` with the columns that make a row)
    select k from n order by k
        1:26 1 a model is a set of rows: `order by` has no meaning in it
    select k from n limit 3
        1:23 1 `limit` and `offset` pick arbitrary rows of a model
    select k from n, s
        1:18 1 a comma between tables joins every row with every row; write `join ... on`
    select n.k from n right join s on n.k = s.k
        1:30 1 `right join` is not in the subset; swap the tables and write `left join`
    select n.k from n full join s on n.k = s.k
        1:29 1 `full join` is not in the subset
    select n.k from n cross join s
        1:30 1 `cross join` is not in the subset
    select n.k from n join s using (k)
        1:24 1 `using` is not in the subset; write `on a.x = b.x`
    select n.k from n join s on n.k < s.k
        1:29 9 this join has no equality between the two tables, and would join every row with every row
    select n.k from n left join s on n.k = s.k and n.i > 1
        1:48 7 a left join takes equalities between the two tables and conditions on the right one only
    select k from (select k from n) as q
        1:16 15 a query in from is not in the subset (name it with `with name as (select ...)`)
    select k from n where k in (select k from s)
        1:23 21 `in (select ...)` is not in the subset (join a query named in `with`)
    select k from n where exists (select k from s)
        1:31 15 `exists` is not in the subset (join a query named in `with`)
    select k from n union select k from s
        1:23 15 `union` without `all` removes duplicates and is not in the subset; write `union all`
    select k from n except select k from s
        1:24 15 `except` is not in the subset
    select k::bigint as a from n
        1:8 1 `::` is not in the subset (write `cast(... as bigint)`)
    select k from n where x ilike 'a'
        1:23 11 `ilike` is not in the subset (write `lower(...) like ...`)
    select k % 2 as a from n
        1:8 5 the operator `%` is not in the subset
    select floor(d) as a from n
        1:14 1 `floor` is not in the subset
    select sum(k) over (partition by i) as a from n
        1:8 5 `sum` over a window is not in the subset; rank, dense_rank and row_number are
    select rank() over (partition by i) as a from n
        1:8 4 `rank` needs an `order by` inside `over`
    select rank() as a from n
        1:8 4 write `rank() over (partition by ... order by ...)`
    select count(distinct k, i) as a from n
        1:8 19 `count` takes one argument
    select sum(distinct k) as a from n
        1:8 14 `distinct` inside `sum` is not in the subset; it is in `count`
    select median(k) as a, lenght(x) as b from n
        1:8 8 the function `median` is not in the subset
        1:24 8 the function `lenght` is not in the subset
    select k from n where sum(k) > 1
        1:23 5 the aggregate `sum` cannot stand in where
    select sum(sum(k)) as a from n
        1:12 5 the aggregate `sum` cannot stand inside another aggregate
    select k from n group by 1
        1:26 1 a constant groups nothing; repeat the expression of the select list
    select k, i from n group by k
        1:11 1 column `i` is neither in `group by` nor inside an aggregate (add it to `group by`, or write `max(i)`)
    select k from n having k > 1
        1:24 5 `having` without `group by` or an aggregate; write `where`
    select k from n qualify rank() over (order by k) = 1
        1:1 6 `qualify` is not in the subset
    select interval '1 day' as a
        1:17 7 `interval` is not in the subset
    select current_date as a
        1:8 12 the function `current_date` is not in the subset
    with recursive q as (select k from n) select k from q
        1:1 4 `with recursive` is not in the subset
    insert into n values (1)
        1:1 6 this statement is not a query; only select is allowed
    select k from n; select k from n
        1:1 6 there is more than one statement; a query is one select

        1:1 1 there is no query here
    select k from from n
        1:15 4 there is no table `from`
    select 'x from n
        1:8 1 unterminated string literal
    select $1 as a
        1:8 2 a query has no parameters
    "#);
}

#[test]
fn aggregates_take_what_they_can_use() {
    insta::assert_snapshot!(said(Use::Model, &[
        "select max_by(k) as a, max_by(*) as b from n",
        "select max_by(k, f) as a, max_by(f, k) as b from n",
        "select max_by(k, 1) as a, max_by(null, k) as b from n",
        "select max_by(distinct k, i) as a from n",
        "select max_by(k, sum(i)) as a from n",
        "select k from n where max_by(k, i) > 1",
        "select k, max_by(i, k) as a from n group by i",
        "select maxby(k, i) as a from n",
        "select max_by(k, i) over (partition by i) as a from n",
        "select sum(k) filter (where i) as a from n",
        "select sum(k) filter (where sum(i) > 1) as a from n",
        "select max_by(z, i) filter (where q) as a from n",
        "select upper(x) filter (where k > 1) as a from s",
        "select rank() filter (where p) over (order by k) as a from n",
        "select sum(k) within group (order by i) as a from n",
    ]), @r#"
    select max_by(k) as a, max_by(*) as b from n
        1:8 8 `max_by` takes a value, and one key or more that order the rows (write `max_by(value, key)`)
        1:24 6 `max_by` takes a value, and one key or more that order the rows (write `max_by(value, key)`)
    select max_by(k, f) as a, max_by(f, k) as b from n
        1:18 1 `max_by` of a double is not in the subset (cast it to a decimal)
        1:34 1 `max_by` of a double is not in the subset (cast it to a decimal)
    select max_by(k, 1) as a, max_by(null, k) as b from n
        1:18 1 a constant neither parts nor orders rows; name an expression
        1:34 4 the type of this null is not known (write `cast(null as ...)`)
    select max_by(distinct k, i) as a from n
        1:8 20 `distinct` inside `max_by` is not in the subset; it is in `count`
    select max_by(k, sum(i)) as a from n
        1:18 5 the aggregate `sum` cannot stand inside another aggregate
    select k from n where max_by(k, i) > 1
        1:23 11 the aggregate `max_by` cannot stand in where
    select k, max_by(i, k) as a from n group by i
        1:8 1 column `k` is neither in `group by` nor inside an aggregate (add it to `group by`, or write `max(k)`)
    select maxby(k, i) as a from n
        1:8 10 the function `maxby` is not in the subset (did you mean `max_by`)
    select max_by(k, i) over (partition by i) as a from n
        1:8 11 `max_by` over a window is not in the subset; rank, dense_rank and row_number are
    select sum(k) filter (where i) as a from n
        1:29 1 the condition of `filter` is true, false or null, and this is int32
    select sum(k) filter (where sum(i) > 1) as a from n
        1:29 5 the aggregate `sum` cannot stand inside another aggregate
    select max_by(z, i) filter (where q) as a from n
        1:15 1 there is no column `z`
        1:35 1 there is no column `q`
    select upper(x) filter (where k > 1) as a from s
        1:8 28 `filter` stands behind aggregates, and `upper` is none
    select rank() filter (where p) over (order by k) as a from n
        1:8 22 `filter` stands behind aggregates, and `rank` is none
    select sum(k) within group (order by i) as a from n
        1:8 31 `within group` and null treatment of `sum` are not in the subset
    "#);
}

#[test]
fn questions_have_limits_too() {
    insta::assert_snapshot!(said(Use::Query, &[
        "select k from n order by 3",
        "select k from n limit k",
        "select distinct k from n order by i",
        "select k from n union all select k from s order by k + 1",
        "with q as (select k from n order by k) select k from q",
        "select k from n offset -1",
    ]), @r#"
    select k from n order by 3
        1:26 1 there is no column number 3 in the result
    select k from n limit k
        1:23 1 `limit` and `offset` take a whole number
    select distinct k from n order by i
        1:35 1 with `distinct`, `order by` takes columns of the result
    select k from n union all select k from s order by k + 1
        1:52 5 after `union all`, `order by` takes names or numbers of its columns
    with q as (select k from n order by k) select k from q
        1:12 26 `order by` or `limit` of an inner query is not in the subset
    select k from n offset -1
        1:25 1 `limit` and `offset` take a whole number
    "#);
}

#[test]
fn size_and_depth_are_bounded() {
    let tables = tables();
    let refusal = |sql: String| messages(&tables.bind(&sql, Use::Query).unwrap_err());
    let chain = |n: usize| format!("select {} as a", vec!["1"; n + 1].join(" + "));
    assert!(refusal(chain(501)).contains("more than 500 operators"));
    assert!(refusal(format!("select {}1{} as a", "(".repeat(5_000), ")".repeat(5_000))).contains("nests too deep"));
    assert!(refusal(format!("select '{}' as a", "x".repeat(300_000))).contains("at most 262144"));
    // The longest chain that is taken runs on the stack of an ordinary thread.
    let longest = format!("select {} as a from n", vec!["k"; 500].join(" + "));
    assert_eq!(tables.run(&longest).unwrap()[0], ["500"]);
    let list = (0..20_000).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(tables.run(&format!("select k from n where k in ({list})")).unwrap().len(), 4);
}
