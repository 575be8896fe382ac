//! x
/// x
pub fn format(t: &str) -> Result<String, Vec<crate::Fault>> {
    crate::parse(t)?;
    Ok(String::new())
}
