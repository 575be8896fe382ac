//! Which requests fail, and how.

use super::request::{Kind, Request};
use std::collections::BTreeMap;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with 500; the server does not hear of it.
    InternalError,
    /// It is answered with 503 and the code `SlowDown`; the server does not hear of it.
    SlowDown,
    /// The connection is reset before the server hears of it.
    Reset,
    /// The server does it, and the connection is reset instead of an answer.
    LostAnswer,
    /// The server does it, and the answer is 500.
    DoneAndError,
    /// It waits until the test lets it go or drops it; see [`super::Proxy::held`].
    Hold,
    /// The answer ends in the middle of its body.
    Cut,
    /// Both bodies flow at so many bytes in a second.
    Slow(u32),
}

/// The requests that a fault strikes.
#[derive(Debug, Clone)]
pub struct Rule {
    kinds: Vec<Kind>,
    key: String,
    after: u64,
    every: u64,
    times: u64,
    fault: Fault,
}

impl Rule {
    /// Strikes the first request of these kinds whose key with its bucket matches; `*` stands for any text.
    pub fn new(kinds: &[Kind], key: &str, fault: Fault) -> Self {
        Self { kinds: kinds.to_vec(), key: key.to_owned(), after: 0, every: 1, times: 1, fault }
    }

    /// So many matching requests are let pass first.
    pub fn after(self, requests: u64) -> Self {
        Self { after: requests, ..self }
    }

    /// Of the matching requests only each n-th is struck, from the first one on; `n` is at least 1.
    pub fn every(self, n: u64) -> Self {
        Self { every: n.max(1), ..self }
    }

    /// So many matching requests are struck.
    pub fn times(self, requests: u64) -> Self {
        Self { times: requests, ..self }
    }

    /// Every matching request is struck.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Whether the n-th request after those that are let pass is struck, counted from 0.
    fn strikes(&self, nth: u64) -> bool {
        nth.is_multiple_of(self.every) && nth / self.every < self.times
    }

    fn matches(&self, request: &Request) -> bool {
        self.kinds.contains(&request.kind) && matches(&self.key, &request.key)
    }
}

/// What has passed, of one kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub requests: u64,
    /// Of these, the ones that a fault struck.
    pub struck: u64,
    /// Bytes of bodies from the client and to it.
    pub sent: u64,
    pub received: u64,
}

/// The rules as far as they are used up, and what has passed.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// With the number of requests that matched.
    rules: Vec<(Rule, u64)>,
    pub counts: BTreeMap<Kind, Count>,
    /// The requests that were struck, up to [`KEPT`].
    pub struck: Vec<(Request, Fault)>,
}

const KEPT: usize = 10_000;

impl Script {
    pub fn set(&mut self, rules: Vec<Rule>) {
        self.rules = rules.into_iter().map(|rule| (rule, 0)).collect();
    }

    /// Counts the request and gives its fault: that of the first rule whose turn it is.
    pub fn meet(&mut self, request: &Request) -> Option<Fault> {
        let mut fault = None;
        for (rule, matched) in self.rules.iter_mut().filter(|(rule, _)| rule.matches(request)) {
            let turn = matched.checked_sub(rule.after).is_some_and(|nth| rule.strikes(nth));
            *matched += 1;
            fault = fault.or(turn.then_some(rule.fault));
        }
        let count = self.counts.entry(request.kind).or_default();
        count.requests += 1;
        if let Some(fault) = fault {
            count.struck += 1;
            if self.struck.len() < KEPT {
                self.struck.push((request.clone(), fault));
            }
        }
        fault
    }

    pub fn passed(&mut self, kind: Kind, sent: u64, received: u64) {
        let count = self.counts.entry(kind).or_default();
        count.sent += sent;
        count.received += received;
    }
}

/// Whether a pattern, in which `*` stands for any text, is the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(before) else { return false };
    loop {
        if matches(rest, text) {
            return true;
        }
        let mut characters = text.chars();
        if characters.next().is_none() {
            return false;
        }
        text = characters.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let rows = [
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("*", "", true),
            ("*/_delta_log/*.json", "b/t/_delta_log/0001.json", true),
            ("*/_delta_log/*.json", "b/t/_delta_log/0001.json.tmp", false),
            ("*.parquet", "b/é/x.parquet", true),
            ("b/*/x", "b/x", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn rules_strike_in_their_turn_and_the_first_one_wins() {
        let mut script = Script::default();
        script.set(vec![
            Rule::new(&[Kind::Get], "b/*", Fault::Reset).after(1).times(2),
            Rule::new(&[Kind::Get, Kind::Put], "b/x", Fault::Cut).always(),
        ]);
        let mut meet = |kind, key: &str| script.meet(&Request { kind, key: key.to_owned() });
        assert_eq!(meet(Kind::Get, "b/y"), None);
        assert_eq!(meet(Kind::Get, "b/x"), Some(Fault::Reset));
        assert_eq!(meet(Kind::Put, "b/x"), Some(Fault::Cut));
        assert_eq!(meet(Kind::Get, "c/x"), None);
        assert_eq!(meet(Kind::Get, "b/y"), Some(Fault::Reset));
        assert_eq!(meet(Kind::Get, "b/y"), None);
        assert_eq!(meet(Kind::Get, "b/x"), Some(Fault::Cut));
        let count = script.counts[&Kind::Get];
        assert_eq!((count.requests, count.struck, script.struck.len()), (6, 3, 4));

        script.set(vec![Rule::new(&[Kind::Head], "*", Fault::Reset).after(1).every(3).times(2)]);
        let request = Request { kind: Kind::Head, key: "b".to_owned() };
        let struck: Vec<bool> = (0..9).map(|_| script.meet(&request).is_some()).collect();
        assert_eq!(struck, [false, true, false, false, true, false, false, false, false]);
    }
}
