//! Why a server refused, in words without values of cells.

use std::error::Error;

/// What an error of ours keeps of another one.
pub type Cause = Box<dyn Error + Send + Sync>;

/// The reason as words, and the error itself where it is not the server's own (whose text can hold values).
pub fn reason(error: tokio_postgres::Error) -> (String, Option<Cause>) {
    let Some(db) = error.as_db_error() else { return (causes(&error), Some(Box::new(error))) };
    let code = db.code().code();
    // Messages of data errors quote the value, and functions of the server may say anything.
    let told = match &code[..2] {
        "08" | "0A" | "25" | "28" | "2B" | "3D" | "3F" | "40" | "42" | "53" | "54" | "55" | "57" | "58" => db.message(),
        _ => "the server gave an error whose text may hold values and is not shown",
    };
    (format!("{told} (SQLSTATE {code})"), None)
}

/// An error's text and those of its causes, each once.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Some errors repeat the text of their cause.
        let told = cause.to_string();
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        next = cause.source();
    }
    text
}
