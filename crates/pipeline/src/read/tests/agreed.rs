//! The shipped pipelines, as agreed.

use super::*;
use crate::contract::Contract;
use crate::definition::{Encoding, Feed, FileDates, Format, LoadMode, PublishedFiles, PublishedForm};
use crate::words::Word;
use crate::{SilverMode, Warehouse};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines").join(name)
}

/// Each column as `name type required range clean else default = value`.
fn columns(contract: &Contract) -> Vec<String> {
    let column = |column: &crate::Column| {
        let mut text = format!("{} {}", column.name, column.kind);
        text.push_str(if column.required { " required" } else { "" });
        text.push_str(&column.range.map_or(String::new(), |range| format!(" {range}")));
        text.extend(column.clean.iter().map(|clean| format!(" {}", clean.word())));
        text.push_str(&column.default.as_ref().map_or(String::new(), |default| format!(" else {default}")));
        text.push_str(&column.computed.as_ref().map_or(String::new(), |value| format!(" = {value}")));
        text
    };
    contract.columns.iter().map(column).collect()
}

#[test]
fn the_shipped_pipelines_have_no_mistakes() {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(shipped("")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let pipeline = crate::read::read(&folder, Some(&name));
            assert!(pipeline.is_ok(), "{}", pipeline.unwrap_err());
            seen.push(name);
        }
    }
    seen.sort();
    assert_eq!(seen, ["online_retail", "operational_lake", "orders_parquet", "sales_lakehouse", "sales_star"]);
}

#[test]
fn the_sales_lakehouse_is_as_agreed() {
    let pipeline = Pipeline::read(&shipped("sales_lakehouse")).unwrap();
    let contract = &pipeline.contracts[0];
    assert_eq!(
        columns(contract),
        [
            "transaction_id string(100) required",
            "date date required",
            "store_id string(50) required",
            "store_name string(100)",
            "city string(100)",
            "product_id string(50) required",
            "product_name string(200)",
            "category string(100)",
            "customer_id string(50) required",
            "customer_name string(200)",
            "quantity_sold int32 required > 0",
            "unit_price decimal(10,2) required > 0",
            "total_amount decimal(15,2) else quantity_sold * unit_price",
            "payment_method string(50) lower underscore",
        ]
    );
    assert_eq!((contract.key.join(" "), contract.partition.as_str()), ("date transaction_id".into(), "date"));
    assert_eq!(contract.columns[1].formats, ["%Y-%m-%d", "%d/%m/%Y"]);
    assert_eq!(contract.checks.len(), 1);
    assert_eq!(contract.checks[0].name, "total_amount");
    let condition = "abs(total_amount - quantity_sold * unit_price) <= 0.01";
    assert_eq!(Ok(&contract.checks[0].condition), Expression::parse(condition).as_ref());
    let models: Vec<_> = pipeline.models.iter().map(|m| (m.name.as_str(), m.partition.as_deref())).collect();
    assert_eq!(
        models,
        [
            // The rules of the enriched sales look at the products.
            ("daily_store_sales", Some("date")),
            ("product_performance", None),
            ("sales_enriched", Some("date")),
            ("customer_segments", None),
            ("store_performance", None),
        ]
    );
    let warehouse = pipeline.warehouse.unwrap();
    for load in &warehouse.loads {
        let keys = (load.distribution_key.as_deref(), load.sort_key.join(" "));
        let partitioned = ["sales_enriched", "daily_store_sales"].contains(&load.table.as_str());
        assert_eq!(keys, if partitioned { (Some("store_id"), "date".to_owned()) } else { (None, String::new()) });
        assert_eq!(load.reconcile.len(), 1);
    }
    assert_eq!(warehouse.loads.len(), 5);
    assert_eq!(pipeline.schedule.unwrap().words(), "Every 4 hours");
}

