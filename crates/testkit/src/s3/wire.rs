//! HTTP/1.1 as it goes over the wire: heads are read whole, bodies flow.

use super::request::Head;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub type Wire = BufReader<TcpStream>;

/// Bytes that a head may have.
const LONGEST_HEAD: usize = 64 << 10;
/// Bytes at a time.
const BLOCK: u64 = 64 << 10;
/// How often a slow body moves on.
const STEPS_PER_SECOND: u32 = 20;

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    Length(u64),
    Chunked,
    ToTheEnd,
}

impl Body {
    pub fn of_request(head: &Head) -> Self {
        Self::told(head).unwrap_or(Self::Length(0))
    }

    /// Of an answer to a request with this method.
    pub fn of_answer(head: &Head, method: &str) -> Self {
        if method == "HEAD" || matches!(head.status(), 100..=199 | 204 | 304) {
            return Self::Length(0);
        }
        Self::told(head).unwrap_or(Self::ToTheEnd)
    }

    fn told(head: &Head) -> Option<Self> {
        if head.says("transfer-encoding", "chunked") {
            return Some(Self::Chunked);
        }
        head.header("content-length").and_then(|length| length.parse().ok()).map(Self::Length)
    }
}

/// Which side of a flow broke.
#[derive(Debug)]
pub enum Broken {
    Source(io::Error),
    Target(io::Error),
}

/// Reads up to the empty line; none where the other side has nothing more to say.
pub async fn head(wire: &mut Wire) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    loop {
        let from = bytes.len();
        // One line is not longer than a head may be.
        (&mut *wire).take(LONGEST_HEAD as u64).read_until(b'\n', &mut bytes).await?;
        match &bytes[from..] {
            [] if from == 0 => return Ok(None),
            b"\r\n" | b"\n" if from > 0 => return Ok(Some(Head::new(bytes))),
            line if line.ends_with(b"\n") && bytes.len() < LONGEST_HEAD => {}
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "a head without an end")),
        }
    }
}

/// Bytes on their way from one side to another.
#[derive(Debug)]
pub struct Flow<'a, W> {
    pub from: &'a mut Wire,
    pub to: &'a mut W,
    /// Bytes in a second.
    pub pace: Option<u32>,
    /// What has gone over, of the body itself.
    pub passed: u64,
}

impl<'a, W: AsyncWrite + Unpin> Flow<'a, W> {
    pub fn new(from: &'a mut Wire, to: &'a mut W, pace: Option<u32>) -> Self {
        Self { from, to, pace, passed: 0 }
    }

    /// Hands over a whole body, framed as it came.
    pub async fn all(&mut self, body: Body) -> Result<(), Broken> {
        match body {
            Body::Length(length) => self.bytes(length).await?,
            Body::ToTheEnd => while self.block(BLOCK).await? > 0 {},
            Body::Chunked => self.chunks().await?,
        }
        self.to.flush().await.map_err(Broken::Target)
    }

    /// Hands over so many bytes; a source that ends before is broken.
    pub async fn bytes(&mut self, mut left: u64) -> Result<(), Broken> {
        while left > 0 {
            match self.block(left).await? {
                0 => return Err(Broken::Source(io::ErrorKind::UnexpectedEof.into())),
                passed => left -= passed,
            }
        }
        Ok(())
    }

    async fn chunks(&mut self) -> Result<(), Broken> {
        loop {
            let line = self.line().await?;
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(digits).ok().and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
            let size = size.ok_or_else(|| Broken::Source(io::ErrorKind::InvalidData.into()))?;
            if size == 0 {
                break;
            }
            self.bytes(size).await?;
            self.line().await?;
        }
        while self.line().await?.len() > 2 {}
        Ok(())
    }

    /// A line of the framing, handed over.
    async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let mut line = Vec::new();
        let read = (&mut *self.from).take(LONGEST_HEAD as u64).read_until(b'\n', &mut line).await;
        read.map_err(Broken::Source)?;
        if !line.ends_with(b"\n") {
            return Err(Broken::Source(io::ErrorKind::UnexpectedEof.into()));
        }
        self.to.write_all(&line).await.map_err(Broken::Target)?;
        Ok(line)
    }

    /// Some bytes, and none at the end.
    async fn block(&mut self, most: u64) -> Result<u64, Broken> {
        let step = self.pace.map_or(BLOCK, |pace| u64::from(pace / STEPS_PER_SECOND).max(1)).min(most);
        let mut block = vec![0; usize::try_from(step.min(BLOCK)).unwrap_or(1)];
        let length = self.from.read(&mut block).await.map_err(Broken::Source)?;
        self.to.write_all(&block[..length]).await.map_err(Broken::Target)?;
        if self.pace.is_some() {
            self.to.flush().await.map_err(Broken::Target)?;
            tokio::time::sleep(Duration::from_secs(1) / STEPS_PER_SECOND).await;
        }
        self.passed += length as u64;
        Ok(length as u64)
    }
}
