//! Digests of source files, for the rules that compare what files hold.

use assay_lake::Place;
use assay_quality::{Digest, ListedFile};
use md5::Md5;
use sha2::Sha256;
use std::fs::File;
use std::io::{self, Read};

/// The digest of a listed file's bytes in hexadecimal, or why it cannot be had. `folder` is the pipeline's in the lake.
pub(super) fn of(
    folder: &Place,
    file: &ListedFile,
    digest: Digest,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<String, String> {
    let unread = |why: &dyn std::fmt::Display| format!("{} could not be read: {why}", file.path);
    let open = folder.join(&file.path).open().map_err(|error| unread(&error))?;
    let open = open.ok_or_else(|| format!("{} is not there any more", file.path))?;
    let summed = match digest {
        Digest::Md5 => summed::<Md5>(open, cancelled),
        Digest::Sha256 => summed::<Sha256>(open, cancelled),
    };
    summed.map_err(|error| unread(&error))
}

fn summed<D: sha2::Digest>(mut file: File, cancelled: &(dyn Fn() -> bool + Sync)) -> io::Result<String> {
    let (mut sum, mut block) = (D::new(), vec![0; 1 << 16]);
    loop {
        if cancelled() {
            return Err(io::Error::other("it was cancelled"));
        }
        match file.read(&mut block)? {
            0 => return Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => sum.update(&block[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_are_summed_as_the_standards_say_and_a_missing_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bronze")).unwrap();
        std::fs::write(folder.path().join("bronze/a.csv"), "abc").unwrap();
        let place = Place::from(folder.path());
        let of = |path: &str, digest| {
            let file = ListedFile { path: path.to_owned(), size: 3, modified: chrono::DateTime::UNIX_EPOCH };
            super::of(&place, &file, digest, &|| false)
        };
        // Test vectors of RFC 1321 and FIPS 180-2.
        assert_eq!(of("bronze/a.csv", Digest::Md5).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            of("bronze/a.csv", Digest::Sha256).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(of("bronze/b.csv", Digest::Md5).unwrap_err(), "bronze/b.csv is not there any more");
    }
}
