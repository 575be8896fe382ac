//! Reads a JSON object into a row, keeping the text of numbers.

use crate::silver::explode::Explode;
use crate::silver::fault::Words;
use crate::silver::row::{Field, Row};
use crate::silver::shape::{Branch, Shape};
use crate::silver::token::{DEPTH, Fault, Kind, Scanner, Token};
use std::borrow::Cow;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Gives the row its cells; false when it is malformed. Names of keys that the contract does not know go to `ignored`.
#[inline]
pub(crate) fn read(record: &str, shape: &Shape, row: &mut Row, ignored: &mut Ignored) -> bool {
    read_around(record, shape, row, ignored).is_some()
}

/// As [`read`], for a record whose rows are the elements of an array: gives the row what lies around the array,
/// and gives the array; none when the record is malformed.
#[inline]
pub(crate) fn read_around<'r>(
    record: &'r str,
    shape: &Shape,
    row: &mut Row,
    ignored: &mut Ignored,
) -> Option<Exploded<'r>> {
    row.begin();
    ignored.keys.clear();
    let mut scanner = Scanner::new(record);
    let mut reading = Reading { record, shape, row, ignored, exploded: Exploded::Missing };
    let read = match scanner.takes(b'{') {
        true => reading.object(&mut scanner, &shape.tree),
        false => Err(SYNTAX.into()),
    };
    let exploded = reading.exploded;
    let words = match read {
        Ok(()) if scanner.peek().is_none() => return Some(exploded),
        Ok(()) => "text follows the end of the object".into(),
        Err(words) => words,
    };
    row.malformed(words);
    None
}

/// What stands where an array is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exploded<'r> {
    /// Nothing, or null.
    Missing,
    /// Another value.
    Wrong,
    /// The array's text.
    Of(&'r str),
}

/// The elements of an array whose text was checked, each as its text; of a string without the quotes.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = Token<'_>> {
    let mut scanner = Scanner::new(array);
    scanner.takes(b'[');
    std::iter::from_fn(move || {
        let element = scanner.value().ok()?;
        scanner.takes(b',');
        Some(element)
    })
}

/// What an element of the array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Read,
    Malformed,
    NoObject,
}

/// Gives the row the cells of an element, beside those of the record that it has already.
pub(crate) fn read_element(
    record: &str,
    element: Token<'_>,
    explode: &Explode,
    shape: &Shape,
    row: &mut Row,
    ignored: &mut Ignored,
) -> Element {
    let mut scanner = Scanner::new(element.text);
    if element.kind != Kind::Nested || !scanner.takes(b'{') {
        return Element::NoObject;
    }
    let mut reading = Reading { record, shape, row, ignored, exploded: Exploded::Missing };
    match reading.object(&mut scanner, &explode.tree) {
        Ok(()) => Element::Read,
        Err(words) => {
            row.malformed(words);
            Element::Malformed
        }
    }
}

/// True when the text is a JSON object, whatever its keys.
pub(crate) fn is_object(record: &str) -> bool {
    let mut scanner = Scanner::new(record);
    scanner.peek() == Some(b'{') && scanner.value().is_ok() && scanner.peek().is_none()
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

    fn note(&mut self, name: &str) {
        if !self.names.contains(name) && self.names.len() < self.limit {
            self.names.insert(name.to_owned());
        }
        self.keys.push(xxh3_64(name.as_bytes()));
    }

    /// True when two keys from `first` on are the same; forgets them.
    fn twice(&mut self, first: usize) -> bool {
        self.keys[first..].sort_unstable();
        let twice = self.keys[first..].windows(2).any(|pair| pair[0] == pair[1]);
        self.keys.truncate(first);
        twice
    }
}

const SYNTAX: &str = "the text is no JSON object";
const TWICE: &str = "a key occurs twice";

struct Reading<'s, 't, 'r> {
    record: &'t str,
    shape: &'r Shape,
    row: &'r mut Row,
    ignored: &'r mut Ignored,
    exploded: Exploded<'s>,
}

