//! Where and how often backups are made.

use chrono::TimeDelta;
use std::str::FromStr;

/// Written `PLACE [every TIME] [keep NUMBER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPlan {
    /// A folder, or `s3://bucket/prefix`.
    pub place: String,
    pub every: TimeDelta,
    /// How many backups are kept.
    pub keep: usize,
}

impl FromStr for BackupPlan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "where and how often, such as /var/backups/docket every 1d keep 14".to_owned();
        let mut plan = Self { place: text.trim().to_owned(), every: TimeDelta::days(1), keep: 14 };
        // From the end, because a folder's name may contain spaces.
        if let Some((rest, number)) = plan.place.rsplit_once(" keep ") {
            plan.keep = number.trim().parse().ok().filter(|keep| *keep > 0).ok_or_else(wrong)?;
            plan.place = rest.trim_end().to_owned();
        }
        if let Some((rest, time)) = plan.place.rsplit_once(" every ") {
            let time = humantime::parse_duration(time.trim()).ok().and_then(|time| TimeDelta::from_std(time).ok());
            plan.every = time.filter(|time| *time >= TimeDelta::minutes(5)).ok_or_else(wrong)?;
            plan.place = rest.trim_end().to_owned();
        }
        if plan.place.starts_with('/') || plan.place.starts_with("s3://") {
            return Ok(plan);
        }
        Err(format!("{}; the place is a whole path or s3://bucket/prefix", wrong()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_where_how_often_and_how_many() {
        let plan = |place: &str, every, keep| Ok(BackupPlan { place: place.into(), every, keep });
        for (text, expected) in [
            ("/var/backups/docket", plan("/var/backups/docket", TimeDelta::days(1), 14)),
            ("/b every 6h", plan("/b", TimeDelta::hours(6), 14)),
            ("/b keep 3", plan("/b", TimeDelta::days(1), 3)),
            (" /one every day every 12h keep 30 ", plan("/one every day", TimeDelta::hours(12), 30)),
            ("s3://bucket/desk every 1h", plan("s3://bucket/desk", TimeDelta::hours(1), 14)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for text in
            ["", "backups", "/b every day", "/b every 1m", "/b keep 0", "/b keep x", "every 6h", "/b keep 3 every 1d"]
        {
            assert!(text.parse::<BackupPlan>().is_err(), "{text}");
        }
    }
}
