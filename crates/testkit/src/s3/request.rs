//! What an HTTP request asks of an S3 server.

/// What a request does to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Get,
    Head,
    List,
    /// An object in one request.
    Put,
    /// Of an object in parts: its beginning, a part, its end, its removal.
    Begin,
    Part,
    Complete,
    Abort,
    Copy,
    Delete,
    DeleteMany,
    Other,
}

/// A request as a rule sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub kind: Kind,
    /// The key with its bucket, such as `bucket/a/b.json`, decoded; of a listing the prefix that is listed.
    pub key: String,
}

/// The first line and the headers.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub bytes: Vec<u8>,
    text: String,
}

impl Head {
    pub fn new(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { bytes, text }
    }

    /// The n-th word of the first line.
    fn word(&self, n: usize) -> &str {
        self.text.lines().next().and_then(|line| line.split(' ').nth(n)).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.word(0)
    }

    /// Of an answer.
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    /// The value of a header, which is named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// Whether a header holds this word.
    pub fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    }

    pub fn request(&self) -> Request {
        let (path, query) = self.word(1).split_once('?').unwrap_or((self.word(1), ""));
        let path = decoded(path.trim_start_matches('/'));
        let parameters: Vec<(&str, &str)> =
            query.split('&').map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let parameter = |name: &str| parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        let of_object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        let kind = match (self.method(), of_object) {
            ("GET", false) => Kind::List,
            ("GET", true) if parameter("uploadId").is_none() => Kind::Get,
            ("HEAD", _) => Kind::Head,
            ("PUT", true) if parameter("uploadId").is_some() => Kind::Part,
            ("PUT", true) if self.header("x-amz-copy-source").is_some() => Kind::Copy,
            ("PUT", true) => Kind::Put,
            ("POST", true) if parameter("uploads").is_some() => Kind::Begin,
            ("POST", true) if parameter("uploadId").is_some() => Kind::Complete,
            ("POST", false) if parameter("delete").is_some() => Kind::DeleteMany,
            ("DELETE", true) if parameter("uploadId").is_some() => Kind::Abort,
            ("DELETE", true) => Kind::Delete,
            _ => Kind::Other,
        };
        if kind != Kind::List {
            return Request { kind, key: path };
        }
        let prefix = decoded(&parameter("prefix").unwrap_or_default().replace('+', " "));
        Request { kind, key: format!("{}/{prefix}", path.trim_end_matches('/')) }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok()).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(found) => {
                bytes.push(found);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_its_first_line_and_headers() {
        let rows = [
            ("GET /b/a/d%3D1/x%20y%2B%25.txt HTTP/1.1\r\n", Kind::Get, "b/a/d=1/x y+%.txt"),
            ("GET /b?list-type=2&prefix=a%2Fb+c%2F&max-keys=5 HTTP/1.1\r\n", Kind::List, "b/a/b c/"),
            ("GET /b/?list-type=2 HTTP/1.1\r\n", Kind::List, "b/"),
            ("HEAD /b/k HTTP/1.1\r\n", Kind::Head, "b/k"),
            ("PUT /b/k HTTP/1.1\r\n", Kind::Put, "b/k"),
            ("PUT /b/k HTTP/1.1\r\nX-Amz-Copy-Source: /b/j\r\n", Kind::Copy, "b/k"),
            ("PUT /b/k?partNumber=1&uploadId=u HTTP/1.1\r\n", Kind::Part, "b/k"),
            ("POST /b/k?uploads HTTP/1.1\r\n", Kind::Begin, "b/k"),
            ("POST /b/k?uploads= HTTP/1.1\r\n", Kind::Begin, "b/k"),
            ("POST /b/k?uploadId=u HTTP/1.1\r\n", Kind::Complete, "b/k"),
            ("DELETE /b/k?uploadId=u HTTP/1.1\r\n", Kind::Abort, "b/k"),
            ("DELETE /b/k HTTP/1.1\r\n", Kind::Delete, "b/k"),
            ("POST /b?delete HTTP/1.1\r\n", Kind::DeleteMany, "b"),
            ("PUT /b HTTP/1.1\r\n", Kind::Other, "b"),
        ];
        for (text, kind, key) in rows {
            let there = Head::new(text.as_bytes().to_vec()).request();
            assert_eq!(there, Request { kind, key: key.to_owned() }, "{text}");
        }
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let head = Head::new(b"HTTP/1.1 503 Slow Down\r\nConnection: keep-alive, CLOSE\r\nA: b\r\n\r\n".to_vec());
        assert_eq!((head.status(), head.header("a"), head.header("b")), (503, Some("b"), None));
        assert!(head.says("connection", "close") && !head.says("connection", "clos"));
    }
}
