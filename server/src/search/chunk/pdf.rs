//! The text of a PDF.

use std::panic::catch_unwind;

use super::ReadError;

/// The text, page after page. A file that the parser cannot cope with is an error, however it fails.
pub fn text(bytes: &[u8]) -> Result<String, ReadError> {
    let read = catch_unwind(|| pdf_extract::extract_text_from_mem(bytes));
    match read {
        Ok(Ok(text)) => Ok(text.replace('\0', "")),
        Ok(Err(error)) => Err(ReadError::Pdf(error.to_string())),
        Err(_) => Err(ReadError::Pdf("its structure is broken".to_owned())),
    }
}
