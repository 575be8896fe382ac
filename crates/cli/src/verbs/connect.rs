//! `assay connect`: keeps the credentials of a source in the system's keyring, and forgets them.

use crate::args::{Account, ConnectArgs};
use crate::exit;
use crate::local::problems;
use crate::render::out::say;
use assay_contract::Problem;
use assay_extract::{ExtractError, KaggleAccount, forget_kaggle};
use console::Term;
use std::io::{IsTerminal, Read};

/// No text that holds an account is longer.
const LONGEST: u64 = 64 << 10;

pub fn run(args: &ConnectArgs, json: bool) -> Result<u8, Problem> {
    let Account::Kaggle = args.account;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        exit::because("The program cannot start its tasks.", &error, "Look at the machine's limits.")
    })?;
    let wrong = |error: ExtractError| problems::extract(&error);
    if args.forget {
        let place = runtime.block_on(forget_kaggle()).map_err(wrong)?;
        said(json, &serde_json::json!({ "account": "kaggle", "forgotten": place.is_some() }), || match place {
            Some(place) => format!("Kaggle's credentials are no longer in {place}."),
            None => "The system's keyring holds no credentials of Kaggle; nothing was changed.".to_owned(),
        });
        return Ok(exit::DONE);
    }
    let account = asked(args.username.as_deref())?;
    let username = account.username().to_owned();
    let place = runtime.block_on(account.keep()).map_err(wrong)?;
    said(json, &serde_json::json!({ "account": "kaggle", "username": username, "place": place }), || {
        format!(
            "The key of {username} is in {place}. KAGGLE_USERNAME with KAGGLE_KEY, and a kaggle.json, are looked for \
             before it."
        )
    });
    Ok(exit::DONE)
}

/// Typed at a terminal, else read from standard input.
fn asked(username: Option<&str>) -> Result<KaggleAccount, Problem> {
    let account = if std::io::stdin().is_terminal() { typed(username) } else { read(username) };
    account.map_err(|error| exit::because("Nothing was read, and nothing was kept.", &error, "Try again."))?.map_err(
        |error| {
            let advice = "Take name and key from the settings page of your Kaggle account.";
            Problem { advice: Some(advice.to_owned()), ..problems::extract(&error) }
        },
    )
}

fn typed(username: Option<&str>) -> std::io::Result<Result<KaggleAccount, ExtractError>> {
    let terminal = Term::stderr();
    let username = match username {
        Some(username) => username.to_owned(),
        None => {
            terminal.write_str("Name of the Kaggle account: ")?;
            terminal.read_line()?
        }
    };
    terminal.write_str("Its key (not shown): ")?;
    let key = terminal.read_secure_line()?;
    Ok(KaggleAccount::new(&username, &key))
}

fn read(username: Option<&str>) -> std::io::Result<Result<KaggleAccount, ExtractError>> {
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(match username {
        Some(username) => KaggleAccount::new(username, &text),
        None => KaggleAccount::of_json(&text),
    })
}

fn said(json: bool, document: &serde_json::Value, text: impl FnOnce() -> String) {
    if json {
        say!("{document}");
    } else {
        say!("{}", text());
    }
}
