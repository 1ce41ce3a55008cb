//! x
pub const FOLDER: &str = "switchboard/all-MiniLM-L6-v2";
