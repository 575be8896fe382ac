//! Texts as JSON writes them.

use std::io::Write;

/// Appends a JSON string with its quotes; with `ascii`, other characters become `\u` escapes.
pub(crate) fn json_text(text: &str, ascii: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    let simple = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\' && !(ascii && byte >= 0x80);
    if text.bytes().all(simple) {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars().for_each(|character| json_character(character, ascii, out));
    }
    out.push(b'"');
}

fn json_character(character: char, ascii: bool, out: &mut Vec<u8>) {
    let mut units = [0_u16; 2];
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        _ if (character as u32) < 0x20 || (ascii && !character.is_ascii()) => {
            for unit in character.encode_utf16(&mut units) {
                // Writing to memory fails only where the allocator aborts the program first.
                let written = write!(out, "\\u{unit:04x}");
                debug_assert!(written.is_ok());
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