#[test]
fn the_star_has_the_lakehouse_s_contract_and_its_own_tables() {
    let lakehouse = Pipeline::read(&shipped("sales_lakehouse")).unwrap();
    let star = Pipeline::read(&shipped("sales_star")).unwrap();
    let (silver, model) = (&star.contracts[0], &lakehouse.contracts[0]);
    assert_eq!(
        (&silver.columns, &silver.checks, &silver.key, &silver.partition),
        (&model.columns, &model.checks, &model.key, &model.partition)
    );
    assert_eq!((star.sources[0].path.as_str(), star.sources[0].formats.as_slice()), ("raw/sales", &[Format::Json][..]));
    let published = |publish: &[crate::Publication]| -> Vec<String> {
        publish.iter().map(|copy| format!("{} {}", copy.form.word(), copy.path)).collect()
    };
    assert_eq!(published(&silver.publish), ["parquet silver/sales"]);
    let mut tables = Vec::new();
    for model in &star.models {
        let (name, partition) = (model.name.as_str(), model.partition.as_deref());
        assert_eq!(published(&model.publish), [format!("parquet gold/{name}"), format!("csv gold/csv/{name}")]);
        tables.push((name, partition, model.grain.join(" ")));
    }
    assert_eq!(
        tables,
        [
            // The rules of the facts look at the dimensions.
            ("dim_store", None, "store_id".to_owned()),
            ("dim_product", None, "product_id".to_owned()),
            ("dim_customer", None, "customer_id".to_owned()),
            ("fact_sales", Some("date"), "date transaction_id".to_owned()),
        ]
    );
    let modes = |warehouse: &Warehouse| -> Vec<(String, LoadMode)> {
        warehouse.loads.iter().map(|load| (load.table.clone(), load.mode)).collect()
    };
    let load = |table: &str, mode| (table.to_owned(), mode);
    assert_eq!(
        modes(&star.warehouse.unwrap()),
        [
            load("fact_sales", LoadMode::ReplaceDates),
            load("dim_store", LoadMode::ReplaceAll),
            load("dim_product", LoadMode::ReplaceAll),
            load("dim_customer", LoadMode::ReplaceAll),
        ]
    );
}

#[test]
fn the_online_retail_is_as_agreed() {
    let pipeline = Pipeline::read(&shipped("online_retail")).unwrap();
    let source = &pipeline.sources[0];
    assert_eq!((source.path.as_str(), source.encoding), ("raw-data", Encoding::Windows1252));
    assert!(matches!(&source.feed, Some(Feed::Kaggle { file, .. }) if file == "online_retail.csv"));
    let contract = &pipeline.contracts[0];
    assert_eq!(
        columns(contract),
        [
            "invoiceno string required",
            "stockcode string required upper",
            "description string else 'UNKNOWN'",
            "quantity int32 required > 0",
            "invoicedate timestamp required",
            "unitprice decimal(10,3) required > 0",
            "customerid string whole_number else 'GUEST'",
            "country string required",
            "total_sales decimal(14,3) = quantity * unitprice",
            "business_date date required = date(invoicedate)",
        ]
    );
    let headers: Vec<String> = contract.columns.iter().take(8).map(|column| column.path.join("/")).collect();
    assert_eq!(
        headers.join(","),
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "the header of the file"
    );
    assert_eq!(
        contract.columns[4].formats,
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%y %H:%M", "%m/%d/%y %H:%M"]
    );
    let input: Vec<&str> = contract.columns.iter().take(8).map(|column| column.name.as_str()).collect();
    let mut key = contract.key.clone();
    key.sort_by_key(|column| input.iter().position(|name| name == column));
    assert_eq!(key, input, "a full duplicate");
    let gate = contract.gate.as_ref().unwrap();
    assert_eq!(gate.accepted, Number { unscaled: 60, scale: 0 });
    assert_eq!(gate.except, Expression::parse("starts_with(invoiceno, 'C')").ok());
    assert_eq!((contract.publish.len(), contract.publish[0].form), (1, PublishedForm::Tsv));
    assert!(contract.publish[0].path.starts_with("processed-data"));
    let warehouse = pipeline.warehouse.unwrap();
    assert_eq!((warehouse.schema.as_str(), warehouse.staging.as_deref()), ("gold", Some("staging")));
    let keys: Vec<_> = warehouse
        .loads
        .iter()
        .map(|load| (load.table.as_str(), load.distribution_key.as_deref(), load.sort_key.join(" ")))
        .collect();
    assert_eq!(
        keys,
        [
            ("customers", Some("customerid"), String::new()),
            ("products", None, "stockcode".to_owned()),
            ("sales_transactions", Some("customerid"), "invoicedate".to_owned()),
        ]
    );
    assert_eq!(pipeline.models[2].partition.as_deref(), Some("business_date"));
}

