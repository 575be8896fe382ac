//! Finds duplicates: the first record of a key that comes wins, in an order that many threads keep.

use crate::error::StageError;
use crate::parallel::locked;
use crate::silver::row::{Cell, Row};
use crate::silver::shape::Shape;
use hashbrown::HashTable;
use std::sync::{Condvar, Mutex};
use xxhash_rust::xxh3::xxh3_128;

/// Hash of a record's key and business date; two keys share one with a chance that can be left out of account.
#[inline]
pub(crate) fn key(shape: &Shape, row: &Row, record: &str, date: i32, buffer: &mut Vec<u8>) -> u128 {
    let view = row.view(record);
    buffer.clear();
    buffer.extend_from_slice(&date.to_le_bytes());
    for at in &shape.key {
        match view.cells[*at] {
            Cell::Text(_) => {
                let text = view.text(*at).unwrap_or_default();
                buffer.push(1);
                buffer.extend_from_slice(&(text.len() as u32).to_le_bytes());
                buffer.extend_from_slice(text.as_bytes());
            }
            Cell::Number(value) => {
                buffer.push(2);
                buffer.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Double(value) => {
                buffer.push(3);
                // Zero has two bit patterns.
                buffer.extend_from_slice(&(value + 0.0).to_bits().to_le_bytes());
            }
            Cell::Boolean(value) => buffer.extend_from_slice(&[4, u8::from(value)]),
            Cell::Null | Cell::Failed => buffer.push(0),
        }
    }
    xxh3_128(buffer)
}

/// The keys met so far, and whose turn it is to add some.
pub(crate) struct Keys {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    met: HashTable<u128>,
    turn: usize,
    /// A thread gave up: nobody needs to wait any longer.
    broken: bool,
}

impl Keys {
    /// Room for this many keys is made at once, so that the table never has to be copied into a larger one.
    pub(crate) fn new(expected: usize) -> Self {
        let met = HashTable::with_capacity(expected);
        Self { state: Mutex::new(State { met, turn: 0, broken: false }), changed: Condvar::new() }
    }

    /// Waits until it is this turn, then adds the keys from the last to the first.
    /// Tells of each whether it was met before.
    pub(crate) fn add(&self, turn: usize, keys: &[u128]) -> Result<Vec<bool>, StageError> {
        let mut state = locked(&self.state);
        while state.turn != turn {
            if state.broken {
                return Err(StageError::ThreadLost);
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        let mut lost = vec![false; keys.len()];
        for (key, lost) in keys.iter().zip(&mut lost).rev() {
            let entry = state.met.entry(*key as u64, |known| known == key, |known| *known as u64);
            match entry {
                hashbrown::hash_table::Entry::Occupied(_) => *lost = true,
                hashbrown::hash_table::Entry::Vacant(free) => {
                    free.insert(*key);
                }
            }
        }
        state.turn += 1;
        self.changed.notify_all();
        Ok(lost)
    }

    /// Wakes those who wait for a turn that will not come.
    pub(crate) fn give_up(&self) {
        locked(&self.state).broken = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn turns_are_kept_whoever_comes_first() {
        let keys = Keys::new(4);
        let answers: Vec<Mutex<Vec<bool>>> = (0..8).map(|_| Mutex::default()).collect();
        std::thread::scope(|scope| {
            for turn in (0..8usize).rev() {
                let (keys, answers) = (&keys, &answers);
                scope.spawn(move || {
                    // Each turn brings its own key twice and that of the turn before.
                    let turn_key = turn as u128;
                    *locked(&answers[turn]) = keys.add(turn, &[turn_key.wrapping_sub(1), turn_key, turn_key]).unwrap();
                });
            }
        });
        for (turn, answer) in answers.iter().enumerate() {
            assert_eq!(*locked(answer), [turn > 0, true, false], "turn {turn}");
        }
    }

    #[test]
    fn nobody_waits_for_a_turn_that_will_not_come() {
        let keys = Keys::new(0);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| keys.add(1, &[1]));
            keys.give_up();
            assert!(matches!(waiting.join().unwrap(), Err(StageError::ThreadLost)));
        });
    }
}
