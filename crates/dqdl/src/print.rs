//! x
/// x
pub fn print(_: &crate::Ruleset) -> String {
    String::new()
}
