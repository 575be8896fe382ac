//! Generates the window's context; the commands named here exist as permissions, and no others.

const COMMANDS: &[&str] =
    &["overview", "runs", "run", "log", "table", "page", "quarantine", "start_run", "cancel_run", "watch", "reconnect"];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
