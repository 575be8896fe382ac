//! Tables of texts and mistakes, and the round trip through text.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::expression::{Comparison, Number};
use proptest::prelude::*;

const COLUMNS: Columns<'static> = &[
    ("quantity_sold", Some(ColumnType::Int32)),
    ("unit_price", Some(ColumnType::Decimal { precision: 10, scale: 2 })),
    ("total_amount", Some(ColumnType::Decimal { precision: 15, scale: 2 })),
    ("huge", Some(ColumnType::Decimal { precision: 38, scale: 10 })),
    ("city", Some(ColumnType::String { limit: None })),
    ("paid", Some(ColumnType::Boolean)),
    ("weight", Some(ColumnType::Double)),
    ("day", Some(ColumnType::Date)),
    ("sold_at", Some(ColumnType::Timestamp)),
    ("seen_at", Some(ColumnType::Instant)),
    ("broken", None),
];

#[test]
fn binds_as_written_in_sql() {
    for (text, grouped) in [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a - (b - c)", "(a - (b - c))"),
        ("-a * b", "((- a) * b)"),
        ("not a = b and c or d", "(((not (a = b)) and c) or d)"),
        ("a or b and c", "(a or (b and c))"),
        ("abs(a-b)<=0.01", "(abs((a - b)) <= 0.01)"),
        ("a != 'it''s'", "(a <> 'it's')"),
        ("date(a) = file_date()", "(date(a) = file_date())"),
        ("starts_with(a, 'it''s') or b", "(starts_with(a, 'it's') or b)"),
        ("a in ('x')", "(a = 'x')"),
        ("not a in (1, -2)", "(not ((a = 1) or (a = (- 2))))"),
        ("a in ('x', 'y', 'z') and b", "((((a = 'x') or (a = 'y')) or (a = 'z')) and b)"),
        ("a not in (1, 2, 3, 4)", "(((a <> 1) and (a <> 2)) and ((a <> 3) and (a <> 4)))"),
    ] {
        assert_eq!(group(&Expression::parse(text).unwrap()), grouped, "{text}");
    }
}

/// An independent printer: every operation in parentheses.
fn group(expression: &Expression) -> String {
    match expression {
        Expression::Column(name) => name.clone(),
        Expression::Number(number) => number.to_string(),
        Expression::Text(text) => format!("'{text}'"),
        Expression::Absolute(inner) => format!("abs({})", group(inner)),
        Expression::Negate(inner) => format!("(- {})", group(inner)),
        Expression::Not(inner) => format!("(not {})", group(inner)),
        Expression::Arithmetic(left, sign, right) => format!("({} {sign} {})", group(left), group(right)),
        Expression::Compare(left, sign, right) => format!("({} {sign} {})", group(left), group(right)),
        Expression::And(left, right) => format!("({} and {})", group(left), group(right)),
        Expression::Or(left, right) => format!("({} or {})", group(left), group(right)),
        Expression::DateOf(inner) => format!("date({})", group(inner)),
        Expression::FileDate => "file_date()".to_owned(),
        Expression::StartsWith(inner, start) => format!("starts_with({}, '{start}')", group(inner)),
    }
}

#[test]
fn accepts_what_the_columns_allow() {
    for text in [
        "abs(total_amount - quantity_sold * unit_price) <= 0.01",
        "city = 'Recife' or not paid",
        "quantity_sold * unit_price",
        "broken = 1 and broken = 'a'",
        "huge >= 0",
        "date(sold_at) = day and date(seen_at) <= file_date()",
        "sold_at < sold_at and seen_at <> seen_at",
        "starts_with(city, 'S') and starts_with(broken, 'S')",
        "city not in ('Recife', 'Lyon') or quantity_sold in (1, -2, 0.50)",
    ] {
        assert!(parse_over(text, COLUMNS).is_ok(), "{text}");
    }
}

