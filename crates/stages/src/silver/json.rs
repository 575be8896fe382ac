//! Reads a JSON object into a row, keeping the text of numbers.

use crate::silver::row::{Field, Row};
use crate::silver::shape::{Branch, Shape};
use sonic_rs::{LazyValue, to_object_iter};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Gives the row its cells; false when it is malformed. Names of keys that the contract does not know go to `ignored`.
#[inline]
pub(crate) fn read(record: &str, shape: &Shape, row: &mut Row, ignored: &mut Ignored) -> bool {
    row.begin();
    ignored.keys.clear();
    if too_deep(record) {
        return row.malformed(format!("more than {DEPTH} objects and arrays lie within each other"));
    }
    match object(record, record, &shape.tree, shape, row, ignored) {
        Ok(()) => true,
        Err(words) => row.malformed(words),
    }
}

/// Names of fields that no column takes, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    pub(crate) names: HashSet<String>,
    limit: usize,
    /// Hashes of the ignored keys of the object that is being read.
    keys: Vec<u64>,
}

impl Ignored {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(crate) fn note(&mut self, name: &str) {
        if !self.names.contains(name) && self.names.len() < self.limit {
            self.names.insert(name.to_owned());
        }
    }
}

type Malformed = &'static str;

const SYNTAX: Malformed = "the text is no JSON object";
const TWICE: Malformed = "a key occurs twice";

fn object(
    record: &str,
    text: &str,
    branch: &Branch,
    shape: &Shape,
    row: &mut Row,
    ignored: &mut Ignored,
) -> Result<(), Malformed> {
    let mut expected = 0;
    let mut end = None;
    let first_ignored = ignored.keys.len();
    for entry in to_object_iter(text) {
        let (key, value) = entry.map_err(|_| SYNTAX)?;
        let raw = raw(text, &value)?;
        end = Some(raw.end);
        let raw = &text[raw];
        // Records of a file mostly have their keys in one order.
        let found = match branch.nodes.get(expected) {
            Some(node) if node.key == key => Some(expected),
            _ => branch.nodes.iter().position(|node| node.key == key),
        };
        let Some(found) = found else {
            ignored.note(&key);
            ignored.keys.push(xxh3_64(key.as_bytes()));
            continue;
        };
        expected = found + 1;
        let node = &branch.nodes[found];
        if !row.first_of(node.number) {
            return Err(TWICE);
        }
        if !node.columns.is_empty() {
            let mut store = String::new();
            let field = field(raw, &mut store)?;
            for column in &node.columns {
                row.set(*column, &shape.columns[*column], record, field);
            }
        }
        if !node.below.nodes.is_empty() {
            match raw.as_bytes().first() {
                Some(b'{') => object(record, raw, &node.below, shape, row, ignored)?,
                Some(b'n') => {}
                _ => below(&node.below, shape, record, row),
            }
        }
    }
    if ignored.keys.len() > first_ignored {
        ignored.keys[first_ignored..].sort_unstable();
        let twice = ignored.keys[first_ignored..].windows(2).any(|pair| pair[0] == pair[1]);
        ignored.keys.truncate(first_ignored);
        if twice {
            return Err(TWICE);
        }
    }
    closed(text, end)
}

/// A path that leads into something that is no object: its columns have a value of the wrong type.
fn below(branch: &Branch, shape: &Shape, record: &str, row: &mut Row) {
    for node in &branch.nodes {
        for column in &node.columns {
            row.set(*column, &shape.columns[*column], record, Field::Nested);
        }
        below(&node.below, shape, record, row);
    }
}

const DEPTH: usize = 128;

/// The reader calls itself for each level: a text made for it would end the process by its stack.
#[inline]
fn too_deep(text: &str) -> bool {
    let opened = memchr::memchr2_iter(b'{', b'[', text.as_bytes()).take(DEPTH + 1).count();
    opened > DEPTH && depth(text.as_bytes()) > DEPTH
}

/// Greatest depth of objects and arrays.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut most, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Place of a value in the text that it was read from.
#[inline]
fn raw(text: &str, value: &LazyValue<'_>) -> Result<std::ops::Range<usize>, Malformed> {
    let raw = value.as_raw_str();
    let start = (raw.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let range = start..start.wrapping_add(raw.len());
    text.get(range.clone()).map(|_| range).ok_or(SYNTAX)
}

/// The reader stops at the closing brace: nothing but white space may follow it.
#[inline]
fn closed(text: &str, end: Option<usize>) -> Result<(), Malformed> {
    let rest = match end {
        Some(end) => &text[end..],
        None => text.trim_start_matches(WHITE).strip_prefix('{').ok_or(SYNTAX)?,
    };
    let rest = rest.trim_start_matches(WHITE).strip_prefix('}').ok_or(SYNTAX)?;
    if rest.trim_start_matches(WHITE).is_empty() { Ok(()) } else { Err("text follows the end of the object") }
}

const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

#[inline]
fn field<'a>(raw: &'a str, store: &'a mut String) -> Result<Field<'a>, Malformed> {
    Ok(match raw.as_bytes().first() {
        Some(b'"') => match memchr::memchr(b'\\', raw.as_bytes()) {
            None => Field::Text(raw.get(1..raw.len() - 1).ok_or(SYNTAX)?),
            Some(_) => {
                *store = sonic_rs::from_str(raw).map_err(|_| "an escape in a text means no character")?;
                Field::Text(store)
            }
        },
        Some(b'n') => Field::Null,
        Some(b't') => Field::Boolean(true),
        Some(b'f') => Field::Boolean(false),
        Some(b'{' | b'[') => Field::Nested,
        _ => Field::Number(raw),
    })
}
