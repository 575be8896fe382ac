//! Where the tables of an environment lie.

use crate::place::Place;
use assay_pipeline::TableName;
use std::collections::BTreeMap;

/// The lake of one environment: a folder for each pipeline, below it `silver`, `gold` and `quarantine`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    root: Place,
    environment: String,
    places: BTreeMap<TableName, String>,
}

impl Lake {
    pub fn new(root: Place, environment: &str) -> Self {
        Self { root, environment: environment.to_owned(), places: BTreeMap::new() }
    }

    /// The same lake, in which these tables lie elsewhere below their pipeline's folder.
    pub fn placing(mut self, places: BTreeMap<TableName, String>) -> Self {
        self.places.extend(places);
        self
    }

    pub fn root(&self) -> &Place {
        &self.root
    }

    pub fn environment(&self) -> &str {
        &self.environment
    }

    pub fn pipeline_folder(&self, pipeline: &str) -> Place {
        self.root.join(pipeline)
    }

    /// `<root>/<pipeline>/<layer>/<table>` where nothing else is said.
    pub fn folder(&self, table: &TableName) -> Place {
        match self.places.get(table) {
            Some(place) => self.pipeline_folder(&table.pipeline).join(place),
            None => self.root.join(&self.name(table)),
        }
    }

    /// `<root>/<pipeline>/quarantine/<table>`: what the table's contract refused.
    pub fn quarantine(&self, table: &TableName) -> Place {
        self.root.join(&self.quarantine_name(table))
    }

    /// `<pipeline>/<layer>/<table>`: the name under which commits of the table are recorded in its log.
    pub fn name(&self, table: &TableName) -> String {
        format!("{}/{}/{}", table.pipeline, table.layer, table.table)
    }

    /// As [`Lake::name`], for the quarantine of the table.
    pub fn quarantine_name(&self, table: &TableName) -> String {
        format!("{}/quarantine/{}", table.pipeline, table.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_pipeline::Layer;

    #[test]
    fn each_layer_and_the_quarantine_have_their_own_folder() {
        let lake = Lake::new(Place::on_disk("/lake"), "local");
        let silver = TableName::new("shop", Layer::Silver, "sales");
        let gold = TableName::new("shop", Layer::Gold, "sales");
        assert_eq!(lake.folder(&silver), Place::on_disk("/lake/shop/silver/sales"));
        assert_eq!(lake.folder(&gold), Place::on_disk("/lake/shop/gold/sales"));
        assert_eq!(lake.quarantine(&silver), Place::on_disk("/lake/shop/quarantine/sales"));
        assert_eq!(lake.pipeline_folder("shop"), Place::on_disk("/lake/shop"));
        assert_eq!(lake.quarantine_name(&silver), "shop/quarantine/sales");
        let placed = lake.placing(BTreeMap::from([(silver.clone(), "tables/sales".to_owned())]));
        assert_eq!(placed.folder(&silver), Place::on_disk("/lake/shop/tables/sales"));
        assert_eq!(placed.folder(&gold), Place::on_disk("/lake/shop/gold/sales"));
        assert_eq!(placed.name(&silver), "shop/silver/sales");
    }
}