#[test]
fn every_mistake_has_its_place() {
    let mut found = String::new();
    for text in [
        "total_amont > quantity_sld",
        "city > 5",
        "city + 1 > 0",
        "weight > 1 and day = '2024-01-01'",
        "paid = paid",
        "not total_amount",
        "total_amount and city",
        "huge * huge > 0",
        "huge + 1 > 0",
        "abs(city) = 1",
        "ab(total_amount)",
        "1 < quantity_sold < 5",
        "total_amount / 2",
        "total_amount == 2",
        "city = \"x\"",
        "city = 'x",
        "Total_Amount > 1 AND paid",
        "total_amount >",
        "(total_amount > 1",
        "total_amount 5",
        "1e5 > 0",
        "",
        ") > 1",
        "total_amount ± 1",
        "sold_at < seen_at or day = sold_at",
        "date(day) = date(city)",
        "date() = day",
        "file_date(day) = day",
        "starts_with(day, 'S')",
        "starts_with(city)",
        "starts_with(city, city)",
        "city in (1, 'a', day)",
        "city in ('a',)",
        "city in 'a'",
        "city in ()",
        "abs(total_amount) in (1)",
        "quantity_sold in (1, 'a') = 2",
        "huge in (0.00000000000000000000000000001)",
        "city not ('a')",
        "in in (1)",
    ] {
        found.push_str(&format!("{text}\n"));
        for mistake in parse_over(text, COLUMNS).unwrap_err() {
            let width = text[mistake.range.clone()].chars().count().max(1);
            let pad = text[..mistake.range.start].chars().count();
            found.push_str(&format!("{}{} {mistake}", " ".repeat(pad), "^".repeat(width)));
            found.push_str(&mistake.suggestion.map_or("\n".into(), |meant| format!(" ({meant}?)\n")));
        }
    }
    insta::assert_snapshot!(found, @r#"
    total_amont > quantity_sld
    ^^^^^^^^^^^ there is no column `total_amont` (total_amount?)
                  ^^^^^^^^^^^^ there is no column `quantity_sld` (quantity_sold?)
    city > 5
    ^^^^^^^^ a text cannot be compared with a number
    city + 1 > 0
    ^^^^ expected a number, and this is a text
    weight > 1 and day = '2024-01-01'
    ^^^^^^ `weight` is a double; expressions are exact, so declare it as a decimal
                   ^^^^^^^^^^^^^^^^^^ a date cannot be compared with a text
    paid = paid
    ^^^^^^^^^^^ conditions are not compared; use and, or, not
    not total_amount
        ^^^^^^^^^^^^ expected a condition, and this is a number
    total_amount and city
    ^^^^^^^^^^^^ expected a condition, and this is a number
                     ^^^^ expected a condition, and this is a text
    huge * huge > 0
    ^^^^^^^^^^^ this can have 76 digits, and 38 is the most that is exact
    huge + 1 > 0
    ^^^^^^^^ this can have 39 digits, and 38 is the most that is exact
    abs(city) = 1
        ^^^^ expected a number, and this is a text
    ^^^^^^^^^^^^^ a text cannot be compared with a number
    ab(total_amount)
    ^^ there is no function `ab`; functions are abs, date, file_date, starts_with (abs?)
    1 < quantity_sold < 5
                      ^ comparisons do not chain; join two with `and`
    total_amount / 2
                 ^ there is no division, because its result would not be exact
    total_amount == 2
                 ^^ equality is written with one sign (=?)
    city = "x"
           ^ a text stands between single quotes ('?)
    city = 'x
           ^^ this text has no closing `'`
    Total_Amount > 1 AND paid
    ^^^^^^^^^^^^ names and words are in lower case (total_amount?)
    total_amount >
                  ^ the expression ends where a value is expected
    (total_amount > 1
                     ^ expected `)`
    total_amount 5
                 ^ expected an operator or the end
    1e5 > 0
    ^^^ this is not a number: digits with at most one point between them, 38 at most

    ^ the expression ends where a value is expected
    ) > 1
    ^ expected a column, a number, a text or `(`
    total_amount ± 1
                 ^ this sign has no meaning in an expression
    sold_at < seen_at or day = sold_at
    ^^^^^^^^^^^^^^^^^ a timestamp cannot be compared with an instant
                         ^^^^^^^^^^^^^ a date cannot be compared with a timestamp
    date(day) = date(city)
         ^^^ expected a timestamp or an instant, and this is a date
                     ^^^^ expected a timestamp or an instant, and this is a text
    date() = day
         ^ expected a column, a number, a text or `(`
    file_date(day) = day
              ^^^ expected `)`
    starts_with(day, 'S')
                ^^^ expected a text, and this is a date
    starts_with(city)
                    ^ expected `,` and the text that is looked for
    starts_with(city, city)
                      ^^^^ expected a text between single quotes
    city in (1, 'a', day)
             ^ a text cannot be compared with a number
                     ^^^ a list holds texts and numbers
    city in ('a',)
                 ^ expected a column, a number, a text or `(`
    city in 'a'
            ^^^ expected a list such as `('a', 'b')`
    city in ()
             ^ expected a column, a number, a text or `(`
    abs(total_amount) in (1)
    ^^^^^^^^^^^^^^^^^ `in` is asked of a column
    quantity_sold in (1, 'a') = 2
                         ^^^ a number cannot be compared with a text
                              ^ expected an operator or the end
    huge in (0.00000000000000000000000000001)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this can have 57 digits, and 38 is the most that is exact
    city not ('a')
         ^^^ expected an operator or the end
    in in (1)
    ^^ expected a column, a number, a text or `(`
    "#);
}

#[test]
fn deep_text_is_refused_and_the_limit_itself_is_not() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(DEPTH)).is_ok());
    for text in [
        nested(DEPTH + 1),
        nested(500_000),
        "not ".repeat(500_000),
        "-".repeat(500_000),
        "abs(".repeat(500_000),
        format!("a{}", " + a".repeat(500_000)),
        format!("a{}", " or a".repeat(DEPTH)),
    ] {
        assert_eq!(
            Expression::parse(&text).unwrap_err().message,
            "the expression is too deep: 128 levels are the limit"
        );
    }
}