impl<'s> Reading<'s, '_, '_> {
    /// The rest of an object whose brace is taken.
    fn object(&mut self, scanner: &mut Scanner<'s>, branch: &Branch) -> Result<(), Words> {
        let first_ignored = self.ignored.keys.len();
        let mut expected = 0;
        let mut more = !scanner.takes(b'}');
        while more {
            let key = scanner.key().map_err(words)?;
            let key = unescaped(key)?;
            // Records of a file mostly have their keys in one order.
            let found = match branch.nodes.get(expected) {
                Some(node) if same(&node.key, &key) => Some(expected),
                _ => branch.nodes.iter().position(|node| node.key == key),
            };
            match found {
                Some(found) => {
                    expected = found + 1;
                    self.node(scanner, branch, found)?;
                }
                None => {
                    self.ignored.note(&key);
                    scanner.value().map_err(words)?;
                }
            }
            more = scanner.takes(b',');
            if !more && !scanner.takes(b'}') {
                return Err(SYNTAX.into());
            }
        }
        let any_ignored = self.ignored.keys.len() > first_ignored;
        if any_ignored && self.ignored.twice(first_ignored) { Err(TWICE.into()) } else { Ok(()) }
    }

    /// The value of a key that the contract knows.
    #[inline]
    fn node(&mut self, scanner: &mut Scanner<'s>, branch: &Branch, found: usize) -> Result<(), Words> {
        let node = &branch.nodes[found];
        if !self.row.first_of(node.number) {
            return Err(TWICE.into());
        }
        if node.array {
            return self.array(scanner);
        }
        if !node.below.nodes.is_empty() && scanner.takes(b'{') {
            self.set(&node.columns, Field::Nested);
            return self.object(scanner, &node.below);
        }
        let token = scanner.value().map_err(words)?;
        match token.kind {
            Kind::Text { .. } => {
                let text = unescaped(token)?;
                self.set(&node.columns, Field::Text(&text));
            }
            Kind::Number => self.set(&node.columns, Field::Number(token.text)),
            Kind::True => self.set(&node.columns, Field::Boolean(true)),
            Kind::False => self.set(&node.columns, Field::Boolean(false)),
            Kind::Null => return Ok(()),
            Kind::Nested => self.set(&node.columns, Field::Nested),
        }
        self.below(&node.below);
        Ok(())
    }

    fn array(&mut self, scanner: &mut Scanner<'s>) -> Result<(), Words> {
        let token = scanner.value().map_err(words)?;
        self.exploded = match token.kind {
            Kind::Null => Exploded::Missing,
            Kind::Nested if token.text.starts_with('[') => Exploded::Of(token.text),
            _ => Exploded::Wrong,
        };
        Ok(())
    }

    #[inline]
    fn set(&mut self, columns: &[usize], field: Field<'_>) {
        for column in columns {
            self.row.set(*column, &self.shape.columns[*column], self.record, field);
        }
    }

    /// A path that leads into something that is no object: its columns have a value of the wrong type.
    fn below(&mut self, branch: &Branch) {
        for node in &branch.nodes {
            if node.array {
                self.exploded = Exploded::Wrong;
            }
            self.set(&node.columns, Field::Nested);
            self.below(&node.below);
        }
    }
}

/// Equality of short texts, without a call: two keys of a record are compared for every value.
#[inline]
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let word = |bytes: &[u8], at: usize| {
        let eight: Option<[u8; 8]> = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
        eight.map(u64::from_le_bytes)
    };
    a.len() == b.len()
        && match a.len() {
            8..=16 => word(a, 0) == word(b, 0) && word(a, a.len() - 8) == word(b, b.len() - 8),
            _ => a == b,
        }
}

fn words(fault: Fault) -> Words {
    match fault {
        Fault::Syntax => SYNTAX.into(),
        Fault::Depth => format!("more than {DEPTH} objects and arrays lie within each other").into(),
    }
}

/// The text that a string means. Fails for half of a surrogate pair.
#[inline]
fn unescaped(token: Token<'_>) -> Result<Cow<'_, str>, Words> {
    if token.kind != (Kind::Text { escaped: true }) {
        return Ok(Cow::Borrowed(token.text));
    }
    let text = serde_json::from_str(&format!("\"{}\"", token.text));
    text.map(Cow::Owned).map_err(|_| "an escape in a text means no character".into())
}
