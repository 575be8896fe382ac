//! Names of time zones that `with timeZone` may hold.

/// Whether the service's parser knows the zone: a name of the time zone database or an offset, in Java's forms.
pub(crate) fn is_zone(name: &str) -> bool {
    // Old abbreviations that Java leaves out of its own copy of the database.
    if matches!(name, "EST" | "MST" | "HST" | "ROC") {
        return false;
    }
    for prefix in ["UTC", "GMT", "UT", ""] {
        if let Some(rest) = name.strip_prefix(prefix)
            && rest.starts_with(['+', '-'])
        {
            return is_offset(rest);
        }
    }
    matches!(name, "Z" | "UT") || is_old(name) || name.parse::<chrono_tz::Tz>().is_ok()
}

/// Names of Unix System V, which Java has kept.
fn is_old(name: &str) -> bool {
    let Some(zone) = name.strip_prefix("SystemV/") else { return false };
    ["AST4", "CST6", "EST5", "MST7", "PST8", "YST9"].iter().any(|base| match zone.strip_prefix(base) {
        Some("") => true,
        Some(summer) => summer.strip_suffix("DT") == base.get(..1),
        None => false,
    }) || zone == "HST10"
}

/// `+h`, `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, `+hhmmss`, at most 18 hours.
fn is_offset(text: &str) -> bool {
    let rest = &text[1..];
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let shape: String = rest.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if !["0", "00", "00:00", "0000", "00:00:00", "000000"].contains(&shape.as_str()) {
        return false;
    }
    let part = |range| digits.get(range).map_or(0, |part: &str| part.parse::<u32>().unwrap_or(99));
    let hours = if digits.len() == 1 { part(0..1) } else { part(0..2) };
    let (minutes, seconds) = (part(2..4), part(4..6));
    minutes < 60 && seconds < 60 && (hours < 18 || (hours == 18 && minutes + seconds == 0))
}

#[cfg(test)]
mod tests {
    use super::is_zone;

    #[test]
    fn zones_are_names_or_offsets() {
        for good in [
            "UTC",
            "GMT",
            "UT",
            "Z",
            "Asia/Dubai",
            "America/New_York",
            "+2",
            "-07:30",
            "UTC+01:00",
            "GMT-5",
            "+18:00",
            "Etc/GMT+3",
            "GMT0",
            "SystemV/PST8",
            "SystemV/PST8PDT",
            "SystemV/HST10",
        ] {
            assert!(is_zone(good), "{good}");
        }
        for bad in [
            "",
            "America/New_Chicago",
            "asia/dubai",
            "+",
            "+18:01",
            "+2:00",
            "UTC+x",
            "EST",
            "Mars",
            "+1é",
            "UTC0",
            "SystemV/PST8DT",
            "SystemV/PST8EDT",
        ] {
            assert!(!is_zone(bad), "{bad}");
        }
    }
}
