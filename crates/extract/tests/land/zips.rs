//! Archives with any names and any lies, written byte by byte.

/// An entry that is stored as it is.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub body: Vec<u8>,
    /// Unix mode, file type included.
    pub mode: u32,
    /// What the archive says that the checksum is, when that is a lie.
    pub checksum: Option<u32>,
}

pub fn entry(name: &str, body: &[u8]) -> Entry {
    Entry { name: name.to_owned(), body: body.to_owned(), mode: 0o100_644, checksum: None }
}

pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut local, mut central) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = local.len() as u32;
        let size = entry.body.len() as u32;
        let checksum = entry.checksum.unwrap_or_else(|| crc32(&entry.body));
        let common = |out: &mut Vec<u8>| {
            // Version 2.0, no flags, stored, a time and a day.
            for word in [20u16, 0, 0, 0, 0x21] {
                out.extend(word.to_le_bytes());
            }
            for word in [checksum, size, size] {
                out.extend(word.to_le_bytes());
            }
            out.extend((entry.name.len() as u16).to_le_bytes());
            out.extend(0u16.to_le_bytes());
        };
        local.extend(b"PK\x03\x04");
        common(&mut local);
        local.extend(entry.name.as_bytes());
        local.extend(&entry.body);
        central.extend(b"PK\x01\x02");
        // Made by Unix, so that the mode counts.
        central.extend((3u16 << 8 | 20).to_le_bytes());
        common(&mut central);
        for word in [0u16, 0, 0] {
            central.extend(word.to_le_bytes());
        }
        central.extend((entry.mode << 16).to_le_bytes());
        central.extend(at.to_le_bytes());
        central.extend(entry.name.as_bytes());
    }
    let (start, size) = (local.len() as u32, central.len() as u32);
    local.extend(central);
    local.extend(b"PK\x05\x06");
    for word in [0u16, 0, entries.len() as u16, entries.len() as u16] {
        local.extend(word.to_le_bytes());
    }
    for word in [size, start] {
        local.extend(word.to_le_bytes());
    }
    local.extend(0u16.to_le_bytes());
    local
}

/// The checksum of the format, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |state: u32, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| (state >> 1) ^ (0xedb8_8320 & (state & 1).wrapping_neg()))
    })
}
