//! How a request reaches the server: sent again, a little later, as long as nothing of an answer has come; never
//! afterwards.
//!
//! Invariant: what it hands on is an answer that has begun, guarded by the gate. Nothing that it reports holds a
//! text, a key or an address.

use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::stream::StreamResponse;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tower::{BoxError, Service};

use super::chunk::Chunk;
use super::config::{ApiKey, OpenAiConfig, OpenAiConfigError};
use super::gate::{self, Ending, Wire};
use super::retry;
use crate::access::trust;
use crate::brain::BrainError;
use crate::domain::clock;

/// The way to one server.
#[derive(Clone, Debug)]
pub struct Transport {
    http: reqwest::Client,
    address: Address,
    first_byte: Duration,
    attempts: u32,
    rule: gate::Rule,
}

/// An answer that has begun.
pub struct Begun {
    pub chunks: StreamResponse<Chunk>,
    /// Known when the chunks have come to their end.
    pub ending: Ending,
}

/// Why no answer began.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Brain(#[from] BrainError),
    /// The server understood the request and will not have it like this.
    #[error("status {status}")]
    Declined { status: StatusCode, complaint: String },
}

impl Transport {
    pub fn new(config: &OpenAiConfig) -> Result<Self, OpenAiConfigError> {
        let address = Address::new(&config.base_url, &config.api_key)?;
        let mut http = reqwest::Client::builder()
            // A key goes to the server that it is for, and to no other.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.first_byte)
            .pool_max_idle_per_host(config.concurrent)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")));
        http = http.tls_backend_preconfigured(trust::client(address.base.starts_with("https:"))?);
        let http =
            http.build().map_err(|error| OpenAiConfigError::Client(error.without_url().to_string()))?;
        Ok(Self {
            http,
            address,
            first_byte: config.first_byte,
            attempts: config.attempts.max(1),
            rule: gate::Rule { between: config.between, bytes: config.answer_bytes },
        })
    }

    /// Asks for an answer in pieces. Waits for its first byte, and by `deadline` at the latest not at all.
    pub async fn send(&self, body: &Value, deadline: Instant) -> Result<Begun, Fault> {
        let ending = Ending::default();
        let call = Call { transport: self.clone(), deadline, ending: ending.clone() };
        let client = Client::build(self.http.clone(), self.address.clone()).with_http_service(call);
        match client.chat().create_stream_byot::<_, Chunk>(body).await {
            Ok(chunks) => Ok(Begun { chunks, ending }),
            Err(OpenAIError::Boxed(error)) => Err(match error.downcast::<Fault>() {
                Ok(fault) => *fault,
                Err(_) => BrainError::Unreachable("its client failed".to_owned()).into(),
            }),
            Err(_) => Err(BrainError::Unreachable("its client failed".to_owned()).into()),
        }
    }
}

/// One question, however often it has to be sent.
#[derive(Clone)]
struct Call {
    transport: Transport,
    deadline: Instant,
    ending: Ending,
}

/// One attempt that came to nothing.
struct Miss {
    fault: Fault,
    again: bool,
    after: Option<Duration>,
}

impl Service<HttpRequestFactory> for Call {
    type Response = Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let call = self.clone();
        Box::pin(async move { call.deliver(&request).await.map_err(BoxError::from) })
    }
}

