//! One event on its way to many: the first listener that needs its frame makes it, the others share it.

use std::sync::OnceLock;

use bytes::Bytes;

#[derive(Debug)]
pub struct Broadcast<E> {
    pub event: E,
    frame: OnceLock<Bytes>,
}

impl<E> Broadcast<E> {
    pub fn new(event: E) -> Self {
        Self { event, frame: OnceLock::new() }
    }

    pub fn frame(&self, encode: impl FnOnce(&E) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| encode(&self.event)).clone()
    }
}
