//! Name and key of a Kaggle account: from the environment, from `kaggle.json`, or from the keyring.

use crate::disk::blocking;
use crate::error::ExtractError;
use crate::outside::Outside;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where the keyring keeps the text of a `kaggle.json`.
pub(super) const KEYRING: (&str, &str) = ("assay", "kaggle");
const LONGEST: u64 = 64 << 10;

/// Not `Debug`: it holds the key.
#[derive(Clone, Deserialize)]
pub(crate) struct Credentials {
    pub username: String,
    pub key: String,
}

/// The first that is there; one that is there and of no use is an error, not a reason to look further.
pub(crate) async fn find(outside: &dyn Outside) -> Result<Credentials, ExtractError> {
    match (outside.variable("KAGGLE_USERNAME"), outside.variable("KAGGLE_KEY")) {
        (Some(username), Some(key)) => return Ok(Credentials { username, key }),
        (Some(_), None) => return Err(refuse("KAGGLE_USERNAME is set and KAGGLE_KEY is not. Set both or neither")),
        (None, Some(_)) => return Err(refuse("KAGGLE_KEY is set and KAGGLE_USERNAME is not. Set both or neither")),
        (None, None) => {}
    }
    if let Some(path) = file(outside) {
        let opened = path.clone();
        if let Some(text) = blocking(&path, move || read(&opened)).await? {
            return parse(&text, &path.display().to_string());
        }
    }
    match outside.keyring(KEYRING.0, KEYRING.1).await {
        Some(text) => parse(&text, "the keyring's entry `kaggle` of `assay`"),
        None => Err(refuse(
            "set KAGGLE_USERNAME and KAGGLE_KEY, or save the `kaggle.json` of your account's settings page as \
             `~/.kaggle/kaggle.json`, or put it into the keyring with `assay connect kaggle`",
        )),
    }
}

fn file(outside: &dyn Outside) -> Option<PathBuf> {
    let folder = match outside.variable("KAGGLE_CONFIG_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&outside.variable("HOME")?).join(".kaggle"),
    };
    Some(folder.join("kaggle.json"))
}

/// The rights are looked at on the opened file, so that it cannot be exchanged in between.
fn read(path: &Path) -> Result<Option<String>, ExtractError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ExtractError::disk(path, "open")(error)),
    };
    let meta = file.metadata().map_err(ExtractError::disk(path, "look at"))?;
    if meta.permissions().mode() & 0o077 != 0 {
        let shown = path.display();
        return Err(refuse(&format!("{shown} can be read by other users and was not read. Run: chmod 600 {shown}")));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(ExtractError::disk(path, "read"))?;
    Ok(Some(text))
}

/// The parser's message can repeat a part of the text, so it is not passed on.
pub(super) fn parse(text: &str, place: &str) -> Result<Credentials, ExtractError> {
    let found: Option<Credentials> = serde_json::from_str(text).ok();
    found.filter(|found| !found.username.is_empty() && !found.key.is_empty()).ok_or_else(|| {
        refuse(&format!("{place} is not of the form {{\"username\": …, \"key\": …}}. Get a new one from Kaggle"))
    })
}

fn refuse(reason: &str) -> ExtractError {
    ExtractError::Credentials { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::{DateTime, Utc};
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use std::fs;
    use std::time::Duration;

    struct Fixed {
        variables: Vec<(&'static str, String)>,
        keyring: Option<&'static str>,
    }

    impl Outside for Fixed {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone())
        }
        fn keyring(&self, service: &str, user: &str) -> BoxFuture<'_, Option<String>> {
            let found = self.keyring.filter(|_| (service, user) == ("assay", "kaggle")).map(str::to_owned);
            async { found }.boxed()
        }
        fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
            async {}.boxed()
        }
    }

    const TEXT: &str = r#"{"username":"ann","key":"s3cret"}"#;

    async fn found(variables: Vec<(&'static str, String)>, keyring: Option<&'static str>) -> Result<String, String> {
        let found = find(&Fixed { variables, keyring }).await;
        found.map(|found| format!("{}:{}", found.username, found.key)).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_environment_comes_first_then_the_file_then_the_keyring() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".kaggle")).unwrap();
        let file = home.path().join(".kaggle/kaggle.json");
        fs::write(&file, TEXT).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let home_variable = || ("HOME", home.path().display().to_string());
        let environment =
            || vec![home_variable(), ("KAGGLE_USERNAME", "eve".to_owned()), ("KAGGLE_KEY", "k".to_owned())];
        assert_eq!(found(environment(), None).await.unwrap(), "eve:k");
        assert_eq!(found(vec![home_variable()], None).await.unwrap(), "ann:s3cret");
        let folder = home.path().join(".kaggle").display().to_string();
        assert_eq!(found(vec![("KAGGLE_CONFIG_DIR", folder)], None).await.unwrap(), "ann:s3cret");
        fs::remove_file(&file).unwrap();
        assert_eq!(found(vec![home_variable()], Some(TEXT)).await.unwrap(), "ann:s3cret");
        let error = found(vec![home_variable()], None).await.unwrap_err();
        assert!(error.contains("kaggle.json") && error.contains("keyring"), "{error}");
    }

    #[tokio::test]
    async fn half_of_the_variables_and_unreadable_texts_are_said_without_the_key() {
        let error = found(vec![("KAGGLE_KEY", "s3cret".to_owned())], Some(TEXT)).await.unwrap_err();
        assert!(error.contains("KAGGLE_USERNAME is not") && !error.contains("s3cret"), "{error}");
        let error = found(Vec::new(), Some(r#"{"username":"ann","key":["s3cret"]}"#)).await.unwrap_err();
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kaggle.json");
        fs::write(&file, TEXT).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
        let place = vec![("KAGGLE_CONFIG_DIR", folder.path().display().to_string())];
        let error = found(place, None).await.unwrap_err();
        assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
    }
}
