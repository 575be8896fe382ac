//! The page's side of the commands, generated.

use crate::commands;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

/// All commands with their types; errors are thrown on the page's side.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::new().error_handling(ErrorHandlingMode::Throw).disable_serde_phases().commands(collect_commands![
        commands::overview,
        commands::runs,
        commands::run,
        commands::log,
        commands::table,
        commands::page,
        commands::quarantine,
        commands::start_run,
        commands::cancel_run,
        commands::watch,
        commands::reconnect,
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use specta_typescript::Typescript;
    use std::{env, fs, path::Path};

    #[test]
    fn bindings_are_current() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/ipc/bindings.ts");
        let folder = tempfile::tempdir().unwrap();
        let fresh = folder.path().join("bindings.ts");
        builder().export(Typescript::default(), &fresh).unwrap();
        let fresh = fs::read_to_string(fresh).unwrap();
        if env::var_os("ASSAY_UPDATE").is_some() {
            fs::write(&kept, &fresh).unwrap();
        }
        let kept = fs::read_to_string(&kept).unwrap_or_default();
        assert!(kept == fresh, "ui/src/ipc/bindings.ts is stale; run this test with ASSAY_UPDATE=1 to rewrite it");
    }

    #[test]
    fn every_command_is_permitted_and_no_other() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let capability: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(here.join("capabilities/main.json")).unwrap()).unwrap();
        let permitted: Vec<String> = serde_json::from_value(capability["permissions"].clone()).unwrap();
        let source = fs::read_to_string(here.join("src/commands.rs")).unwrap();
        let commands: Vec<String> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "))
            .map(|line| format!("allow-{}", line.split('(').next().unwrap().replace('_', "-")))
            .collect();
        assert_eq!(permitted, commands);
    }
}