#[test]
fn a_list_may_be_long() {
    let values: Vec<String> = (0..20_000).map(|at| at.to_string()).collect();
    let expression = Expression::parse(&format!("a in ({})", values.join(", "))).unwrap();
    assert_eq!(expression.columns(), ["a"]);
    assert_eq!(Expression::parse(&expression.to_string()), Ok(expression));
}

/// Whether a number is in a list, as the comparisons say that a list stands for.
fn holds(expression: &Expression, value: i128) -> bool {
    let units = |side: &Expression| match side {
        Expression::Column(_) => value,
        Expression::Number(number) => number.unscaled,
        other => panic!("{other}"),
    };
    match expression {
        Expression::Or(left, right) => holds(left, value) || holds(right, value),
        Expression::And(left, right) => holds(left, value) && holds(right, value),
        Expression::Compare(left, Comparison::Equal, right) => units(left) == units(right),
        Expression::Compare(left, Comparison::NotEqual, right) => units(left) != units(right),
        other => panic!("{other}"),
    }
}

fn expressions() -> impl Strategy<Value = Expression> {
    let digits = (0i128..=10i128.pow(30), 0u8..=8);
    let leaf = prop_oneof![
        "[a-z][a-z0-9_]{0,8}"
            .prop_filter("reserved", |word| !["and", "or", "not", "in"].contains(&word.as_str()))
            .prop_map(Expression::Column),
        digits.prop_map(|(unscaled, scale)| Expression::Number(Number { unscaled, scale })),
        "(?s).{0,6}".prop_map(Expression::Text),
        Just(Expression::FileDate),
    ];
    let sign = prop_oneof![Just(Arithmetic::Add), Just(Arithmetic::Subtract), Just(Arithmetic::Multiply)];
    let compare = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual),
    ];
    leaf.prop_recursive(6, 40, 2, move |inner| {
        let pair = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            inner.clone().prop_map(|e| Expression::Absolute(Box::new(e))),
            inner.clone().prop_map(|e| Expression::Negate(Box::new(e))),
            inner.clone().prop_map(|e| Expression::Not(Box::new(e))),
            inner.clone().prop_map(|e| Expression::DateOf(Box::new(e))),
            (inner.clone(), "(?s).{0,6}").prop_map(|(e, start)| Expression::StartsWith(Box::new(e), start)),
            (pair(), sign.clone()).prop_map(|((l, r), s)| Expression::Arithmetic(l, s, r)),
            (pair(), compare.clone()).prop_map(|((l, r), s)| Expression::Compare(l, s, r)),
            pair().prop_map(|(l, r)| Expression::And(l, r)),
            pair().prop_map(|(l, r)| Expression::Or(l, r)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(expression in expressions()) {
        prop_assert_eq!(Expression::parse(&expression.to_string()), Ok(expression));
    }

    #[test]
    fn a_list_holds_its_values_and_no_others(values in prop::collection::vec(0i128..20, 1..12), asked in 0i128..20) {
        let list: Vec<String> = values.iter().map(i128::to_string).collect();
        for (text, expected) in [("a in", values.contains(&asked)), ("a not in", !values.contains(&asked))] {
            let expression = Expression::parse(&format!("{text} ({})", list.join(", "))).unwrap();
            prop_assert_eq!(holds(&expression, asked), expected);
        }
    }

    #[test]
    fn no_text_panics_and_every_place_is_inside(text in "(?s).{0,60}") {
        if let Err(mistake) = Expression::parse(&text) {
            prop_assert!(text.get(mistake.range).is_some());
        }
    }

    #[test]
    fn no_likely_text_panics(words in prop::collection::vec(prop::sample::select(vec![
        "(", ")", ",", "abs", "date", "file_date", "starts_with", "not", "and", "or", "in", "-", "*", "+", "<", "=", "'a'",
        "1", "0.5", "city", "total_amount", "paid", "sold_at", "day",
    ]), 0..14)) {
        let text = words.join(" ");
        for mistake in parse_over(&text, COLUMNS).err().unwrap_or_default() {
            prop_assert!(text.get(mistake.range).is_some());
        }
    }
}
