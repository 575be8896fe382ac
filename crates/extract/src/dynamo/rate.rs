//! Keeps a scan below a number of read units per second.

use crate::error::ExtractError;
use crate::outside::Outside;
use crate::watch::{Watch, heed};
use std::time::Duration;
use tokio::sync::Mutex;

/// Items of one request at most, where a limit is set.
const MOST: f64 = 10_000.0;

/// Requests under a limit go one at a time, each after a wait for what the one before it used.
pub(crate) struct Rate {
    units: Option<f64>,
    turn: Mutex<Turn>,
}

pub(crate) struct Turn {
    /// Units that were used and not waited for.
    used: f64,
    /// Items whose cost is about the units of one second.
    items: f64,
}

impl Turn {
    /// Takes what a request used for how many items.
    fn record(&mut self, units: f64, items: f64, per_second: f64) {
        self.used += units;
        if units > 0.0 && items > 0.0 {
            self.items = (per_second * items / units).clamp(1.0, MOST);
        }
    }
}

impl Rate {
    pub(crate) fn new(units: Option<u32>) -> Rate {
        let units = units.map(|units| f64::from(units.max(1)));
        // An item of up to 4 KiB costs half a unit.
        let items = units.unwrap_or(MOST).clamp(1.0, MOST);
        Rate { units, turn: Mutex::new(Turn { used: 0.0, items }) }
    }

    /// Makes a request when it is its turn. `ask` takes the greatest number of items and gives, beside its answer,
    /// the units that it used and the items that it read.
    pub(crate) async fn pass<T>(
        &self,
        outside: &dyn Outside,
        watch: &dyn Watch,
        ask: impl AsyncFnOnce(Option<i32>) -> Result<(T, f64, f64), ExtractError>,
    ) -> Result<T, ExtractError> {
        let Some(per_second) = self.units else { return Ok(ask(None).await?.0) };
        let mut turn = heed(watch, self.turn.lock()).await?;
        let owed = Duration::from_secs_f64((turn.used / per_second).max(0.0));
        if !owed.is_zero() {
            heed(watch, outside.wait(owed)).await?;
        }
        turn.used = 0.0;
        // At most `MOST`, at least one.
        let (answer, units, items) = ask(Some(turn.items as i32)).await?;
        turn.record(units, items, per_second);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::watch::Quiet;
    use chrono::{DateTime, Utc};
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use std::sync::Mutex as Shared;

    #[derive(Default)]
    struct Waits(Shared<Vec<Duration>>);

    impl Outside for Waits {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn keyring(&self, _: &str, _: &str) -> BoxFuture<'_, Option<String>> {
            async { None }.boxed()
        }
        fn wait(&self, time: Duration) -> BoxFuture<'_, ()> {
            self.0.lock().unwrap().push(time);
            async {}.boxed()
        }
    }

    #[tokio::test]
    async fn what_was_used_is_waited_for_and_requests_fit_a_second() {
        let (rate, waits) = (Rate::new(Some(10)), Waits::default());
        let mut limits = Vec::new();
        for (units, items) in [(25.0, 100.0), (10.0, 40.0), (5.0, 1.0)] {
            let ask = async |limit: Option<i32>| Ok((limit, units, items));
            limits.push(rate.pass(&waits, &Quiet, ask).await.unwrap());
        }
        assert_eq!(limits, [Some(10), Some(40), Some(40)]);
        assert_eq!(*waits.0.lock().unwrap(), [Duration::from_millis(2500), Duration::from_secs(1)]);
    }

    #[tokio::test]
    async fn without_a_limit_nothing_waits() {
        let (rate, waits) = (Rate::new(None), Waits::default());
        for _ in 0..3 {
            let limit = rate.pass(&waits, &Quiet, async |limit: Option<i32>| Ok((limit, 1e9, 1.0))).await.unwrap();
            assert_eq!(limit, None);
        }
        assert!(waits.0.lock().unwrap().is_empty());
    }
}
