//! The few parts of Python's pickle format that the index of a ChromaDB folder is written in.
//!
//! Invariant: nothing is called and nothing is made but plain values: an object is its fields, whatever its class.

use std::collections::HashMap;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Number(i64),
    Text(String),
    Pairs(Vec<(Value, Value)>),
    /// Lists, tuples, classes and numbers with a point: nothing of them is needed.
    Other,
}

/// What the file holds.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let opcode = reader.byte()?;
        if opcode == b'.' {
            return reader.pop();
        }
        reader.step(opcode)?;
    }
}

impl Value {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Pairs(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| matches!(key, Self::Text(text) if text == name)).map(|(_, value)| value)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<usize, Value>,
}

impl Reader<'_> {
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            // The version of the format, and how long its next part is.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'}' => self.stack.push(Value::Pairs(Vec::new())),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.stack.push(Value::None),
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'K' => self.number(1)?,
            b'M' => self.number(2)?,
            b'J' => {
                let number = self.take(4)?.try_into().map_or(0, i32::from_le_bytes);
                self.stack.push(Value::Number(number.into()));
            }
            0x8a => {
                let length = self.byte()?.into();
                let mut wide = [0; 8];
                let bytes = self.take(length)?;
                let known = bytes.len().min(8);
                wide[..known].copy_from_slice(&bytes[..known]);
                self.stack.push(Value::Number(i64::from_le_bytes(wide)));
            }
            b'G' => {
                self.take(8)?;
                self.stack.push(Value::Other);
            }
            0x88 | 0x89 | b']' | b')' => self.stack.push(Value::Other),
            b'e' | b't' => {
                self.marked()?;
                if opcode == b't' {
                    self.stack.push(Value::Other);
                }
            }
            b'a' | 0x85 => {
                self.pop()?;
                if opcode == 0x85 {
                    self.stack.push(Value::Other);
                }
            }
            0x86 | 0x87 => {
                for _ in 0..=(opcode - 0x85) {
                    self.pop()?;
                }
                self.stack.push(Value::Other);
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.fill(vec![(key, value)])?;
            }
            b'u' => {
                let mut flat = self.marked()?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    pairs.push((key, value));
                }
                self.fill(pairs)?;
            }
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            0x94 => {
                let value = self.top()?;
                self.memo.insert(self.memo.len(), value);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            // The name of a class, as two lines or from the stack; then an object of it, and its fields.
            b'c' => {
                self.line()?;
                self.line()?;
                self.stack.push(Value::Other);
            }
            0x93 | 0x81 | b'R' => {
                self.pop()?;
                self.pop()?;
                self.stack.push(Value::Other);
            }
            b'b' => {
                let fields = self.pop()?;
                self.pop()?;
                self.stack.push(fields);
            }
            other => return Err(format!("it holds something unexpected (0x{other:02x} at {})", self.at - 1)),
        }
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let length = self.length(width)?;
        let text = String::from_utf8(self.take(length)?.to_vec()).map_err(|error| error.to_string())?;
        self.stack.push(Value::Text(text));
        Ok(())
    }

    fn number(&mut self, width: usize) -> Result<(), String> {
        let number = self.length(width)?;
        self.stack.push(Value::Number(i64::try_from(number).unwrap_or(i64::MAX)));
        Ok(())
    }

    fn remember(&mut self, width: usize) -> Result<(), String> {
        let (place, value) = (self.length(width)?, self.top()?);
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let place = self.length(width)?;
        let value = self.memo.get(&place).cloned().ok_or("it refers to what is not there")?;
        self.stack.push(value);
        Ok(())
    }

    fn fill(&mut self, new: Vec<(Value, Value)>) -> Result<(), String> {
        match self.stack.last_mut() {
            Some(Value::Pairs(pairs)) => pairs.extend(new),
            _ => return Err("it fills what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn marked(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or("a mark is missing")?))
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "it ends too soon".to_owned())
    }

    fn top(&self) -> Result<Value, String> {
        // What is remembered is mostly a name; a dictionary is filled later, and nobody refers to it.
        let value = self.stack.last().ok_or("it ends too soon")?;
        Ok(if matches!(value, Value::Pairs(_)) { Value::Other } else { value.clone() })
    }

    fn line(&mut self) -> Result<(), String> {
        while self.byte()? != b'\n' {}
        Ok(())
    }

    fn length(&mut self, width: usize) -> Result<usize, String> {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(self.take(width)?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|error| error.to_string())
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("it ends too soon")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_is_read_and_a_broken_one_is_an_error() {
        // {'id_to_label': {'a': 1, 'b': 300}, 'dimensionality': None}
        let bytes =
            b"\x80\x03}(X\x0b\x00\x00\x00id_to_label}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bM\x2c\x01u\
                      X\x0e\x00\x00\x00dimensionalityNu.";
        let value = read(bytes).unwrap();
        let labels = value.get("id_to_label").unwrap();
        assert_eq!((labels.get("a"), labels.get("b")), (Some(&Value::Number(1)), Some(&Value::Number(300))));
        assert_eq!(value.get("dimensionality"), Some(&Value::None));
        for end in 0..bytes.len() - 1 {
            assert!(read(&bytes[..end]).is_err(), "{end}");
        }
        assert!(
            read(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.") == Ok(Value::Other),
            "nothing is called"
        );
    }
}
