//! A DynamoDB emulator of a journey's own, filled over its HTTP interface.
#![allow(clippy::unwrap_used)]

use assay_demo::Event;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

pub const REGION: &str = "eu-west-1";
/// The emulator looks at the region of a signature and not at the signature.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=id/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, \
                      Signature=0";

pub struct Emulator {
    server: Child,
    address: String,
}

impl Emulator {
    pub fn start() -> Self {
        let program = assay_testkit::emulators::folder().unwrap().join("bin/moto_server");
        let mut command = Command::new(&program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
        let told = log.by_ref().map(Result::unwrap).find_map(|line| Some(line.split_once("http://")?.1.to_owned()));
        let address = told.expect("the emulator ended before it listened").trim().to_owned();
        std::thread::spawn(move || log.for_each(drop));
        Self { server, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A table with a text as its key.
    pub fn create(&self, table: &str, key: &str) {
        self.ask(
            "CreateTable",
            &json!({
                "TableName": table,
                "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
                "BillingMode": "PAY_PER_REQUEST",
            }),
        );
    }

    pub fn put(&self, table: &str, events: &[Event]) {
        // A request takes 25 at most.
        for some in events.chunks(25) {
            let puts: Vec<Value> = some.iter().map(|event| json!({ "PutRequest": { "Item": item(event) } })).collect();
            let answer = self.ask("BatchWriteItem", &json!({ "RequestItems": { table: puts } }));
            assert_eq!(answer["UnprocessedItems"], json!({}), "{answer}");
        }
    }

    fn ask(&self, operation: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: \
             DynamoDB_20120810.{operation}\r\nAuthorization: {SIGNED}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().next().unwrap().contains(" 200 "), "{operation}: {answer}");
        serde_json::from_str(text).unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

fn item(event: &Event) -> Value {
    json!({
        "event_id": { "S": event.event_id },
        "sku": { "S": event.sku },
        "warehouse": { "S": event.warehouse },
        "delta": { "N": event.delta.to_string() },
        "occurred_at": { "S": event.occurred_at },
    })
}
