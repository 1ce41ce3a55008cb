//! Where a server is: its WebSocket, and the plain pages beside it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;

#[derive(Clone, Debug)]
pub struct Address {
    pub socket: SocketAddr,
    pub dialect: Dialect,
    host: String,
    path: String,
}

/// What its WebSocket speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    #[default]
    JsonRpc,
    SocketIo,
}

impl Address {
    pub async fn resolve(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is not a URL"))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => bail!("{url}: TLS is not measured; name the server behind the proxy with ws://"),
            _ => bail!("{url} does not begin with ws://"),
        }
        let host = uri.host().with_context(|| format!("{url} names no host"))?;
        let port = uri.port_u16().unwrap_or(80);
        let path = if uri.path() == "/" { "/ws" } else { uri.path() };
        let socket = tokio::net::lookup_host((host.trim_matches(['[', ']']), port))
            .await
            .with_context(|| format!("the host of {url} is not known"))?
            .min_by_key(SocketAddr::is_ipv6)
            .with_context(|| format!("the host of {url} has no address"))?;
        let dialect = Dialect::default();
        Ok(Self { socket, dialect, host: format!("{host}:{port}"), path: path.to_owned() })
    }

    pub fn loopback(port: u16) -> Self {
        let socket = SocketAddr::from(([127, 0, 0, 1], port));
        Self { socket, dialect: Dialect::default(), host: socket.to_string(), path: "/ws".into() }
    }

    pub fn speaking(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    pub fn url(&self) -> String {
        let query = match self.dialect {
            Dialect::JsonRpc => "",
            Dialect::SocketIo => "/?EIO=4&transport=websocket",
        };
        format!("ws://{}{}{query}", self.host, self.path)
    }

    /// The body of a page of the same server.
    pub async fn get(&self, path: &str) -> anyhow::Result<String> {
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        let within = Duration::from_secs(10);
        let (status, body) = tokio::time::timeout(within, self.exchange(&request))
            .await
            .with_context(|| format!("{path} was not answered within 10 s"))??;
        ensure!(status == 200, "GET {path} was answered with {status}: {}", body.trim());
        Ok(body)
    }

    /// The status of the answer to some JSON.
    pub async fn post(&self, path: &str, body: &str) -> anyhow::Result<u16> {
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "POST {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        Ok(self.exchange(&request).await?.0)
    }

    /// Status and body of an answer. HTTP/1.0, so that it ends where the connection ends.
    async fn exchange(&self, request: &str) -> anyhow::Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.socket).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of headers")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.context("the answer has no status")?, body.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[tokio::test]
    async fn a_url_is_taken_apart() {
        let address = Address::resolve("ws://127.0.0.1:9/ws").await.unwrap();
        assert_eq!(address.url(), "ws://127.0.0.1:9/ws");
        assert_eq!(Address::resolve("ws://127.0.0.1").await.unwrap().url(), "ws://127.0.0.1:80/ws");
        assert_eq!(Address::resolve("ws://[::1]:9/chat").await.unwrap().socket.port(), 9);
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_used_is_refused_with_a_sentence() {
        for (url, sentence) in [
            ("wss://127.0.0.1/ws", "TLS is not measured"),
            ("http://127.0.0.1/ws", "does not begin with ws://"),
            ("127.0.0.1:80", "does not begin with ws://"),
            ("ws://", "is not a URL"),
        ] {
            let error = format!("{:#}", Address::resolve(url).await.unwrap_err());
            assert!(error.contains(sentence), "{url}: {error}");
        }
    }
}
