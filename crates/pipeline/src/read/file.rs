//! Files of a definition: read whole, bounded, as UTF-8.

use crate::diagnostic::Mistake;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A definition is written by people; what is larger was put there by accident.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

/// Reads a file's text, without a byte-order mark.
pub(crate) fn read_text(path: &Path) -> Result<String, Mistake> {
    let bytes = read_bytes(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        Mistake::at(path, &text, valid..valid + 1, "this is not UTF-8; save the file as UTF-8")
    })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Mistake> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Mistake::in_file(path, "the file does not exist"),
        ErrorKind::PermissionDenied => Mistake::in_file(path, "the file cannot be read: permission denied"),
        _ => Mistake::in_file(path, format!("the file cannot be read: {error}")),
    };
    // Opening a pipe would wait for its writer, so what it is comes first.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        let what = if about.is_dir() { "a folder" } else { "not a regular file" };
        return Err(Mistake::in_file(path, format!("this is {what}, and a file is expected")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= SIZE_LIMIT => Ok(bytes),
        _ => Err(Mistake::in_file(path, "the file is larger than 1 MiB, the limit of a definition's file")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::write(path("huge"), vec![b' '; usize::try_from(SIZE_LIMIT).unwrap() + 1]).unwrap();
        std::fs::write(path("latin"), b"name = 'x'\nplace = 'S\xe3o Paulo'\n").unwrap();
        let mut found = String::new();
        for name in ["absent", "folder", "huge", "latin"] {
            let mistake = read_text(&path(name)).unwrap_err().to_string();
            found.push_str(&mistake.replace(&format!("{}/", folder.path().display()), ""));
            found.push('\n');
        }
        insta::assert_snapshot!(found, @r#"
        absent: the file does not exist
        folder: this is a folder, and a file is expected
        huge: the file is larger than 1 MiB, the limit of a definition's file
        latin:2:11: this is not UTF-8; save the file as UTF-8
        place = 'S�o Paulo'
                  ^
        "#);
    }

    #[test]
    fn the_limit_itself_and_a_mark_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let mut bytes = b"\xef\xbb\xbf".to_vec();
        bytes.resize(usize::try_from(SIZE_LIMIT).unwrap(), b'x');
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_text(&path).unwrap(), "x".repeat(usize::try_from(SIZE_LIMIT).unwrap() - 3));
    }
}
