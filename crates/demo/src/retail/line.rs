//! One line of an invoice as text fields, and what dirt does to it.

use crate::random::Random;
use chrono::{NaiveDateTime, Timelike};

/// The header, in the order of the fields.
pub(super) const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const INVOICE: usize = 0;
const STOCK: usize = 1;
const DESCRIPTION: usize = 2;
const QUANTITY: usize = 3;
const MOMENT: usize = 4;
const PRICE: usize = 5;
const CUSTOMER: usize = 6;
const COUNTRY: usize = 7;

/// How a moment is written; the shares are those of the files that people pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Seconds,
    Minutes,
    American,
    ShortAmerican,
    ShortEuropean,
}

pub(super) const STYLES: &[Style] = &[
    Style::American,
    Style::American,
    Style::American,
    Style::Seconds,
    Style::Minutes,
    Style::ShortAmerican,
    Style::ShortEuropean,
];

impl Style {
    fn write(self, moment: NaiveDateTime) -> String {
        let (bare, full) = match self {
            Self::Seconds => return moment.format("%Y-%m-%d %H:%M:%S").to_string(),
            Self::Minutes => ("%Y-%-m-%-d %-H:%M", "%Y-%m-%d %H:%M"),
            Self::American => ("%-m/%-d/%Y %-H:%M", "%m/%d/%Y %H:%M"),
            Self::ShortAmerican => ("%-m/%-d/%y %-H:%M", "%m/%d/%y %H:%M"),
            Self::ShortEuropean => ("%d-%m-%y %-H:%M", "%d-%m-%y %H:%M"),
        };
        moment.format(if moment.minute().is_multiple_of(2) { bare } else { full }).to_string()
    }
}

/// What an invoice's lines share.
#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub number: String,
    pub moment: NaiveDateTime,
    pub style: Style,
    pub customer: Option<u64>,
    pub country: &'static str,
}

/// A line and the numbers that its dirt is made from.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub fields: [String; 8],
    quantity: i64,
    /// Thousandths.
    price: i64,
    moment: NaiveDateTime,
}

impl Line {
    pub(super) fn new(invoice: &Invoice, article: &super::goods::Article, quantity: i64, random: &mut Random) -> Self {
        let price = if random.below(9) == 0 { article.price * 4 / 5 } else { article.price };
        let customer = match invoice.customer {
            Some(number) if random.below(3) == 0 => format!("{number}.0"),
            Some(number) => number.to_string(),
            None => String::new(),
        };
        let fields = [
            invoice.number.clone(),
            article.code.clone(),
            article.name.to_owned(),
            quantity.to_string(),
            invoice.style.write(invoice.moment),
            amount(price),
            customer,
            invoice.country.to_owned(),
        ];
        Self { fields, quantity, price, moment: invoice.moment }
    }

    /// The same line in other words, which cleaning makes equal.
    pub(super) fn again(&self, random: &mut Random) -> Self {
        let mut again = self.clone();
        again.fields[STOCK] = format!(" {}", self.fields[STOCK].to_lowercase());
        again.fields[MOMENT] = random.pick(STYLES).write(self.moment);
        again.fields[PRICE] = format!("{}00", thousandths(self.price));
        if let Some(whole) = self.fields[CUSTOMER].strip_suffix(".0") {
            again.fields[CUSTOMER] = whole.to_owned();
        }
        again
    }

    pub(super) fn negate(&mut self) {
        self.fields[QUANTITY] = (-self.quantity).to_string();
    }

    pub(super) fn worthless(&mut self, random: &mut Random) {
        self.fields[PRICE] = (*random.pick(&["0", "0.0", "-11062.06", "0.000"])).to_owned();
    }

    pub(super) fn describe_otherwise(&mut self, random: &mut Random) {
        self.fields[DESCRIPTION] =
            (*random.pick(&["", "   ", "damaged?", "?", "wrongly coded", "Ñ \u{a0}"])).to_owned();
    }

    pub(super) fn break_line(&mut self) {
        self.fields[DESCRIPTION] = format!("{},\n\"{}\"", self.fields[DESCRIPTION].trim(), self.fields[COUNTRY]);
    }

    pub(super) fn mistype(&mut self, random: &mut Random) {
        let (field, text) = match random.below(8) {
            0 => (MOMENT, self.moment.format("%d.%m.%Y %H:%M").to_string()),
            1 => (MOMENT, self.moment.format("13/31/%Y %H:%M").to_string()),
            2 => (MOMENT, self.moment.format("%Y-%m-%dT%H:%M:%S").to_string()),
            3 => (MOMENT, self.moment.format("%m/%d/%Y 24:%M").to_string()),
            4 => (PRICE, format!("{}5", thousandths(self.price))),
            5 => (PRICE, amount(self.price).replace('.', ",")),
            6 => (QUANTITY, "six".to_owned()),
            _ => (QUANTITY, format!("{}.5", self.quantity)),
        };
        self.fields[field] = text;
    }

    pub(super) fn lose(&mut self, random: &mut Random) {
        let field = *random.pick(&[INVOICE, STOCK, QUANTITY, MOMENT, PRICE, COUNTRY]);
        self.fields[field] = (*random.pick(&["", "  ", "\u{a0}"])).to_owned();
    }

    /// Each number fits its type and their product does not.
    pub(super) fn outgrow(&mut self) {
        self.fields[QUANTITY] = "2000000000".to_owned();
        self.fields[PRICE] = "9999999.999".to_owned();
    }

    pub(super) fn write_numbers_otherwise(&mut self, random: &mut Random) {
        let (field, text) = match random.below(5) {
            0 => (QUANTITY, format!("{}.0", self.quantity)),
            1 => (QUANTITY, format!("{}0e-1", self.quantity)),
            2 => (PRICE, format!("{}e-3", self.price)),
            3 => (PRICE, format!("{}00", thousandths(self.price))),
            _ => (PRICE, format!("+{}", thousandths(self.price))),
        };
        self.fields[field] = text;
    }

    pub(super) fn pad(&mut self) {
        for field in [INVOICE, STOCK, DESCRIPTION, MOMENT, CUSTOMER, COUNTRY] {
            self.fields[field] = format!(" {}\u{a0}", self.fields[field]);
        }
    }

    pub(super) fn lower_code(&mut self) {
        self.fields[STOCK] = self.fields[STOCK].to_lowercase();
    }
}

/// Without zeros at the end, as spreadsheets write numbers.
fn amount(price: i64) -> String {
    let text = thousandths(price);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn thousandths(price: i64) -> String {
    format!("{}.{:03}", price / 1_000, price % 1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_are_written_in_each_style() {
        let at = |minute| chrono::NaiveDate::from_ymd_opt(2026, 1, 5).unwrap().and_hms_opt(8, minute, 0).unwrap();
        for (style, even, odd) in [
            (Style::Seconds, "2026-01-05 08:26:00", "2026-01-05 08:27:00"),
            (Style::Minutes, "2026-1-5 8:26", "2026-01-05 08:27"),
            (Style::American, "1/5/2026 8:26", "01/05/2026 08:27"),
            (Style::ShortAmerican, "1/5/26 8:26", "01/05/26 08:27"),
            (Style::ShortEuropean, "05-01-26 8:26", "05-01-26 08:27"),
        ] {
            assert_eq!((style.write(at(26)).as_str(), style.write(at(27)).as_str()), (even, odd), "{style:?}");
        }
    }

    #[test]
    fn amounts_lose_their_zeros() {
        for (price, text) in [(2_550, "2.55"), (165_000, "165"), (420, "0.42"), (2_955, "2.955")] {
            assert_eq!(amount(price), text);
        }
    }
}
