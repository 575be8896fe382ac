//! Frames on the engine's pipes: one JSON line, and the raw body that it announces.

use assay_contract::frame::{BODY_LIMIT, LINE_LIMIT, Reply, Request};
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Why the connection cannot go on.
#[derive(Debug, Error)]
pub enum FrameError {
    #[error("the engine's output could not be read")]
    Read(#[source] std::io::Error),
    #[error("the engine's output ended in the middle of a frame")]
    Cut,
    #[error("the engine sent a line longer than {LINE_LIMIT} bytes")]
    LongLine,
    #[error("the engine announced a body of {0} bytes, more than {BODY_LIMIT}")]
    LongBody(u64),
    #[error("the engine sent something that is no frame; window and engine may be of different versions")]
    Strange(#[source] serde_json::Error),
}

/// A frame and its body, which is empty for all but pages.
#[derive(Debug)]
pub struct Frame {
    pub reply: Reply,
    pub body: Vec<u8>,
}

/// The next frame, or `None` when the output ended between two frames.
pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Frame>, FrameError> {
    let mut line = Vec::new();
    let limit = LINE_LIMIT as u64 + 1;
    from.take(limit).read_until(b'\n', &mut line).await.map_err(FrameError::Read)?;
    match line.pop() {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) if line.len() >= LINE_LIMIT => return Err(FrameError::LongLine),
        Some(_) => return Err(FrameError::Cut),
    }
    let reply: Reply = serde_json::from_slice(&line).map_err(FrameError::Strange)?;
    let body = match reply {
        Reply::Answer { bytes, .. } if bytes > 0 => read_body(from, bytes).await?,
        _ => Vec::new(),
    };
    Ok(Some(Frame { reply, body }))
}

async fn read_body(from: &mut (impl AsyncBufRead + Unpin), bytes: u64) -> Result<Vec<u8>, FrameError> {
    if bytes > BODY_LIMIT {
        return Err(FrameError::LongBody(bytes));
    }
    let mut body = Vec::new();
    let got = from.take(bytes).read_to_end(&mut body).await.map_err(FrameError::Read)?;
    if (got as u64) < bytes { Err(FrameError::Cut) } else { Ok(body) }
}

/// A request as the line that crosses.
pub fn line(request: &Request) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use assay_contract::{Answer, Ask, Event};

    async fn all(mut bytes: &[u8]) -> (Vec<Frame>, Option<FrameError>) {
        let mut frames = Vec::new();
        loop {
            match read(&mut bytes).await {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    #[tokio::test]
    async fn a_body_is_taken_by_its_length_even_when_it_looks_like_lines() {
        let mut wire = Vec::new();
        wire.extend(b"{\"frame\":\"answer\",\"id\":7,\"answer\":\"bytes\",\"bytes\":5}\n\n{}\n\n");
        wire.extend(b"{\"frame\":\"events\",\"events\":[{\"event\":\"table\",\"table\":\"a.silver.b\"}]}\n");
        let (frames, error) = all(&wire).await;
        assert!(error.is_none());
        assert_eq!(frames[0].body, b"\n{}\n\n");
        assert_eq!(frames[0].reply, Reply::Answer { id: 7, answer: Answer::Bytes, bytes: 5 });
        assert_eq!(frames[1].reply, Reply::Events { events: vec![Event::Table { table: "a.silver.b".into() }] });
    }

    #[tokio::test]
    async fn what_is_cut_or_strange_ends_the_connection() {
        let cut = b"{\"frame\":\"answer\",\"id\":7,\"answer\":\"bytes\",\"bytes\":5}\nabc";
        assert!(matches!(all(cut).await.1, Some(FrameError::Cut)));
        assert!(matches!(all(b"{\"frame\":\"ans").await.1, Some(FrameError::Cut)));
        assert!(matches!(all(b"hello\n").await.1, Some(FrameError::Strange(_))));
        let vast = format!("{{\"frame\":\"answer\",\"id\":1,\"answer\":\"bytes\",\"bytes\":{}}}\n", BODY_LIMIT + 1);
        assert!(matches!(all(vast.as_bytes()).await.1, Some(FrameError::LongBody(_))));
        assert!(matches!(all(&vec![b' '; LINE_LIMIT + 2]).await.1, Some(FrameError::LongLine)));
    }

    #[test]
    fn a_request_is_one_line() {
        let request = Request { id: 3, ask: Ask::Run { run: "a\nb".into() } };
        assert_eq!(line(&request).unwrap(), b"{\"id\":3,\"ask\":\"run\",\"run\":\"a\\nb\"}\n");
    }
}
