//! The vectors of a ChromaDB segment: what hnswlib wrote of its lowest level, and which of them is whose.

use std::collections::HashMap;
use std::path::Path;

use super::pickle::{self, Value};

/// Of what is wrong with a file.
type Fault = String;

/// The vectors by the ids of their records; empty where the segment was never written out.
pub fn vectors(segment: &Path, dimensions: usize) -> Result<HashMap<String, Vec<f32>>, Fault> {
    let names = segment.join("index_metadata.pickle");
    if !names.exists() {
        return Ok(HashMap::new());
    }
    let value = pickle::read(&file(&names)?).map_err(|why| format!("{}: {why}", names.display()))?;
    let labels = value.get("id_to_label").ok_or_else(|| format!("{} names no records", names.display()))?;
    let Value::Pairs(labels) = labels else { return Err(format!("{} names no records", names.display())) };
    let header = Header::read(&file(&segment.join("header.bin"))?)
        .filter(|header| header.vector + dimensions * 4 <= header.size && header.label + 8 <= header.size);
    let header = header.ok_or_else(|| format!("{} has a header of another kind", segment.display()))?;
    let level = file(&segment.join("data_level0.bin"))?;
    let mut by_label = HashMap::with_capacity(header.count);
    for element in level.chunks_exact(header.size).take(header.count) {
        let label = element[header.label..header.label + 8].try_into().map_or(0, u64::from_le_bytes);
        by_label.insert(label, numbers(&element[header.vector..header.vector + dimensions * 4]));
    }
    let found = labels.iter().filter_map(|(id, label)| match (id, label) {
        (Value::Text(id), Value::Number(label)) => {
            Some((id.clone(), by_label.get(&u64::try_from(*label).ok()?)?.clone()))
        }
        _ => None,
    });
    Ok(found.collect())
}

/// Numbers as they stand in a file.
pub fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

struct Header {
    count: usize,
    /// Of an element, with its links.
    size: usize,
    label: usize,
    vector: usize,
}

impl Header {
    /// Version, offset of the level, room, count, size, offset of the label, offset of the vector, and more.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<4>()?;
        let word = |at: usize| {
            let word = rest.get(at * 8..at * 8 + 8)?.try_into().ok()?;
            usize::try_from(u64::from_le_bytes(word)).ok()
        };
        let header = Self { count: word(2)?, size: word(3)?, label: word(4)?, vector: word(5)? };
        (i32::from_le_bytes(*version) == 1 && (1..1 << 24).contains(&header.size)).then_some(header)
    }
}

fn file(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
