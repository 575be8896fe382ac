//! Suggestions for misspelt words.

/// The candidate that `word` was most likely meant to be, if any is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= allowed && *distance < word.chars().count())
        .min()
        .map(|(_, c)| c)
}

/// The sentence that offers a candidate.
pub(super) fn offer<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|c| format!("did you mean `{c}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let words = ["transaction_id", "store_id", "date", "city"];
        let cases = [
            ("transacton_id", Some("transaction_id")),
            ("Store_ID", Some("store_id")),
            ("daet", Some("date")),
            ("revenue", None),
            ("x", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, words), expected, "{word}");
        }
    }
}
