//! What a storage's error means, in words. The library's own texts can quote addresses, ids of keys and what the
//! storage answered, so that none of them is shown.

use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;
use std::io;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `answered 503 SlowDown`, behind "the storage".
    pub(crate) what: String,
    /// The same request can succeed later.
    pub(crate) passing: bool,
}

impl Fault {
    /// The library does not ask again then: it cannot know what of a request was done, which does not matter to a read.
    pub(crate) fn is_broken_off(&self) -> bool {
        matches!(self.what.as_str(), BROKEN_OFF | UNTOLD)
    }
}

const BROKEN_OFF: &str = "broke the connection off";
const UNTOLD: &str = "did not do what it was asked to";

const STATUS: &str = "non-2xx status code: ";

/// What the storage has to do with an error; none when it is an error of something else.
pub(crate) fn fault(error: &(dyn Error + 'static)) -> Option<Fault> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if let Some((_, answer)) = text.split_once(STATUS) {
            return Some(answered(answer));
        }
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return Some(Fault { what: unanswered(http.kind()).to_owned(), passing: true });
        }
        if text.contains("Generic S3 error") {
            found = Some(Fault { what: UNTOLD.to_owned(), passing: true });
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    found
}

fn unanswered(kind: HttpErrorKind) -> &'static str {
    match kind {
        HttpErrorKind::Connect => "cannot be reached",
        HttpErrorKind::Timeout => "gave no answer in time",
        _ => BROKEN_OFF,
    }
}

/// Of a status and what came with it: `503 Service Unavailable: <Error><Code>SlowDown</Code>...`.
fn answered(answer: &str) -> Fault {
    let status: String = answer.chars().take_while(char::is_ascii_digit).collect();
    let code = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let code = code.filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let answer = code.map_or(status.clone(), |code| format!("{status} {code}"));
    let (what, passing) = match (status.as_str(), code) {
        (_, Some("NoSuchBucket")) => ("has no such bucket".to_owned(), false),
        ("401" | "403", _) => (format!("refuses the keys or what they ask for ({answer})"), false),
        ("301" | "307", _) | ("400", Some("AuthorizationHeaderMalformed")) => {
            (format!("has the bucket in another region ({answer})"), false)
        }
        ("507", _) => (format!("is full ({answer})"), false),
        (status, _) => {
            (format!("answered {answer}"), status.starts_with('5') || matches!(status, "408" | "409" | "429"))
        }
    };
    Fault { what, passing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn an_answer_is_told_by_its_status_and_code_alone() {
        let body = |code: &str| format!("<Error><Code>{code}</Code><AWSAccessKeyId>AKIA1</AWSAccessKeyId></Error>");
        let cases = [
            ("503 Service Unavailable: ", body("SlowDown"), "answered 503 SlowDown", true),
            ("500 Internal Server Error: ", String::new(), "answered 500", true),
            (
                "403 Forbidden: ",
                body("InvalidAccessKeyId"),
                "refuses the keys or what they ask for (403 InvalidAccessKeyId)",
                false,
            ),
            ("404 Not Found: ", body("NoSuchBucket"), "has no such bucket", false),
            (
                "400 Bad Request: ",
                body("AuthorizationHeaderMalformed"),
                "has the bucket in another region (400 AuthorizationHeaderMalformed)",
                false,
            ),
            ("404 Not Found: ", body("NoSuchKey"), "answered 404 NoSuchKey", false),
            ("400 Bad Request: ", body("a secret text"), "answered 400", false),
            ("409 Conflict: ", body("ConditionalRequestConflict"), "answered 409 ConditionalRequestConflict", true),
        ];
        for (status, body, what, passing) in cases {
            let error = io::Error::other(generic(&format!("Server returned {STATUS}{status}{body}")));
            assert_eq!(fault(&error), Some(Fault { what: what.to_owned(), passing }), "{status}");
        }
    }

    #[test]
    fn errors_of_the_disk_are_none_of_the_storage() {
        assert_eq!(fault(&io::Error::from(io::ErrorKind::PermissionDenied)), None);
        let disk = object_store::Error::Generic { store: "lake", source: Box::new(io::Error::other("x")) };
        assert_eq!(fault(&disk), None);
        let told = fault(&generic("key AKIA1 at http://host/x")).map(|fault| fault.what);
        assert_eq!(told.as_deref(), Some("did not do what it was asked to"));
    }
}
