//! Rows of the shop's systems, as they are at the end of a date.

use chrono::{DateTime, Utc};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub customer_id: i64,
    pub email: Option<String>,
    pub full_name: Option<String>,
    pub country: &'static str,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub order_id: i64,
    pub customer_id: i64,
    pub status: &'static str,
    pub ordered_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub order_id: i64,
    pub line_no: i32,
    pub sku: String,
    pub quantity: i32,
    /// Price of one in cents.
    pub cents: i64,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub event_id: String,
    pub sku: String,
    pub warehouse: &'static str,
    pub delta: i64,
    /// RFC 3339, or what a careless program wrote.
    pub occurred_at: String,
}

/// A file of rows that another program would have landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// Below the pipeline's lake folder, with `/`; Parquet.
    pub path: String,
    pub events: Vec<Event>,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    Text(Vec<String>),
    Whole(Vec<i64>),
}

impl Landing {
    /// The file's columns.
    pub fn columns(&self) -> Vec<(&'static str, Landed)> {
        let events = &self.events;
        let text = |of: fn(&Event) -> String| Landed::Text(events.iter().map(of).collect());
        vec![
            ("event_id", text(|event| event.event_id.clone())),
            ("sku", text(|event| event.sku.clone())),
            ("warehouse", text(|event| event.warehouse.to_owned())),
            ("delta", Landed::Whole(events.iter().map(|event| event.delta).collect())),
            ("occurred_at", text(|event| event.occurred_at.clone())),
        ]
    }
}
