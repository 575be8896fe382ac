//! Formats of dates, timestamps and instants: which parts a format must name so that no part is guessed.

use crate::contract::ColumnType;
use crate::diagnostic::TextMistake;

const DATE: [&str; 3] = ["%Y", "%m", "%d"];
const TIME: [&str; 3] = ["%H", "%M", "%S"];

/// Checks a format of a column; an instant without its own text form is taken as UTC.
pub(super) fn check(format: &str, kind: ColumnType) -> Result<(), TextMistake> {
    let has_time = matches!(kind, ColumnType::Timestamp | ColumnType::Instant);
    let mut seen: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(found) = format[at..].find('%') {
        let start = at + found;
        let end = start + 1 + format[start + 1..].chars().next().map_or(0, char::len_utf8);
        let part = &format[start..end];
        at = end;
        // A year of two digits fills the same place as one of four.
        let place = if part == "%y" { "%Y" } else { part };
        let known = DATE.contains(&place) || (has_time && TIME.contains(&place));
        if part == "%%" {
            continue;
        } else if !known {
            let parts = if has_time { "%Y, %y, %m, %d, %H, %M, %S" } else { "%Y, %y, %m, %d" };
            return Err(TextMistake::new(
                start..end,
                format!("`{part}` is not a part of this format; parts are {parts}"),
            ));
        } else if seen.contains(&place) {
            return Err(TextMistake::new(start..end, format!("`{part}` stands in the format twice")));
        }
        seen.push(place);
    }
    let needed = if has_time { &["%Y", "%m", "%d", "%H", "%M"][..] } else { &DATE[..] };
    match needed.iter().find(|part| !seen.contains(part)) {
        Some(part) => {
            Err(TextMistake::new(0..format.len(), format!("the format has no `{part}`, and no part is guessed")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_name_each_part_once() {
        for (format, kind) in [
            ("%Y-%m-%d", ColumnType::Date),
            ("%d/%m/%y", ColumnType::Date),
            ("%Y-%m-%d %H:%M:%S", ColumnType::Timestamp),
            ("%d-%m-%y %H:%M %%", ColumnType::Timestamp),
            ("%Y-%m-%d %H:%M", ColumnType::Instant),
        ] {
            assert_eq!(check(format, kind), Ok(()), "{format}");
        }
        let mut found = String::new();
        for (format, kind) in [
            ("%Y-%m", ColumnType::Date),
            ("%Y-%m-%d %H", ColumnType::Date),
            ("%Y-%m-%d", ColumnType::Timestamp),
            ("%y-%m-%Y", ColumnType::Date),
            ("%Y-%b-%d", ColumnType::Date),
            ("%Y-%m-%d%", ColumnType::Date),
            ("%é", ColumnType::Date),
            ("", ColumnType::Date),
        ] {
            let mistake = check(format, kind).err();
            found.push_str(&mistake.map_or(format!("{format} is accepted\n"), |mistake| {
                format!("{format} [{}]: {}\n", &format[mistake.range], mistake.message)
            }));
        }
        insta::assert_snapshot!(found, @r#"
        %Y-%m [%Y-%m]: the format has no `%d`, and no part is guessed
        %Y-%m-%d %H [%H]: `%H` is not a part of this format; parts are %Y, %y, %m, %d
        %Y-%m-%d [%Y-%m-%d]: the format has no `%H`, and no part is guessed
        %y-%m-%Y [%Y]: `%Y` stands in the format twice
        %Y-%b-%d [%b]: `%b` is not a part of this format; parts are %Y, %y, %m, %d
        %Y-%m-%d% [%]: `%` is not a part of this format; parts are %Y, %y, %m, %d
        %é [%é]: `%é` is not a part of this format; parts are %Y, %y, %m, %d
         []: the format has no `%Y`, and no part is guessed
        "#);
    }
}
