//! Which runs keep their failing rows.

use assay_pipeline::Retention;
use chrono::{DateTime, TimeDelta, Utc};

/// A run of a pipeline that has failing rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRows {
    pub run: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// It may still write.
    pub open: bool,
}

/// The runs whose failing rows have outlived what the definition asks for. The newest run keeps its own, and so does
/// one that has not ended.
pub fn outlived(kept: &[KeptRows], retention: Retention, now: DateTime<Utc>) -> Vec<&str> {
    let mut newest: Vec<&KeptRows> = kept.iter().collect();
    newest.sort_by(|a, b| (b.at, &b.run).cmp(&(a.at, &a.run)));
    let runs = usize::try_from(retention.runs).unwrap_or(usize::MAX);
    let age = TimeDelta::days(i64::from(retention.days));
    let over = |(place, kept): &(usize, &KeptRows)| !kept.open && *place > 0 && (*place >= runs || now - kept.at > age);
    newest.into_iter().enumerate().filter(over).map(|(_, kept)| kept.run.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_and_number_decide_and_the_newest_stays() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let kept = |run: &str, days: i64, open| KeptRows { run: run.into(), at: now - TimeDelta::days(days), open };
        let all = [kept("A", 40, false), kept("B", 3, false), kept("C", 31, true), kept("D", 2, false)];
        let of = |days, runs| outlived(&all, Retention { days, runs }, now);
        assert_eq!(of(30, 50), ["A"]);
        assert_eq!(of(30, 1), ["B", "A"]);
        assert_eq!(of(2, 50), ["B", "A"]);
        assert_eq!(of(1, 1), ["B", "A"], "the newest run keeps its rows");
        assert_eq!(of(40, 4), Vec::<&str>::new());
    }
}
