//! Files beside the tables: published copies (Parquet, CSV, TSV) are read, landed files are written.

use crate::frames::table_of;
use crate::oracle::csv;
use crate::table::Row;
use crate::{Table, TestkitError};
use assay_demo::{Landed, Landing};
use polars::prelude::{Column, DataFrame, ParquetReader, ParquetWriter, SerReader};
use std::path::{Path, PathBuf};

/// The rows of all files below `folder`, whose names end in `csv` or `tsv`. Every file has the header `columns`; an
/// empty field is null.
pub fn text(folder: &Path, columns: &[&str]) -> Result<Table, TestkitError> {
    let mut rows = Vec::new();
    for file in files(folder)? {
        let unreadable = |why: &str| TestkitError::Unreadable { file: file.display().to_string(), why: why.to_owned() };
        let separator = match file.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => b',',
            Some("tsv") => b'\t',
            _ => return Err(unreadable("it is neither CSV nor TSV")),
        };
        let bytes = std::fs::read(&file).map_err(TestkitError::at(&file))?;
        let mut records =
            csv::published(&bytes, separator).ok_or_else(|| unreadable("a record is malformed"))?.into_iter();
        let header = records.next().ok_or_else(|| unreadable("it has no header"))?;
        if header != columns {
            return Err(unreadable(&format!("its header is {header:?}")));
        }
        for record in records {
            if record.len() != columns.len() {
                return Err(unreadable("a record has another number of fields"));
            }
            rows.push(record.into_iter().map(|field| (!field.is_empty()).then_some(field)).collect());
        }
    }
    Ok(Table::new(columns, rows))
}

/// The rows of all Parquet files below `folder`. A column that is no column of a file is that of a folder
/// `<column>=<value>` above it; no other column may be there.
pub fn parquet(folder: &Path, columns: &[&str]) -> Result<Table, TestkitError> {
    let mut rows = Vec::new();
    for file in files(folder)? {
        let parts = file.iter().filter_map(|part| part.to_str()?.split_once('='));
        let above: Vec<(&str, &str)> = parts.filter(|(name, _)| columns.contains(name)).collect();
        let inside: Vec<&str> =
            columns.iter().copied().filter(|column| above.iter().all(|(name, _)| name != column)).collect();
        let read = parquet_rows(&file, &inside)?;
        rows.extend(read.into_iter().map(|cells| {
            let mut cells = cells.into_iter();
            let value = |column: &&str| match above.iter().find(|(name, _)| name == column) {
                Some((_, value)) => Some((*value).to_owned()),
                None => cells.next().flatten(),
            };
            columns.iter().map(value).collect::<Row>()
        }));
    }
    Ok(Table::new(columns, rows))
}

/// The rows of one Parquet file in their order, which has these columns and no other.
pub fn parquet_rows(file: &Path, columns: &[&str]) -> Result<Vec<Row>, TestkitError> {
    let frame = ParquetReader::new(std::fs::File::open(file).map_err(TestkitError::at(file))?).finish()?;
    if frame.get_column_names().iter().map(|name| name.as_str()).ne(columns.iter().copied()) {
        let why = format!("its columns are {:?}", frame.get_column_names());
        return Err(TestkitError::Unreadable { file: file.display().to_string(), why });
    }
    // One row at a time: a table would sort them.
    let row = |at: usize| Ok(table_of(&frame.slice(at as i64, 1), columns)?.rows.remove(0));
    (0..frame.height()).map(row).collect()
}

/// Writes a landed file to its place below the pipeline's lake folder.
pub fn land(pipeline_lake: &Path, landing: &Landing) -> Result<(), TestkitError> {
    let columns = landing.columns().into_iter().map(|(name, values)| match values {
        Landed::Text(values) => Column::new(name.into(), values),
        Landed::Whole(values) => Column::new(name.into(), values),
    });
    let mut frame = DataFrame::new(landing.events.len(), columns.collect())?;
    let place = pipeline_lake.join(&landing.path);
    ParquetWriter::new(std::fs::File::create(&place).map_err(TestkitError::at(&place))?).finish(&mut frame)?;
    Ok(())
}

/// Every file below a folder, in byte order; hidden ones and folders that are not there hold nothing.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, TestkitError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(TestkitError::at(&folder))?,
        };
        for entry in entries {
            let entry = entry.map_err(TestkitError::at(&folder))?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{IntoColumn, NamedFrom, Series};

    #[test]
    fn text_is_read_with_its_quotes_and_nulls() {
        let folder = tempfile::tempdir().unwrap();
        let day = folder.path().join("date=2026-01-05");
        std::fs::create_dir(&day).unwrap();
        std::fs::write(day.join("a.tsv"), "date\tname\n2026-01-05\t\"a\tb\n\"\"c\"\"\"\n2026-01-05\t\n").unwrap();
        std::fs::write(folder.path().join(".published.json"), "{}").unwrap();
        let table = text(folder.path(), &["date", "name"]).unwrap();
        let row = |name: Option<&str>| vec![Some("2026-01-05".to_owned()), name.map(str::to_owned)];
        assert_eq!(table.rows, [row(None), row(Some("a\tb\n\"c\""))]);
        assert!(text(folder.path(), &["name", "date"]).is_err());
    }

    #[test]
    fn parquet_takes_the_date_of_its_folder_and_keeps_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let day = folder.path().join("date=2026-01-05");
        std::fs::create_dir(&day).unwrap();
        let column = Series::new("name".into(), ["z", "a"]).into_column();
        let mut frame = DataFrame::new(2, vec![column]).unwrap();
        let file = day.join("a.parquet");
        ParquetWriter::new(std::fs::File::create(&file).unwrap()).finish(&mut frame).unwrap();
        let row = |cells: &[&str]| cells.iter().map(|cell| Some((*cell).to_owned())).collect::<Row>();
        assert_eq!(parquet_rows(&file, &["name"]).unwrap(), [row(&["z"]), row(&["a"])]);
        let table = parquet(folder.path(), &["date", "name"]).unwrap();
        assert_eq!(table.rows, [row(&["2026-01-05", "a"]), row(&["2026-01-05", "z"])]);
        assert!(parquet(folder.path(), &["date"]).is_err());
    }
}
