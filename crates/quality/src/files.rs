//! The files that the rules on files speak of.

use crate::data::{Digest, Files, ListedFile};
use crate::draft::Draft;
use crate::rules::ask::{metric, threshold};
use crate::rules::{Finding, Planned, Refusal, shown};
use assay_dqdl::tree::{Check, Condition, Number, Text};

/// Why the service may say otherwise.
pub(crate) const LISTED_HERE: &str =
    "evaluated over the listing of the lake; the service lists S3 itself, at another moment";

/// The listing that rules on files are evaluated over.
pub(crate) fn listing<'a>(draft: &Draft<'a>) -> Result<Files<'a>, Refusal> {
    draft.data.files.ok_or_else(|| Refusal::remote("there is no listing of files here"))
}

/// The files at or below a path, of which tags may leave out some; all files without a path.
pub(crate) fn chosen<'a>(check: &Check, files: Files<'a>, path: Option<&str>) -> Result<Vec<&'a ListedFile>, Refusal> {
    let pattern = text(check, "uriRegex").map(|pattern| regex::Regex::new(&pattern)).transpose();
    let pattern = pattern.map_err(|_| Refusal::failed("uriRegex is no regular expression"))?;
    let wanted = |file: &&ListedFile| {
        path.is_none_or(|path| below(&file.path, path)) && pattern.as_ref().is_none_or(|p| p.is_match(&file.path))
    };
    let mut found: Vec<&ListedFile> = files.list.iter().filter(wanted).collect();
    if let Some(count) = number(check, "recentFiles")? {
        found.sort_by_key(|file| std::cmp::Reverse(file.modified));
        found.truncate(count);
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(Refusal::failed(match path {
            Some(path) => format!("There is no file at {path}"),
            None => "There are no files".to_owned(),
        })),
    }
}

/// Whether a file is what the path names, or is in the folder that it names. A path of S3 ends with the path below the
/// dataset's folder.
fn below(file: &str, path: &str) -> bool {
    let plain = path.split_once("://").map_or(path, |(_, rest)| rest).trim_matches('/');
    let inside =
        |folder: &str| folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let file = file.trim_matches('/');
    plain == file || inside(plain) || path.contains("://") && plain.ends_with(&format!("/{file}"))
}

/// Tags that these rules know; what any other asks for only the service can say.
pub(crate) fn tags(check: &Check, known: &[&str]) -> Result<(), Refusal> {
    let zone = text(check, "timeZone").filter(|zone| !zone.eq_ignore_ascii_case("UTC"));
    if let Some(zone) = zone {
        return Err(Refusal::remote(format!("the time zone {zone} is not evaluated here")));
    }
    let other = check.tags.iter().find(|tag| tag.name != "timeZone" && !known.contains(&tag.name.as_str()));
    other.map_or(Ok(()), |tag| Err(Refusal::remote(format!("`with {}` is not evaluated here", tag.name))))
}

/// The text of a tag.
pub(crate) fn text(check: &Check, name: &str) -> Option<String> {
    let tag = check.tags.iter().find(|tag| tag.name == name)?;
    match &tag.value {
        Condition::Text(test) => test.operands.first().and_then(|operand| match operand {
            Text::Literal(text) => Some(text.clone()),
            _ => None,
        }),
        _ => None,
    }
}

fn number(check: &Check, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(tag) = check.tags.iter().find(|tag| tag.name == name) else { return Ok(None) };
    let count = match &tag.value {
        Condition::Number(test) => test.operands.first().and_then(|operand| match operand {
            Number::Literal(text) => text.parse().ok(),
            _ => None,
        }),
        _ => text(check, name).and_then(|text| text.parse().ok()),
    };
    count.filter(|count| *count > 0).map(Some).ok_or_else(|| Refusal::failed(format!("{name} takes a count of files")))
}

/// How files are summed up, as `hashAlgorithm` says.
pub(crate) fn algorithm(check: &Check) -> Result<Digest, Refusal> {
    match text(check, "hashAlgorithm").as_deref() {
        None | Some("MD5") => Ok(Digest::Md5),
        Some("SHA-256") => Ok(Digest::Sha256),
        Some(other) => Err(Refusal::failed(format!("{other} is no hash algorithm: write MD5 or SHA-256"))),
    }
}

/// The digests of files in the order of the files.
pub(crate) fn digests(files: Files<'_>, list: &[&ListedFile], digest: Digest) -> Result<Vec<String>, Refusal> {
    let one = |file: &&ListedFile| (files.digest)(file, digest).map(|text| text.to_ascii_lowercase());
    list.iter()
        .map(|file| one(file).map_err(|why| Refusal::failed(format!("{} cannot be read: {why}", file.path))))
        .collect()
}

/// A rule on the share of files that meet a condition.
pub(crate) fn by_share(
    check: &Check,
    draft: &Draft<'_>,
    name: &str,
    files: &[&ListedFile],
    meets: impl Fn(&ListedFile) -> bool,
) -> Result<Planned, Refusal> {
    let name = format!("Dataset.*.{name}.Compliance");
    let wanted = threshold(check, &name, draft)?;
    let share = files.iter().filter(|file| meets(file)).count() as f64 / files.len() as f64;
    let met = wanted.map_or(share == 1.0, |wanted| wanted.holds(share));
    let finding = match met {
        true => Finding::passed(metric(name, share)),
        false => {
            let reason = format!("{} of the files meets the constraint, as a share", shown(share));
            Finding::failed(reason, metric(name, share))
        }
    };
    Ok(Planned::whole(move |_| finding).may_differ(LISTED_HERE))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn paths_name_files_and_folders() {
        let cases = [
            ("a/b.csv", "a/b.csv", true),
            ("a/b.csv", "a", true),
            ("a/b.csv", "a/", true),
            ("ab/b.csv", "a", false),
            ("a/b.csv", "", true),
            ("a/b.csv", "s3://bucket/lake/a/b.csv", true),
            ("a/b.csv", "s3://bucket/lake/c.csv", false),
            ("a/b.csv", "b.csv", false),
        ];
        for (file, path, expected) in cases {
            assert_eq!(below(file, path), expected, "{file} {path}");
        }
    }
}