impl Call {
    async fn deliver(self, request: &HttpRequestFactory) -> Result<Response, Fault> {
        let mut failed = 0;
        loop {
            let attempt = tokio::time::timeout(self.transport.first_byte, self.attempt(request)).await;
            let miss = match attempt.map_err(|_| BrainError::NoFirstByte)? {
                Ok(wire) => {
                    let guarded = gate::guard(wire, self.transport.rule, self.ending);
                    return Ok(hyper::Response::new(reqwest::Body::wrap_stream(guarded)).into());
                }
                Err(miss) => miss,
            };
            failed += 1;
            let pause = retry::pause(failed, miss.after, rand::random());
            let left = self.deadline.saturating_duration_since(Instant::now());
            if !miss.again || failed >= self.transport.attempts || pause >= left {
                return Err(miss.fault);
            }
            tracing::debug!(attempt = failed, ?pause, "the model is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, request: &HttpRequestFactory) -> Result<Wire, Miss> {
        let request = request.build().await.map_err(|_| {
            Miss::for_good(BrainError::Refused("a request that cannot be written".to_owned()))
        })?;
        let response =
            self.transport.http.execute(request).await.map_err(|error| Miss::unreachable(&error))?;
        if !response.status().is_success() {
            return Err(Miss::status(response).await);
        }
        let mut rest = response.bytes_stream();
        match rest.next().await {
            Some(Ok(first)) => Ok(stream::once(async { Ok::<Bytes, _>(first) }).chain(rest).boxed()),
            Some(Err(error)) => Err(Miss::unreachable(&error)),
            None => Err(Miss::again(BrainError::Unreachable("it answers with nothing".to_owned()))),
        }
    }
}

impl Miss {
    fn again(error: BrainError) -> Self {
        Self { fault: error.into(), again: true, after: None }
    }

    fn for_good(error: BrainError) -> Self {
        Self { again: false, ..Self::again(error) }
    }

    fn unreachable(error: &reqwest::Error) -> Self {
        Self::again(BrainError::Unreachable(described(error)))
    }

    async fn status(response: Response) -> Self {
        let status = response.status();
        let after = retry::retry_after(response.headers(), clock::now());
        let unreachable = |why: String| Self { after, ..Self::again(BrainError::Unreachable(why)) };
        match status.as_u16() {
            429 => {
                // No money is no matter of minutes.
                let again = !complaint(response).await.contains("insufficient_quota");
                Self { fault: BrainError::RateLimited { retry_after: after }.into(), again, after }
            }
            400 | 422 | 501 => {
                let complaint = complaint(response).await;
                Self { fault: Fault::Declined { status, complaint }, again: false, after: None }
            }
            408 | 500..=599 => unreachable(format!("status {}", status.as_u16())),
            code => Self::for_good(BrainError::Refused(format!("status {code}"))),
        }
    }
}

/// As much of it as may say what is wrong. Never shown or kept: it may quote the question.
async fn complaint(response: Response) -> String {
    let mut complaint = Vec::new();
    let mut rest = response.bytes_stream();
    while complaint.len() < LONGEST_COMPLAINT {
        let Some(Ok(bytes)) = rest.next().await else { break };
        complaint.extend_from_slice(&bytes);
    }
    String::from_utf8_lossy(&complaint).into_owned()
}

/// The kind alone: the rest of such an error names the address.
fn described(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut kind = None;
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            kind = Some(error.kind());
        }
        cause = inner.source();
    }
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "it refuses connections",
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe) => {
            "it closed the connection"
        }
        Some(io::ErrorKind::InvalidData) => "it is not trusted",
        _ if error.is_connect() => "no connection comes about",
        _ => "the connection broke",
    }
    .to_owned()
}

/// Where the server is, and what lets us in. The library's own takes what it finds in the environment along.
#[derive(Clone, Debug)]
struct Address {
    base: String,
    key: ApiKey,
    headers: HeaderMap,
}

impl Address {
    fn new(base: &str, key: &ApiKey) -> Result<Self, OpenAiConfigError> {
        let base = base.trim().trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base).map_err(|_| OpenAiConfigError::BaseUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(OpenAiConfigError::BaseUrl);
        }
        let mut headers = HeaderMap::new();
        if !key.text().is_empty() {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.text()));
            let mut value = value.map_err(|_| OpenAiConfigError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { base, key: key.clone(), headers })
    }
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        self.key.secret()
    }
}

const LONGEST_COMPLAINT: usize = 16 * 1024;
