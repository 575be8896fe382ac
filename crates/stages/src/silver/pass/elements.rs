//! Takes a record whose rows are the elements of an array apart.

use super::{At, Parsed, PassFile, Worker, record, sound};
use crate::bronze::cut::Cut;
use crate::silver::explode::Explode;
use crate::silver::fault::Reason;
use crate::silver::json::{self, Element, Exploded};
use crate::silver::refused::Place;
use std::borrow::Cow;

pub(crate) const NO_ARRAY: &str = "there is no array, or it has no elements";
pub(crate) const WRONG: &str = "another value stands where the array is needed";
pub(crate) const NO_OBJECT: &str = "another value stands where an object is needed";

impl Worker<'_> {
    /// Each element goes its own way; a record without elements is refused as one.
    #[expect(clippy::too_many_arguments, reason = "the parts of a record as the cutter gives them")]
    pub(super) fn explode(
        &mut self,
        file: &PassFile<'_>,
        explode: &Explode,
        cut: Cut,
        text: Option<Cow<'_, str>>,
        place: Place<'_>,
        at: At,
        parsed: &mut Parsed,
    ) {
        let shape = self.pass.shape;
        let text = match sound(cut, text, &mut self.row) {
            Ok(text) => text,
            Err(text) => return self.take(file, &text, place, at, parsed),
        };
        let Some(array) = json::read_around(&text, shape, &mut self.row, &mut parsed.ignored) else {
            return self.take(file, &text, place, at, parsed);
        };
        let array = match array {
            Exploded::Of(array) => array,
            Exploded::Missing => return self.refuse(file, explode, Reason::NoArray, &text, place, at, parsed),
            Exploded::Wrong => return self.refuse(file, explode, Reason::TypeOfArray, &text, place, at, parsed),
        };
        let count = json::elements(array).count() as u64;
        if count == 0 {
            return self.refuse(file, explode, Reason::NoArray, &text, place, at, parsed);
        }
        if self.row.text_bytes().saturating_mul(count) > self.pass.limits.record as u64 {
            self.row.malformed(format!(
                "the record has {count} elements, and its texts repeated for each are more than the {} bytes that are read",
                self.pass.limits.record
            ));
            return self.take(file, &text, place, at, parsed);
        }
        self.row.keep();
        parsed.tally.more_rows += count - 1;
        for (item, element) in (1..).zip(json::elements(array)) {
            self.row.again();
            match json::read_element(&text, element, explode, shape, &mut self.row, &mut parsed.ignored) {
                Element::Read => self.row.judge(shape, &text),
                Element::Malformed => {}
                Element::NoObject => {
                    self.row.refuse(Reason::TypeOfArray, NO_OBJECT, &explode.columns);
                    self.row.judge(shape, &text);
                }
            }
            self.take(file, &text, Place { item, ..place }, At { item, ..at }, parsed);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn refuse(
        &mut self,
        file: &PassFile<'_>,
        explode: &Explode,
        reason: Reason,
        text: &str,
        place: Place<'_>,
        at: At,
        parsed: &mut Parsed,
    ) {
        let words = if reason == Reason::NoArray { NO_ARRAY } else { WRONG };
        self.row.refuse(reason, words, &explode.columns);
        self.row.judge(self.pass.shape, text);
        self.take(file, text, place, at, parsed);
    }

    fn take(&mut self, file: &PassFile<'_>, text: &str, place: Place<'_>, at: At, parsed: &mut Parsed) {
        record(self.pass, file, &mut self.row, &mut self.key_buffer, parsed, text, place, at);
    }
}
