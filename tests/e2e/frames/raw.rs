//! A WebSocket client without manners: it sends the frames that it is told to send, masked or not, and answers
//! nothing by itself.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use switchboard_tests::patience::within;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;
/// The bit of a frame that is the last of its message.
pub(super) const FIN: u8 = 0x80;

const MASK: [u8; 4] = [0x5a, 0x01, 0xff, 0x37];

pub(super) struct Raw(BufReader<TcpStream>);

impl Raw {
    /// A connection that has been upgraded.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let mut raw = Self(BufReader::new(tcp));
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        raw.send_bytes(request.as_bytes()).await?;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            within("the answer to an upgrade", async { Ok(raw.0.read_line(&mut line).await?) }).await?;
        }
        Ok(raw)
    }

    /// A masked frame. `first` is its first byte: FIN, reserved bits, opcode.
    pub(super) async fn send(&mut self, first: u8, payload: &[u8]) -> Result<()> {
        self.send_bytes(&frame(first, payload)).await
    }

    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let tcp = self.0.get_mut();
        tcp.write_all(bytes).await?;
        Ok(tcp.flush().await?)
    }

    /// The opcode and the payload of the next frame; nothing when the connection has ended.
    pub(super) async fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        within("a frame", async {
            let mut head = [0; 2];
            if self.0.read_exact(&mut head).await.is_err() {
                return Ok(None);
            }
            let length = match head[1] {
                126 => u64::from(self.0.read_u16().await?),
                127 => self.0.read_u64().await?,
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length)?];
            self.0.read_exact(&mut payload).await?;
            Ok(Some((head[0] & 0x0F, payload)))
        })
        .await
    }

    /// Reads on to the close frame and gives its code; 1006 where the connection ends without one.
    pub(super) async fn close_code(&mut self) -> Result<u16> {
        loop {
            match self.frame().await? {
                None => return Ok(1006),
                Some((CLOSE, payload)) => {
                    let code = payload.first_chunk().context("a close frame without a code")?;
                    return Ok(u16::from_be_bytes(*code));
                }
                Some(_) => {}
            }
        }
    }
}

/// The bytes of a masked frame.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap_or(0)),
        medium @ 126..=0xFFFF => {
            bytes.push(0x80 | 0x7E);
            bytes.extend(u16::try_from(medium).unwrap_or(0).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 0x7F);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
