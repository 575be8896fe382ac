//! Definitions and stored tables as the SQL compiler sees them.

use assay_lake::LakeField;
use assay_pipeline::{ColumnType, Contract, Layer, Pipeline};
use assay_sql::{Catalog, Field, TableRef, Type};

/// The tables that SQL may name: silver tables by contract, and models that were bound before.
pub struct Tables {
    tables: Vec<(Layer, String, Vec<Field>)>,
}

impl Tables {
    pub fn of_silver(pipeline: &Pipeline) -> Self {
        let silver = |contract: &Contract| (Layer::Silver, contract.table.clone(), contract_fields(contract));
        Self { tables: pipeline.contracts.iter().map(silver).collect() }
    }

    pub fn add(&mut self, layer: Layer, name: &str, fields: Vec<Field>) {
        self.tables.push((layer, name.to_owned(), fields));
    }
}

impl Catalog for Tables {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        let found = self.tables.iter().find(|(layer, name, _)| {
            *name == table.name && table.layer.as_deref().unwrap_or("silver") == layer.as_str()
        });
        found.map(|(_, _, fields)| fields.clone())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.iter().map(|(layer, name, _)| format!("{layer}.{name}")).collect()
    }
}

/// Columns of a silver table as SQL sees them, without the audit columns.
pub fn contract_fields(contract: &Contract) -> Vec<Field> {
    let field = |column: &assay_pipeline::Column| Field {
        name: column.name.clone(),
        kind: sql_type(column.kind),
        nullable: !column.required,
    };
    contract.columns.iter().map(field).collect()
}

fn sql_type(kind: ColumnType) -> Type {
    match kind {
        ColumnType::String { .. } => Type::String,
        ColumnType::Int32 => Type::Int32,
        ColumnType::Int64 => Type::Int64,
        ColumnType::Decimal { precision, scale } => Type::Decimal { precision, scale },
        ColumnType::Double => Type::Double,
        ColumnType::Boolean => Type::Boolean,
        ColumnType::Date => Type::Date,
        ColumnType::Timestamp => Type::Timestamp,
        ColumnType::Instant => Type::TimestampUtc,
    }
}

pub(super) fn column_type(kind: Type) -> ColumnType {
    match kind {
        Type::String => ColumnType::String { limit: None },
        Type::Int8 | Type::Int16 | Type::Int32 => ColumnType::Int32,
        Type::Int64 => ColumnType::Int64,
        Type::Decimal { precision, scale } => ColumnType::Decimal { precision, scale },
        Type::Float | Type::Double => ColumnType::Double,
        Type::Boolean => ColumnType::Boolean,
        Type::Date => ColumnType::Date,
        Type::Timestamp => ColumnType::Timestamp,
        Type::TimestampUtc => ColumnType::Instant,
    }
}

pub(super) fn lake_field(field: &Field) -> LakeField {
    LakeField { name: field.name.clone(), kind: assay_sql::dtype_of(field.kind), nullable: field.nullable }
}

/// A bare name is a silver table: models name the layer of other models.
pub(super) fn layered(table: &TableRef) -> Option<(Layer, String)> {
    let layer = table.layer.as_deref().map_or(Some(Layer::Silver), Layer::parse)?;
    Some((layer, table.name.clone()))
}
