//! Stores, products and customers that the sales speak of; the same for every seed.

use crate::random::{Random, mixed};

pub(crate) struct Store {
    pub id: String,
    pub name: &'static str,
    pub city: &'static str,
}

#[derive(Clone)]
pub(crate) struct Product {
    pub id: String,
    pub name: String,
    pub category: &'static str,
    /// List price in cents.
    pub cents: i64,
}

pub(crate) struct Catalogue {
    pub stores: Vec<Store>,
    pub products: Vec<Product>,
    /// Pairs of one category that are sold in step, so that their revenues tie.
    pub twins: Vec<[Product; 2]>,
    /// Products that cost at least 900.
    pub dear: Vec<usize>,
}

impl Catalogue {
    pub(crate) fn new() -> Self {
        let products: Vec<Product> = CATEGORIES.iter().enumerate().flat_map(products_of).collect();
        let dear = (0..products.len()).filter(|&place| products[place].cents >= 90_000).collect();
        let stores = STORES
            .iter()
            .enumerate()
            .map(|(place, &(name, city))| Store { id: format!("S{:03}", place + 1), name, city })
            .collect();
        Self { stores, products, twins: TWINS.iter().enumerate().map(twin).collect(), dear }
    }
}

/// The name of a customer by number.
pub(crate) fn customer_name(number: u64) -> String {
    let mut random = Random::new(number, 77);
    format!("{} {}", random.pick(FIRST_NAMES), random.pick(LAST_NAMES))
}

struct Category {
    name: &'static str,
    /// Prices in whole units of the currency.
    prices: (u64, u64),
    things: &'static [&'static str],
}

const VARIANTS: &[&str] = &["", " Basic", " Plus", " Pro", " Mini"];
const ENDINGS: &[i64] = &[99, 99, 99, 90, 50, 49, 95, 0];

fn products_of((place, category): (usize, &Category)) -> Vec<Product> {
    let (low, high) = category.prices;
    let names =
        category.things.iter().flat_map(|thing| VARIANTS.iter().map(move |variant| format!("{thing}{variant}")));
    names
        .enumerate()
        .map(|(within, name)| {
            let number = place * 100 + within + 1;
            let luck = mixed(number as u64);
            let cents = ((low + luck % (high - low)) * 100) as i64 + ENDINGS[(luck >> 40) as usize % ENDINGS.len()];
            Product { id: format!("P{number:05}"), name, category: category.name, cents }
        })
        .collect()
}

