//! Pages of warehouse tables, read from PostgreSQL in a read-only transaction.

use super::{Bytes, Question};
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use crate::local::warehouse::Place;
use assay_contract::Problem;
use assay_pipeline::TableName;
use polars::prelude::{Column, DataFrame};

pub fn table(desk: &Desk, table: &TableName, question: &Question) -> Result<Bytes, Problem> {
    if question.condition.is_some() || question.version.is_some() {
        return Err(exit::misuse(
            "A warehouse table has no versions here and takes no condition.",
            "Look at the gold table of the same name, or leave --where and --version out.",
        ));
    }
    let definition = desk.pipeline(&table.pipeline)?.definition;
    let schema = definition.warehouse.map_or_else(String::new, |warehouse| warehouse.schema);
    let (page, total) = desk.runtime.block_on(async {
        let mut place = desk.warehouse.lock().await;
        if place.exists() { read(&mut place, &schema, table, question).await } else { Err(empty(table)) }
    })?;
    let wanted = |name: &String| question.columns.is_empty() || question.columns.contains(name);
    let columns: Vec<Column> = page
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| wanted(&column.name))
        .map(|(i, column)| {
            Column::new(column.name.as_str().into(), page.rows.iter().map(|row| row[i].as_deref()).collect::<Vec<_>>())
        })
        .collect();
    let broken = |error: polars::prelude::PolarsError| problems::engine("The page could not be made.", &error);
    let frame = DataFrame::new(page.rows.len(), columns).map_err(broken)?;
    let folder = desk.state().join("warehouse");
    let page =
        assay_lake::frame_page(&folder, frame, question.offset, total).map_err(|error| problems::lake(&error))?;
    Ok(Bytes { ipc: page.ipc, total, version: None })
}

fn empty(table: &TableName) -> Problem {
    exit::misuse(
        format!("{table} holds nothing yet."),
        format!("Load it: assay run {} --stage warehouse", table.pipeline),
    )
}

/// One page and the table's row count.
async fn read(
    place: &mut Place,
    schema: &str,
    table: &TableName,
    question: &Question,
) -> Result<(assay_warehouse::Page, u64), Problem> {
    let mut warehouse = place.connect().await?;
    let wrong = |error: assay_warehouse::WarehouseError| problems::warehouse(&error);
    let page = warehouse.page(schema, &table.table, question.offset, question.limit).await.map_err(wrong)?;
    let measures = warehouse.measure(schema, &table.table, &[], None).await.map_err(wrong)?;
    Ok((page, measures.rows))
}
