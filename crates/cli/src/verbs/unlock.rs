//! `assay unlock`: lets one person write in a locked environment for a while.

use crate::args::UnlockArgs;
use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use assay_console::{permits, views};
use assay_contract::Problem;
use chrono::Utc;

pub fn run(desk: &Desk, args: &UnlockArgs, json: bool) -> Result<u8, Problem> {
    let environment = desk.environment(&args.env)?;
    let (person, journal, now) = (desk.person(), desk.journal()?, Utc::now());
    if args.end {
        permits::lock(&environment, &person, journal, now)?;
        if json {
            say!("{}", serde_json::json!({ "environment": environment.name, "locked": true }));
        } else {
            say!("{} is locked for {person} again.", environment.name);
        }
        return Ok(exit::DONE);
    }
    let minutes = minutes(&args.spell)?;
    let spell = permits::unlock(&environment, &person, minutes, &args.reason, journal, now)?;
    let until = views::time(spell.until);
    if json {
        say!("{}", serde_json::json!({ "environment": environment.name, "by": person, "until": until }));
    } else {
        say!("{} is unlocked for {person} in this workspace until {until}.", environment.name);
    }
    Ok(exit::DONE)
}

/// Of `30m`, `2h` or `90`.
fn minutes(text: &str) -> Result<i64, Problem> {
    let (number, unit) = match text.strip_suffix('h') {
        Some(hours) => (hours, 60),
        None => (text.strip_suffix('m').unwrap_or(text), 1),
    };
    let number = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
    number.ok_or_else(|| {
        exit::misuse(format!("`{text}` is no length of time; nothing was unlocked."), "Write 30m, 2h or 90.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(["30m", "2h", "90"].map(|text| minutes(text).ok()), [Some(30), Some(120), Some(90)]);
        assert!(["", "m", "1.5h", "9223372036854775807h", "soon"].iter().all(|text| minutes(text).is_err()));
    }
}