#[test]
fn the_operational_lake_is_as_agreed() {
    let pipeline = Pipeline::read(&shipped("operational_lake")).unwrap();
    let tables: Vec<String> = pipeline
        .contracts
        .iter()
        .map(|contract| {
            let SilverMode::Upsert { version } = &contract.mode else { panic!("{} replaces", contract.table) };
            format!(
                "{} by {} newest {version}, {}",
                contract.table,
                contract.key.join(" "),
                columns(contract).join(", ")
            )
        })
        .collect();
    assert_eq!(
        tables,
        [
            "customers by customer_id newest updated_at, customer_id int64 required, email string lower, \
             full_name string, country string, created_at instant required, updated_at instant required, \
             created_date date required = date(created_at)",
            "orders by order_id newest updated_at, order_id int64 required, customer_id int64, status string required, \
             ordered_at instant required, updated_at instant required, order_date date required = date(ordered_at)",
            "order_items by order_id line_no newest updated_at, order_id int64 required, line_no int32 required, \
             sku string, quantity int32, unit_price decimal(10,2), updated_at instant required, \
             updated_date date required = date(updated_at)",
            "inventory_events by event_id newest occurred_at, event_id string required, sku string, warehouse string, \
             delta int64, occurred_at instant required, event_date date required = date(occurred_at)",
        ]
    );
    let statuses = "status = 'placed' or status = 'paid' or status = 'shipped' or status = 'delivered' \
                    or status = 'cancelled' or status = 'returned'";
    let listed = |text: &str| -> Vec<String> { text.split(" or ").map(|part| part.replace(['(', ')'], "")).collect() };
    assert_eq!(listed(&pipeline.contracts[1].checks[0].condition.to_string()), listed(statuses));
    let feeds: Vec<String> = pipeline
        .sources
        .iter()
        .map(|source| match &source.feed {
            Some(Feed::Postgres(feed)) => format!("{} {} {:?}", source.path, feed.table, feed.watermark),
            Some(Feed::DynamoDb(feed)) => format!("{} {} {}", source.path, feed.table, feed.columns.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        feeds,
        [
            "bronze/customers/extracted_at=* shop.customers Some(\"updated_at\")",
            "bronze/orders/extracted_at=* shop.orders Some(\"updated_at\")",
            "bronze/order_items/extracted_at=* shop.order_items Some(\"updated_at\")",
            "bronze/inventory_events/extracted_at=* inventory_events 5",
        ]
    );
    assert_eq!(
        pipeline.models.iter().map(|model| (model.name.as_str(), model.grain.join(" "))).collect::<Vec<_>>(),
        [
            ("daily_revenue", "order_date country".to_owned()),
            ("customer_value", "customer_id".to_owned()),
            ("stock_level", "warehouse sku".to_owned()),
        ]
    );
    assert_eq!(pipeline.warehouse, None);
}

#[test]
fn the_orders_are_as_agreed() {
    let pipeline = Pipeline::read(&shipped("orders_parquet")).unwrap();
    let source = &pipeline.sources[0];
    assert_eq!((source.path.as_str(), source.dates, source.once), ("orders_json_incoming", FileDates::Arrival, true));
    assert_eq!(source.dead_letter.as_deref(), Some("orders_json_dead_letter"));
    let contract = &pipeline.contracts[0];
    assert_eq!(
        columns(contract),
        [
            "order_id string",
            "order_date string",
            "total_amount double",
            "customer_id string",
            "customer_name string",
            "email string",
            "address string",
            "product_id string",
            "product_name string",
            "category string",
            "price double",
            "quantity int64",
            "file_date date required = file_date()",
        ]
    );
    let path = |name: &str| contract.columns.iter().find(|column| column.name == name).unwrap().path.join(".");
    assert_eq!((path("customer_name"), path("product_name")), ("customer.name".into(), "products.name".into()));
    assert_eq!((contract.explode.join("."), contract.key.len()), ("products".to_owned(), 0));
    assert_eq!(contract.publish[0].path, "orders_parquet_datalake");
    assert_eq!(contract.publish[0].files, PublishedFiles::BySource { name: "orders_ETL_{time}.parquet".to_owned() });
    assert!(pipeline.models.is_empty() && pipeline.warehouse.is_none());
}
