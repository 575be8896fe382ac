//! What each kind of dirt does to the cells of a record.

use super::dirt::Kind;
use super::row::*;
use crate::random::Random;
use chrono::{Days, NaiveDate};

/// Applies the kinds that change cells; the others leave the record as it is.
pub(super) fn apply(kind: Kind, row: &mut Row<'_>, dates: (NaiveDate, u32), random: &mut Random) {
    match kind {
        Kind::Missing => missing(row, random),
        Kind::WrongType => wrong_type(row, random),
        Kind::OutOfRange => out_of_range(row, random),
        Kind::TooLong => too_long(row, random),
        Kind::WrongTotal => wrong_total(row, random),
        Kind::Several => several(row, random),
        Kind::OtherDateFormat => other_date_format(row, random),
        Kind::OtherFolder => other_folder(row, dates, random),
        Kind::NumberAsText => number_as_text(row, random),
        Kind::TextAsNumber => row.set(PRODUCT_NAME, Cell::bare(*random.pick(&["1984", "7.50", "1e3", "true"]))),
        Kind::NumberForm => number_form(row, random),
        Kind::WhiteSpace => white_space(row, random),
        Kind::PaymentWords => payment_words(row, random),
        Kind::NullTotal => row.set(TOTAL, random.pick(&[Cell::Null, Cell::Absent, Cell::text("  ")]).clone()),
        Kind::RoundedTotal => row.set(TOTAL, Cell::Cents(row.quantity * row.price + *random.pick(&[-1, 1]))),
        Kind::OtherName => other_name(row, random),
        Kind::LineBreak => line_break(row, random),
        Kind::MissingOptional => {
            row.set(*random.pick(&[STORE_NAME, CITY, CATEGORY, CUSTOMER_NAME, PAYMENT]), Cell::Null)
        }
        Kind::Malformed | Kind::Duplicate | Kind::BlankLine => {}
    }
}

/// The same transaction once more, with another quantity, price and payment.
pub(super) fn again<'a>(row: &Row<'a>, random: &mut Random) -> Row<'a> {
    let mut again = row.clone();
    again.sell(row.quantity + 1 + random.below(3) as i64, row.price + 1);
    again.set(PAYMENT, Cell::text("corrected"));
    again
}

fn missing(row: &mut Row<'_>, random: &mut Random) {
    let column = *random.pick(&[TRANSACTION_ID, DATE, STORE_ID, PRODUCT_ID, CUSTOMER_ID, QUANTITY, PRICE]);
    row.set(column, random.pick(&[Cell::Absent, Cell::Null, Cell::text(""), Cell::text(" \t ")]).clone());
}

fn wrong_type(row: &mut Row<'_>, random: &mut Random) {
    let price = row.plain(PRICE);
    let (column, cell) = match random.below(10) {
        0 => (PRICE, Cell::text(price.replace('.', ","))),
        1 => (PRICE, Cell::bare(format!("{price}5"))),
        2 => (PRICE, Cell::bare("true")),
        3 => (PRICE, Cell::text(format!("EUR {price}"))),
        4 => (PRICE, Cell::bare("123456789.00")),
        5 => (QUANTITY, Cell::text("three")),
        6 => (QUANTITY, Cell::bare("1.5")),
        7 => (QUANTITY, Cell::bare("3000000000")),
        8 => (DATE, Cell::text(row.date.format("%Y/%m/%d").to_string())),
        _ => (DATE, Cell::text(row.date.format("%Y-13-%d").to_string())),
    };
    row.set(column, cell);
}

fn out_of_range(row: &mut Row<'_>, random: &mut Random) {
    match random.below(4) {
        0 => row.set(QUANTITY, Cell::Whole(0)),
        1 => row.set(QUANTITY, Cell::Whole(-row.quantity)),
        2 => row.set(PRICE, Cell::Cents(0)),
        _ => row.set(PRICE, Cell::Cents(-row.price)),
    }
}

