//! A table of text for a terminal: numbers right, one header line, nothing truncated unless said.

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Widest cell that is printed whole; a longer one ends in `…`.
const WIDEST: usize = 60;

/// Lines of a table, header first. Cells longer than 60 characters end in `…`.
pub fn lines(header: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clipped(cell)).collect()).collect();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(i, (name, _))| {
            rows.iter().filter_map(|row| row.get(i)).map(|cell| width(cell)).chain([width(name)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(header)
            .zip(&widths)
            .map(|((cell, (_, side)), wide)| {
                let gap = " ".repeat(wide.saturating_sub(width(cell)));
                match side {
                    Side::Left => format!("{cell}{gap}"),
                    Side::Right => format!("{gap}{cell}"),
                }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut out = vec![line(header.iter().map(|(name, _)| *name).collect())];
    out.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    out
}

fn clipped(cell: &str) -> String {
    let cell = super::words::cell(Some(cell));
    if width(&cell) <= WIDEST { cell } else { cell.chars().take(WIDEST - 1).chain(['…']).collect() }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_long_cells_say_that_they_are_cut() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["x".repeat(70), "1,234".into()]];
        let printed = lines(&[("name", Side::Left), ("rows", Side::Right)], &rows);
        assert_eq!(printed[1], format!("a{}  {}", " ".repeat(59), "    1"));
        assert!(printed[2].starts_with(&format!("{}…", "x".repeat(59))));
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let printed = lines(&[("raw", Side::Left)], &[vec!["a\x1b[2Jb\nc".into()]]);
        assert_eq!(printed[1], "a [2Jb c");
    }
}
