//! Requests to the API: the account goes to the API's own host, never to where it redirects.

use crate::error::ExtractError;
use crate::kaggle::credentials::Credentials;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE};
use reqwest::{Response, redirect};
use std::time::Duration;
use url::{Host, Url};

const HOPS: usize = 5;
const CONNECT: Duration = Duration::from_secs(30);
/// Without a byte for this long the connection counts as cut.
const SILENCE: Duration = Duration::from_secs(60);

/// One file of one data set. Not `Debug`: it holds the key.
pub(crate) struct Api {
    client: reqwest::Client,
    address: Url,
    credentials: Credentials,
}

/// Which bytes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Whole,
    /// All of it, unless it is still this version.
    Unless(String),
    /// From this byte on, if it is still this version; else all of it.
    From(u64, String),
}

/// Why there is no answer.
pub(crate) enum Silence {
    /// It may go well the next time.
    Cut(reqwest::Error),
    Refused(ExtractError),
}

impl Api {
    /// `base` must be https, except on this machine itself.
    pub(crate) fn new(dataset: &str, file: &str, base: &str, credentials: Credentials) -> Result<Api, ExtractError> {
        let refuse = |reason: &str| ExtractError::Address { reason: reason.to_owned() };
        let mut address = Url::parse(base).map_err(|_| refuse("the base is not a URL"))?;
        if !may_follow(None, &address) {
            return Err(refuse("the base is not https, and the key would go over the network in the clear"));
        }
        let is_word = |word: &str| {
            !word.is_empty()
                && !word.starts_with('.')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let Some((owner, name)) = dataset.split_once('/').filter(|(owner, name)| is_word(owner) && is_word(name))
        else {
            return Err(refuse("the data set is not of the form `owner/name`"));
        };
        address
            .path_segments_mut()
            .map_err(|()| refuse("the base is not a URL with a host"))?
            .pop_if_empty()
            .extend(["api", "v1", "datasets", "download", owner, name, file]);
        let mut client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")));
        if is_here(&address) {
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|_| refuse("this machine's certificates or proxy settings cannot be used"))?;
        Ok(Api { client, address, credentials })
    }

    /// Follows redirects; no error holds an address, because that of a redirect is signed.
    pub(crate) async fn get(&self, ask: &Ask) -> Result<Response, Silence> {
        let mut address = self.address.clone();
        for _ in 0..HOPS {
            let mut request = self.client.get(address.clone()).headers(headers(ask));
            if address.origin() == self.address.origin() {
                request = request.basic_auth(&self.credentials.username, Some(&self.credentials.key));
            }
            let response = request.send().await.map_err(|error| Silence::Cut(error.without_url()))?;
            if !response.status().is_redirection() || response.status().as_u16() == 304 {
                return Ok(response);
            }
            let next = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            let next = next.and_then(|place| address.join(place).ok());
            match next {
                Some(next) if may_follow(Some(&address), &next) => address = next,
                _ => return Err(refused("it redirects to an address that is not https, or to none")),
            }
        }
        Err(refused("it redirects again and again"))
    }
}

/// The version of an answer, when it is an exact one.
pub(crate) fn version(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (!tag.starts_with("W/")).then(|| tag.to_owned())
}

fn refused(reason: &str) -> Silence {
    Silence::Refused(ExtractError::Address { reason: reason.to_owned() })
}

fn headers(ask: &Ask) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name, text: &str| {
        // A version came as a header, so it can go as one.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    match ask {
        Ask::Whole => {}
        Ask::Unless(version) => set(IF_NONE_MATCH, version),
        Ask::From(at, version) => {
            set(RANGE, &format!("bytes={at}-"));
            set(IF_RANGE, version);
        }
    }
    headers
}

/// https anywhere; http on this machine alone, and only from there.
fn may_follow(from: Option<&Url>, to: &Url) -> bool {
    match to.scheme() {
        "https" => to.has_host(),
        "http" => is_here(to) && from.is_none_or(is_here),
        _ => false,
    }
}

fn is_here(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn api(dataset: &str, file: &str, base: &str) -> Result<Api, ExtractError> {
        Api::new(dataset, file, base, Credentials { username: "ann".to_owned(), key: "s3cret".to_owned() })
    }

    #[test]
    fn names_become_parts_of_the_path_and_nothing_else() {
        let api = api("ann/shop.2", "a b?#%.csv", "https://www.kaggle.com").unwrap();
        let expected = "https://www.kaggle.com/api/v1/datasets/download/ann/shop.2/a%20b%3F%23%25.csv";
        assert_eq!(api.address.as_str(), expected);
    }

    #[test]
    fn a_base_that_would_show_the_key_and_names_that_climb_are_refused() {
        for (dataset, base) in [
            ("a/b", "http://kaggle.example"),
            ("a/b", "ftp://kaggle.example"),
            ("a/b", "kaggle"),
            ("a/..", "https://kaggle.example"),
            ("a", "https://kaggle.example"),
            ("a/b/c", "https://kaggle.example"),
        ] {
            assert!(matches!(api(dataset, "f", base), Err(ExtractError::Address { .. })), "{dataset} {base}");
        }
    }

    #[test]
    fn redirects_never_leave_what_is_encrypted() {
        let url = |text| Url::parse(text).unwrap();
        let cases = [
            ("https://a.example", "https://b.example", true),
            ("https://a.example", "http://b.example", false),
            ("https://a.example", "http://127.0.0.1", false),
            ("http://127.0.0.1", "http://127.0.0.1:1", true),
            ("http://127.0.0.1", "http://b.example", false),
            ("https://a.example", "file:///etc/passwd", false),
        ];
        for (from, to, expected) in cases {
            assert_eq!(may_follow(Some(&url(from)), &url(to)), expected, "{from} {to}");
        }
    }
}