fn too_long(row: &mut Row<'_>, random: &mut Random) {
    let (column, limit) =
        *random.pick(&[(TRANSACTION_ID, 100), (STORE_ID, 50), (CITY, 100), (CUSTOMER_NAME, 200), (PAYMENT, 50)]);
    row.set(column, Cell::text(stretched(&row.plain(column), limit + 1 + random.below(40) as usize)));
}

fn wrong_total(row: &mut Row<'_>, random: &mut Random) {
    let total = row.quantity * row.price;
    row.set(TOTAL, Cell::Cents(*random.pick(&[total + 2, total - 2, total * 10, total + 100, -total, 0])));
}

fn several(row: &mut Row<'_>, random: &mut Random) {
    row.set(QUANTITY, Cell::text("three"));
    row.set(PRICE, Cell::Cents(-row.price));
    if random.below(2) == 0 {
        row.set(STORE_ID, Cell::Null);
    }
}

fn other_date_format(row: &mut Row<'_>, random: &mut Random) {
    let format = *random.pick(&["%d/%m/%Y", "%-d/%-m/%Y", "%d/%m/%Y"]);
    row.set(DATE, Cell::text(row.date.format(format).to_string()));
}

fn other_folder(row: &mut Row<'_>, (first, count): (NaiveDate, u32), random: &mut Random) {
    if let Some(date) = first.checked_add_days(Days::new(random.below(u64::from(count)))) {
        row.date = date;
        row.set(DATE, Cell::Day(date));
    }
}

fn number_as_text(row: &mut Row<'_>, random: &mut Random) {
    for &column in *random.pick(&[&[QUANTITY][..], &[PRICE], &[TOTAL], &[QUANTITY, PRICE, TOTAL]]) {
        row.set(column, Cell::text(row.plain(column)));
    }
}

fn number_form(row: &mut Row<'_>, random: &mut Random) {
    let (price, quantity, total) = (row.price, row.quantity, row.quantity * row.price);
    let (column, text) = match random.below(6) {
        0 => (PRICE, format!("{price}e-2")),
        1 => (PRICE, format!("{}000", amount(price))),
        2 => (PRICE, format!("0.{price:010}E8")),
        3 => (QUANTITY, format!("{quantity}.0")),
        4 => (QUANTITY, format!("{quantity}0e-1")),
        _ => (TOTAL, format!("{total}.0E-2")),
    };
    row.set(column, Cell::bare(text));
}

fn white_space(row: &mut Row<'_>, random: &mut Random) {
    let space = *random.pick(&[" ", "  ", "\t", "\u{a0}", "\u{3000}", " \u{2003}"]);
    for column in [TRANSACTION_ID, DATE, STORE_ID, STORE_NAME, CUSTOMER_ID, QUANTITY, PRICE, PAYMENT] {
        if random.below(2) == 0 {
            row.set(column, Cell::text(format!("{space}{}{space}", row.plain(column))));
        }
    }
}

fn payment_words(row: &mut Row<'_>, random: &mut Random) {
    row.set(
        PAYMENT,
        Cell::text(*random.pick(&["Credit Card", "DEBIT CARD", "Gift card", "Mobile", "Bank Transfer", "CASH"])),
    );
}

fn other_name(row: &mut Row<'_>, random: &mut Random) {
    let (column, limit) = *random.pick(&[(STORE_NAME, 100), (PRODUCT_NAME, 200), (CUSTOMER_NAME, 200), (CITY, 100)]);
    let name = row.plain(column);
    let other = match random.below(4) {
        0 => name.to_uppercase(),
        1 => format!("{name} (new)"),
        2 => format!("é{name}"),
        // Exactly as long as the contract allows, counted in characters.
        _ => stretched(&name, limit),
    };
    row.set(column, Cell::text(other));
}

fn line_break(row: &mut Row<'_>, random: &mut Random) {
    let column = *random.pick(&[STORE_NAME, PRODUCT_NAME, CUSTOMER_NAME]);
    row.set(column, Cell::text(format!("{},\n\"{}\"", row.plain(column), row.plain(CITY))));
}

/// `text` followed by `ł` up to `length` characters.
fn stretched(text: &str, length: usize) -> String {
    text.chars().chain(std::iter::repeat('ł')).take(length).collect()
}
