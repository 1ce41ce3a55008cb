//! Somebody's web site: one page, and beside it the files of `static/`, for sites that host the widget themselves.
//!
//! Invariant: its origin is not the server's, and it stays up when the server does not.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::machine;

/// A running site; dropping it takes it down.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Site {
    /// A site whose page, at `/`, has this HTML.
    pub async fn with(page: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the site's listener")?;
        let address = listener.local_addr()?;
        let page = page.to_owned();
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let page = page.clone();
                // A browser that goes away in the middle is nobody's business.
                tokio::spawn(async move { answer(client, &page).await });
            }
        });
        Ok(Self { address, serving })
    }

    /// As browsers name it: scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request a connection.
async fn answer(client: TcpStream, page: &str) -> Result<()> {
    let mut client = BufReader::new(client);
    let mut request = String::new();
    // An empty line ends the head, and what a browser asks of this site has no body.
    while client.read_line(&mut request).await? > 2 {}
    let path = request.split(' ').nth(1).unwrap_or("/");
    let (status, kind, body) = match path {
        "/" => ("200 OK", "text/html", page.as_bytes().to_vec()),
        path => {
            match std::fs::read(machine::repository().join("static").join(path.trim_start_matches('/'))) {
                Ok(file) => ("200 OK", "text/javascript", file),
                Err(_) => ("404 Not Found", "text/plain", Vec::new()),
            }
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(&body).await?;
    client.shutdown().await?;
    Ok(())
}
