//! One order as JSON, clean or not.

use crate::random::Random;
use crate::sales::{Catalogue, customer_name};
use crate::text::json_text;
use chrono::{NaiveDate, TimeDelta};

/// Writes the orders of one date.
pub(super) struct Writer<'a> {
    catalogue: &'a Catalogue,
    date: NaiveDate,
    random: Random,
    made: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, date: NaiveDate, random: Random) -> Self {
        Self { catalogue, date, random, made: 0 }
    }

    /// Appends the next order on one line; a `clean` one has no dirt, and one of `lines` may be cut in the middle.
    pub(super) fn order(&mut self, clean: bool, lines: bool, out: &mut Vec<u8>) {
        self.made += 1;
        let dirt = if clean { Dirt::None } else { Dirt::roll(&mut self.random) };
        if dirt == Dirt::Malformed {
            let torn: &[u8] =
                if lines { b"{\"order_id\": \"O-1\", \"products\": [" } else { b"{\"order_id\" \"O-1\"}" };
            return out.extend_from_slice(torn);
        }
        let id = format!("O-{}-{:06}", self.date.format("%Y%m%d"), self.made);
        out.extend_from_slice(self.fields(&id, dirt, ", ").as_bytes());
    }

    /// A clean order over several lines, the only one of its writer.
    pub(super) fn single(mut self, number: u64) -> Vec<u8> {
        let id = format!("S-{}-{number}", self.date.format("%Y%m%d"));
        let text = self.fields(&id, Dirt::None, ",\n  ");
        format!("{}\n", text.replacen('{', "{\n  ", 1)).into_bytes()
    }

    fn fields(&mut self, id: &str, dirt: Dirt, separator: &str) -> String {
        let random = &mut self.random;
        let products = products(dirt, self.catalogue, random);
        let buyer = random.below(400);
        let name = customer_name(buyer);
        let moment = self.date.and_hms_opt(6, 0, 0).unwrap_or_default() + TimeDelta::seconds(self.made as i64 % 60_000);
        let id = match dirt {
            Dirt::NumberForText => self.made.to_string(),
            _ => quoted(id),
        };
        let customer = match dirt {
            Dirt::NoCustomer if random.below(2) == 0 => "null".to_owned(),
            Dirt::NoCustomer => "{}".to_owned(),
            _ => format!(
                "{{\"customer_id\": \"C{buyer:05}\", \"name\": {}, \"email\": {}, \"address\": {}}}",
                quoted(&name),
                quoted(&format!("c{buyer}@example.org")),
                quoted(&format!("{} Mill \"Old\" Road, {}", 1 + buyer % 90, random.pick(&self.catalogue.stores).city)),
            ),
        };
        let total = match dirt {
            Dirt::TextForNumber => format!("\" {} \"", cents(products.cents)),
            Dirt::WrongTotal => "\"a lot\"".to_owned(),
            Dirt::Exponent => format!("{}e-2", products.cents),
            _ => cents(products.cents),
        };
        let date = format!("\"order_date\": \"{}\"", moment.format("%Y-%m-%dT%H:%M:%SZ"));
        let mut fields = vec![format!("\"order_id\": {id}"), date, format!("\"total_amount\": {total}")];
        fields.push(format!("\"customer\": {customer}"));
        if let Some(text) = &products.text {
            fields.push(format!("\"products\": {text}"));
        }
        fields.push("\"note\": {\"channel\": [\"web\", 1]}".to_owned());
        format!("{{{}}}", fields.join(separator))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dirt {
    None,
    Malformed,
    /// No key, null or an empty array.
    NoProducts,
    /// A text, an object or a number where the array belongs.
    OtherProducts,
    /// An element that is no object.
    OtherElement,
    /// A quantity with a fraction, a price that is no number.
    WrongElement,
    NoCustomer,
    NumberForText,
    TextForNumber,
    WrongTotal,
    Exponent,
}

impl Dirt {
    fn roll(random: &mut Random) -> Self {
        match random.below(1_000) {
            0..8 => Self::Malformed,
            8..22 => Self::NoProducts,
            22..32 => Self::OtherProducts,
            32..40 => Self::OtherElement,
            40..54 => Self::WrongElement,
            54..64 => Self::NoCustomer,
            64..72 => Self::NumberForText,
            72..84 => Self::TextForNumber,
            84..90 => Self::WrongTotal,
            90..100 => Self::Exponent,
            _ => Self::None,
        }
    }
}

/// The value of `products`, if there is one, and what its rows cost.
struct Products {
    text: Option<String>,
    cents: i64,
}

fn products(dirt: Dirt, catalogue: &Catalogue, random: &mut Random) -> Products {
    let pick =
        |all: &[Option<&str>], random: &mut Random| Products { text: random.pick(all).map(str::to_owned), cents: 0 };
    match dirt {
        Dirt::NoProducts => return pick(&[None, Some("null"), Some("[]"), Some("[ ]")], random),
        Dirt::OtherProducts => {
            return pick(&[Some("\"none\""), Some("{\"product_id\": \"P1\"}"), Some("7"), Some("true")], random);
        }
        _ => {}
    }
    let count = random.between(1, 5);
    let wrong = random.below(count);
    let (mut all, mut total) = (Vec::new(), 0);
    for number in 0..count {
        let product = random.pick(&catalogue.products);
        let quantity = random.between(1, 4) as i64;
        total += product.cents * quantity;
        let (mut price, mut number_of) = (cents(product.cents), quantity.to_string());
        match dirt {
            Dirt::OtherElement if number == wrong => {
                all.push((*random.pick(&["\"P00001\"", "17", "[]", "true"])).to_owned());
                continue;
            }
            Dirt::WrongElement if number == wrong && random.below(2) == 0 => price = "\"cheap\"".to_owned(),
            Dirt::WrongElement if number == wrong => number_of = format!("{quantity}.5"),
            Dirt::TextForNumber => (price, number_of) = (format!("\"{price}\""), format!("\"{quantity}.0\"")),
            _ => {}
        }
        let category = if random.below(40) == 0 { "null".to_owned() } else { quoted(product.category) };
        all.push(format!(
            "{{\"product_id\": {}, \"name\": {}, \"category\": {category}, \"price\": {price}, \"quantity\": {number_of}}}",
            quoted(&product.id),
            quoted(&product.name),
        ));
    }
    Products { text: Some(format!("[{}]", all.join(", "))), cents: total }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json_text(text, false, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn cents(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