fn twin((place, &(category, left, right, cents)): (usize, &(&'static str, &str, &str, i64))) -> [Product; 2] {
    let product = |side: usize, name: &str| Product {
        id: format!("P9{:03}{side}", place + 1),
        name: name.to_owned(),
        category,
        cents,
    };
    [product(1, left), product(2, right)]
}

const TWINS: &[(&str, &str, &str, i64)] = &[
    ("Office", "Pen Blue", "Pen Black", 249),
    ("Toys", "Chess Set White Box", "Chess Set Black Box", 3_450),
    ("Garden", "Tulip Bulbs Red", "Tulip Bulbs Yellow", 799),
];

const CATEGORIES: &[Category] = &[
    Category {
        name: "Electronics",
        prices: (30, 1_500),
        things: &["Laptop 14\"", "Headphones", "Monitor 27\"", "Router", "Speaker"],
    },
    Category {
        name: "Kitchen",
        prices: (10, 400),
        things: &["Espresso Machine", "Pan, cast iron", "Kettle", "Knife Set", "Bowl"],
    },
    Category {
        name: "Appliances",
        prices: (900, 2_400),
        things: &["Washing Machine", "Refrigerator", "Oven", "Dryer"],
    },
    Category {
        name: "Clothing",
        prices: (8, 180),
        things: &["T-Shirt", "Jeans", "Wool Jumper", "Rain Coat", "Socks, 5 pairs"],
    },
    Category { name: "Toys", prices: (5, 120), things: &["Puzzle 🧩", "Wooden Train", "Kite", "Teddy \"Bruno\""] },
    Category {
        name: "Books",
        prices: (6, 60),
        things: &["Atlas", "Cookbook", "Novel: Der Prozeß", "Kalevala, påperback"],
    },
    Category { name: "Garden", prices: (4, 300), things: &["Lawn Mower", "Hose", "Rose Café au Lait", "Spade"] },
    Category { name: "Sports", prices: (9, 700), things: &["Bicycle", "Yoga Mat", "Ski Set", "Football"] },
    Category { name: "Beauty", prices: (3, 90), things: &["Crème de Nuit", "Shampoo", "Parfum №7", "Soap"] },
    Category {
        name: "Grocery", prices: (1, 40), things: &["Olive Oil", "Żurek", "抹茶 Tea", "Coffee Beans", "Rice"]
    },
    Category { name: "Office", prices: (2, 250), things: &["Desk Lamp", "Notebook", "Stapler", "Office Chair"] },
    Category { name: "Party & Gifts", prices: (2, 80), things: &["Party Set 🎉", "Gift Box", "Candle", "Card 💌"] },
];

const STORES: &[(&str, &str)] = &[
    ("Alexanderplatz", "Berlin"),
    ("Marienplatz", "München"),
    ("Zürich HB", "Zürich"),
    ("Rue de la République", "Lyon"),
    ("Café & Maison", "Orléans"),
    ("Galeria Łódzka", "Łódź"),
    ("Rynek Główny", "Kraków"),
    ("日本橋店", "東京"),
    ("梅田店", "大阪"),
    ("Gran Vía", "Madrid"),
    ("Plaça de Catalunya", "Barcelona"),
    ("Corso Buenos Aires", "Milano"),
    ("Via del Corso, 12", "Roma"),
    ("Strøget", "København"),
    ("Drottninggatan", "Stockholm"),
    ("Karl Johans gate", "Oslo"),
    ("Grafton Street", "Dublin"),
    ("Oxford Street", "London"),
    ("Market Street", "San Francisco"),
    ("Fifth Avenue", "New York"),
    ("\"The Corner\"", "Chicago"),
    ("Avenida Paulista", "São Paulo"),
    ("Calle Florida", "Buenos Aires"),
    ("İstiklal Caddesi", "İstanbul"),
];

const FIRST_NAMES: &[&str] = &[
    "Anna",
    "Ben",
    "Chloé",
    "Dmitri",
    "Elif",
    "Fatima",
    "Gábor",
    "Hana",
    "Ivan",
    "José",
    "Katarzyna",
    "Łukasz",
    "María",
    "Noah",
    "Olga",
    "Paweł",
    "Quentin",
    "René",
    "Søren",
    "Thu",
    "Umut",
    "Víctor",
    "Wei",
    "Ximena",
    "Yūki",
    "Zoë",
    "太郎",
    "花子",
];

const LAST_NAMES: &[&str] = &[
    "Andersen",
    "Bauer",
    "Costa",
    "Dvořák",
    "Eriksson",
    "Fernández",
    "García",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lefèvre",
    "Müller",
    "Nowak",
    "O'Brien",
    "Peña",
    "Quiroga",
    "Rossi",
    "Schmidt",
    "Takahashi",
    "Ünal",
    "Vaszary",
    "Wiśniewska",
    "Xu",
    "Yıldız",
    "Żak",
    "山田",
    "佐藤",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_unique_prices_are_positive_and_twins_share_price_and_category() {
        let catalogue = Catalogue::new();
        let all: Vec<&Product> = catalogue.products.iter().chain(catalogue.twins.iter().flatten()).collect();
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|product| product.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        assert!(all.iter().all(|product| product.cents > 0));
        assert!(!catalogue.dear.is_empty());
        for [left, right] in &catalogue.twins {
            assert_eq!((left.cents, left.category), (right.cents, right.category));
        }
    }
}
