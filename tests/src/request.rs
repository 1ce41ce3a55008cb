//! Reading an HTTP request with a body, for the servers that tests talk to: as much of HTTP as their clients send.

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Result<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            more(socket, &mut bytes).await?;
        };
        let head = String::from_utf8(bytes[..end].to_vec())?;
        let length: usize = header(&head, "content-length").context("a length")?.parse()?;
        while bytes.len() < end + 4 + length {
            more(socket, &mut bytes).await?;
        }
        Ok(Self { head, body: bytes[end + 4..end + 4 + length].to_vec() })
    }

    pub(crate) fn path(&self) -> Result<&str> {
        self.head.split(' ').nth(1).context("a request line")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// A header out of a head, whatever the case of its name.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

async fn more(socket: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Result<()> {
    if socket.read_buf(bytes).await? == 0 {
        bail!("the client closed the connection");
    }
    Ok(())
}
