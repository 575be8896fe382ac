//! Writes a Kaggle account into the system's keyring, where landings look for it last, and takes it out again.

use super::credentials::{Credentials, KEYRING, parse};
use crate::error::ExtractError;
use keyring_core::{Entry, Error};
use std::time::Duration;

/// A keyring can ask its owner to unlock it; at the screen that takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// The other two ways, for where the keyring is none.
const OTHERWISE: &str = "Set KAGGLE_USERNAME and KAGGLE_KEY, or save the `kaggle.json` of your account's settings page as \
                         `~/.kaggle/kaggle.json` with `chmod 600`";

/// Name and key of an account. Not `Debug`: it holds the key.
pub struct KaggleAccount(Credentials);

impl KaggleAccount {
    /// The text of a `kaggle.json`.
    pub fn of_json(text: &str) -> Result<KaggleAccount, ExtractError> {
        parse(text, "the text").map(KaggleAccount)
    }

    /// Neither may be empty; white space around them is not theirs.
    pub fn new(username: &str, key: &str) -> Result<KaggleAccount, ExtractError> {
        let (username, key) = (username.trim().to_owned(), key.trim().to_owned());
        let wrong = |what: &str| Err(ExtractError::Credentials { reason: format!("{what}; nothing was kept") });
        match (username.is_empty(), key.is_empty()) {
            (true, _) => wrong("the name of the account is empty"),
            (_, true) => wrong("the key is empty"),
            _ => Ok(KaggleAccount(Credentials { username, key })),
        }
    }

    /// The account's name, which is no secret.
    pub fn username(&self) -> &str {
        &self.0.username
    }

    /// Puts it into this user's keyring, in place of another one; gives where, in words. Waits up to two minutes for
    /// a keyring that asks to be unlocked.
    pub async fn keep(self) -> Result<&'static str, ExtractError> {
        asked(move |entry| write(entry, &self.0)).await.map(|()| PLACE)
    }
}

const PLACE: &str = "the system's keyring (service `assay`, user `kaggle`)";

/// Takes the account out of this user's keyring; gives where it was, none when there was none.
pub async fn forget_kaggle() -> Result<Option<&'static str>, ExtractError> {
    Ok(asked(remove).await?.then_some(PLACE))
}

/// Runs on a thread of its own: a keyring blocks while it asks.
async fn asked<T: Send + 'static>(
    work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, ExtractError> {
    let asking = tokio::task::spawn_blocking(move || {
        let entry = keyring::Entry::new(KEYRING.0, KEYRING.1)?;
        work(&entry.inner)
    });
    let late = || refused(format!("it did not answer within {} seconds", PATIENCE.as_secs()));
    let answer = tokio::time::timeout(PATIENCE, asking).await.map_err(|_| late())?;
    answer.map_err(|error| refused(error.to_string()))?.map_err(|error| explained(&error))
}

fn write(entry: &Entry, account: &Credentials) -> Result<(), Error> {
    let text = serde_json::json!({ "username": account.username, "key": account.key }).to_string();
    entry.set_password(&text)
}

fn remove(entry: &Entry) -> Result<bool, Error> {
    match entry.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Some of the keyring's errors hold what it keeps; of those only the kind is told.
fn explained(error: &Error) -> ExtractError {
    match error {
        Error::NoDefaultStore => refused("there is none on this machine, or it does not run".to_owned()),
        Error::NoStorageAccess(cause) => refused(format!("it is locked or closed: {cause}")),
        Error::PlatformFailure(cause) => refused(format!("it failed: {cause}")),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => refused("what it keeps cannot be read".to_owned()),
        Error::Ambiguous(_) => refused("it holds several such entries; remove them with its own program".to_owned()),
        other => refused(other.to_string()),
    }
}

fn refused(reason: String) -> ExtractError {
    ExtractError::Keyring { reason, otherwise: OTHERWISE }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use keyring_core::api::CredentialStoreApi;
    use keyring_core::mock::{Cred, Store};

    fn entry() -> Entry {
        Store::new().unwrap().build(KEYRING.0, KEYRING.1, None).unwrap()
    }

    #[test]
    fn what_is_kept_is_what_a_landing_reads_and_it_can_be_taken_out() {
        let entry = entry();
        assert!(!remove(&entry).unwrap());
        let account = KaggleAccount::new(" ann\n", "s3\"cret\n").unwrap();
        write(&entry, &account.0).unwrap();
        let found = parse(&entry.get_password().unwrap(), "the keyring").unwrap();
        assert_eq!((found.username.as_str(), found.key.as_str()), ("ann", "s3\"cret"));
        write(&entry, &KaggleAccount::of_json(r#"{"username":"eve","key":"k"}"#).unwrap().0).unwrap();
        assert_eq!(parse(&entry.get_password().unwrap(), "the keyring").unwrap().username, "eve");
        assert!(remove(&entry).unwrap());
        assert!(matches!(entry.get_password(), Err(Error::NoEntry)));
        assert!(!remove(&entry).unwrap());
    }

    #[test]
    fn a_keyring_that_refuses_is_told_with_the_other_ways_and_without_the_key() {
        let entry = entry();
        let mock: &Cred = entry.as_any().downcast_ref().unwrap();
        let locked = || Error::NoStorageAccess("the collection is locked".into());
        let account = KaggleAccount::new("ann", "s3cret").unwrap();
        for attempt in
            [&|| write(&entry, &account.0), &|| remove(&entry).map(|_| ())] as [&dyn Fn() -> Result<(), Error>; 2]
        {
            mock.set_error(locked());
            let text = explained(&attempt().unwrap_err()).to_string();
            assert!(text.contains("the collection is locked") && text.contains("nothing was changed"), "{text}");
            assert!(text.contains("KAGGLE_USERNAME") && text.contains("kaggle.json"), "{text}");
        }
        let text = explained(&Error::BadDataFormat(b"s3cret".to_vec(), "s3cret".into())).to_string();
        assert!(!text.contains("s3cret"), "{text}");
        assert!(explained(&Error::NoDefaultStore).to_string().contains("there is none on this machine"));
    }

    #[test]
    fn half_an_account_is_none() {
        for (name, key, said) in [("", "k", "the name"), ("ann", " \n", "the key is empty")] {
            let text = KaggleAccount::new(name, key).err().unwrap().to_string();
            assert!(text.contains(said) && text.contains("nothing was kept"), "{text}");
        }
        let text = KaggleAccount::of_json(r#"{"username":"ann","key":["s3cret"]}"#).err().unwrap().to_string();
        assert!(!text.contains("s3cret"), "{text}");
    }
}
