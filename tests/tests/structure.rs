//! The shape of the tree: which crate may depend on which, how long a file may be, which words may stand in it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crate -> the crates of this workspace that it may depend on. Everything else is refused.
const ARROWS: &[(&str, &[&str])] = &[
    ("pipeline", &[]),
    ("sql", &[]),
    ("dqdl", &[]),
    ("quality", &["dqdl", "sql"]),
    ("contract", &[]),
    ("demo", &[]),
    ("lake", &["pipeline"]),
    ("postgres", &[]),
    ("warehouse", &["pipeline", "postgres"]),
    ("console", &["pipeline", "contract"]),
    ("journal", &["console", "pipeline", "contract"]),
    ("stages", &["pipeline", "sql", "dqdl", "quality", "lake", "warehouse"]),
    ("extract", &["pipeline", "postgres"]),
    (
        "cli",
        &[
            "pipeline",
            "sql",
            "lake",
            "stages",
            "extract",
            "postgres",
            "warehouse",
            "journal",
            "console",
            "contract",
            "demo",
            "dqdl",
            "quality",
        ],
    ),
    ("window", &["contract"]),
    ("testkit", &["demo"]),
    ("journeys", &[]),
];

/// Dev dependencies that any crate may have besides its own arrows.
const ANY_DEV: &[&str] = &["testkit", "demo"];

#[test]
fn only_the_drawn_arrows_exist() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let text = read(&manifest);
        let name = package_name(&text);
        let Some(may) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} is not drawn: add it to ARROWS and to ARCHITECTURE.md"));
            continue;
        };
        for (table, target) in dependencies(&text) {
            let dev = table.starts_with("dev-") && ANY_DEV.contains(&target.as_str());
            if !dev && !may.contains(&target.as_str()) {
                wrong.push(format!("{name} -> {target} in [{table}] is not drawn"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_window_names_tauri() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let text = read(&manifest);
        let named = text.lines().any(|line| line.starts_with("tauri"));
        if named != (package_name(&text) == "window") {
            wrong.push(manifest.display().to_string());
        }
    }
    for file in sources(&["ts", "svelte"]) {
        if read(&file).contains("@tauri-apps/") && !file.starts_with(root().join("ui/src/ipc")) && !is_test(&file) {
            wrong.push(file.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "Tauri is named outside its place: {wrong:?}");
}

#[test]
fn permits_are_issued_by_the_console_alone() {
    let wrong: Vec<_> = sources(&["rs"])
        .into_iter()
        .filter(|file| read(file).contains("Permit::issue("))
        .filter(|file| !file.starts_with(root().join("crates/console")) && !is_test(file))
        .collect();
    assert!(wrong.is_empty(), "only crates/console issues permits: {wrong:?}");
}

#[test]
fn files_stay_small() {
    let mut long = Vec::new();
    for (endings, cap) in [(&["rs"][..], 600), (&["ts", "svelte", "mjs"][..], 300)] {
        for file in sources(endings) {
            let lines = read(&file).lines().count();
            if lines > cap && !file.ends_with("bindings.ts") {
                long.push(format!("{} has {lines} lines, the cap is {cap}", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<_> =
        sources(&["rs"]).into_iter().filter(|file| !read(file).trim_start().starts_with("//!")).collect();
    assert!(silent.is_empty(), "no first sentence: {silent:?}");
}

#[test]
fn names_are_of_the_glossary() {
    const VAGUE: &[&str] = &["Manager", "Service", "Helper", "Util", "Common"];
    let mut wrong = Vec::new();
    for file in sources(&["rs", "ts", "svelte"]) {
        let text = read(&file);
        let here = file.ends_with("structure.rs");
        for (i, line) in text.lines().enumerate().filter(|_| !here) {
            let defines = ["struct ", "enum ", "trait ", "class ", "interface ", "type ", "mod "]
                .iter()
                .filter_map(|word| line.split_once(word).map(|(_, rest)| rest))
                .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            for name in defines {
                if VAGUE.iter().any(|vague| name.ends_with(vague) || name.eq_ignore_ascii_case(&format!("{vague}s"))) {
                    wrong.push(format!("{}:{} defines {name}", file.display(), i + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_unfinished() {
    // Written apart so that this file does not find itself.
    let marks: Vec<String> =
        [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimplemented", "!("], ["dbg", "!("], ["#[ig", "nore"]]
            .iter()
            .map(|parts| parts.concat())
            .collect();
    let mut wrong = Vec::new();
    for file in sources(&["rs", "ts", "svelte", "mjs", "sql", "toml"]) {
        for (i, line) in read(&file).lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                wrong.push(format!("{}:{}", file.display(), i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "unfinished: {wrong:?}");
}

/// A pipeline's name in engine code would be a special case; data (demo generators) and tests may name them.
#[test]
fn the_engine_knows_no_pipeline_by_name() {
    let names: Vec<String> = fs::read_dir(root().join("pipelines"))
        .unwrap()
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.is_empty(), "no shipped pipeline was found");
    let mut wrong = Vec::new();
    for file in sources(&["rs"]) {
        if is_test(&file)
            || file.starts_with(root().join("crates/demo"))
            || file.starts_with(root().join("crates/testkit"))
        {
            continue;
        }
        let text = read(&file);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (i, line) in code.lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            let help = file.ends_with("cli/src/args.rs") || file.starts_with(root().join("crates/cli/src/args"));
            if !comment && !help && names.iter().any(|name| line.contains(name.as_str())) {
                wrong.push(format!("{}:{}", file.display(), i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "a pipeline's name in engine code: {wrong:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifests() -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml")).collect();
    found.extend([root().join("src-tauri/Cargo.toml"), root().join("tests/Cargo.toml")]);
    found.sort();
    assert!(found.len() > 10, "the crates were not found");
    found
}

fn package_name(manifest: &str) -> String {
    let line = manifest.lines().find(|line| line.starts_with("name = ")).unwrap();
    line.split('"').nth(1).unwrap().trim_start_matches("assay-").to_owned()
}

/// (table, crate) of every dependency on a crate of this workspace.
fn dependencies(manifest: &str) -> BTreeSet<(String, String)> {
    let mut table = String::new();
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
        } else if table.ends_with("dependencies")
            && let Some(rest) = line.strip_prefix("assay-")
        {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap();
            found.insert((table.clone(), name.to_owned()));
        }
    }
    found
}

fn is_test(file: &Path) -> bool {
    let below = file.strip_prefix(root()).unwrap();
    below.components().any(|part| ["tests", "benches", "examples"].iter().any(|name| part.as_os_str() == *name))
        || file.file_name().is_some_and(|name| name == "tests.rs")
}

/// Source files that the repository keeps: no build output, no installed packages, nothing hidden.
fn sources(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let skipped = ["target", "node_modules", "dist", "gen", "demo-workspace"];
                if !name.starts_with('.') && !skipped.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
