//! The brain in this process: no key, no network.
