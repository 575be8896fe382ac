//! What the shop sells, to whom and where: the same for every seed.

use crate::random::{Random, mixed};

pub(super) struct Article {
    pub code: String,
    pub name: &'static str,
    /// Thousandths.
    pub price: i64,
}

/// Every article, some with a letter behind their code.
pub(super) fn articles() -> Vec<Article> {
    let letters = ["", "", "A", "B", "", "S", "L"];
    NAMES
        .iter()
        .flat_map(|name| (0..4).map(move |variant| (name, variant)))
        .enumerate()
        .map(|(place, (name, variant))| {
            let luck = mixed(place as u64 * 31 + variant);
            let code = format!("{}{}", 20_600 + place * 37, letters[(luck % 7) as usize]);
            Article { code, name, price: PRICES[(luck >> 8) as usize % PRICES.len()] }
        })
        .collect()
}

/// A customer's country, which never changes.
pub(super) fn country(customer: u64) -> &'static str {
    let luck = mixed(customer);
    if luck.is_multiple_of(8) { COUNTRIES[(luck >> 8) as usize % COUNTRIES.len()] } else { "United Kingdom" }
}

/// The country of an invoice without a customer.
pub(super) fn guest_country(random: &mut Random) -> &'static str {
    random.pick::<&str>(COUNTRIES)
}

const PRICES: &[i64] =
    &[420, 850, 1_250, 1_650, 2_100, 2_550, 2_955, 3_390, 3_750, 4_250, 4_950, 7_650, 12_750, 165_000];

const COUNTRIES: &[&str] =
    &["United Kingdom", "France", "Germany", "EIRE", "Norway", "Spain", "Channel Islands", "Saudi Arabia", "RSA"];

/// Names within windows-1252, as such files hold them.
const NAMES: &[&str] = &[
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "CREAM CUPID HEARTS COAT HANGER",
    "SET 7 BABUSHKA NESTING BOXES",
    "RED WOOLLY HOTTIE WHITE HEART.",
    "HAND WARMER UNION JACK",
    "AIRLINE LOUNGE,METAL SIGN",
    "CAFÉ AU LAIT BOWL, BLUE",
    "£5 GIFT VOUCHER",
    "CHILDREN\u{2019}S APRON DOLLY GIRL",
    "€1 JAR OF SWEETS",
    "POPPY'S PLAYHOUSE KITCHEN",
    "MINI PAINT SET VINTAGE ",
    "FÊTE BUNTING 10 M",
    "INFLATABLE POLITICAL GLOBE",
    "SET/20 RED RETROSPOT PAPER NAPKINS",
    "LUNCH BAG \"SUKI\" DESIGN",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_whatever_their_case() {
        let articles = articles();
        let codes: BTreeSet<String> = articles.iter().map(|article| article.code.to_lowercase()).collect();
        assert_eq!(codes.len(), articles.len());
        assert!(articles.iter().all(|article| article.price > 0));
    }
}
