//! What a landing learns from the machine: moments, variables, the keyring, the passing of time.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;

/// A keyring can ask its owner to unlock it; without an owner at the screen it would wait for ever.
const KEYRING: Duration = Duration::from_secs(30);

/// Given by the caller, so that nothing here reads a clock or the process's environment on its own.
pub trait Outside: Sync {
    fn now(&self) -> DateTime<Utc>;
    /// A variable of the process's environment; none when it is absent or empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// A password of the system's keyring; none when there is no such password or no keyring.
    fn keyring(&self, service: &str, user: &str) -> BoxFuture<'_, Option<String>>;
    fn wait(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// The machine itself, with the program's clock.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub clock: fn() -> DateTime<Utc>,
}

impl Outside for Machine {
    fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn keyring(&self, service: &str, user: &str) -> BoxFuture<'_, Option<String>> {
        let (service, user) = (service.to_owned(), user.to_owned());
        let asking = tokio::task::spawn_blocking(move || {
            let entry = keyring::Entry::new(&service, &user).ok()?;
            entry.get_password().ok()
        });
        async move { tokio::time::timeout(KEYRING, asking).await.ok()?.ok()? }.boxed()
    }

    fn wait(&self, time: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(time).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_without_a_keyring_or_an_entry_has_none() {
        let machine = Machine { clock: || DateTime::UNIX_EPOCH };
        assert_eq!(machine.keyring("assay-tests", "nobody").await, None);
        assert_eq!(machine.variable("ASSAY_NO_SUCH_VARIABLE"), None);
        assert_eq!(machine.now(), DateTime::UNIX_EPOCH);
    }
}
