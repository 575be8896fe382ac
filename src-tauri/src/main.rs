//! The window: one webview and one engine process behind it.
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod bindings;
mod commands;
mod engine;
mod frames;
mod locale;
mod process;

use engine::Engine;
use process::Launch;
use std::{io::Write, sync::Arc};
use tauri::{Manager, RunEvent, Url, WebviewWindowBuilder, async_runtime, webview::NewWindowResponse};

fn main() -> std::process::ExitCode {
    if let Some(error) = locale::sanitise() {
        complain(&format!("The locale could not be changed, so the window keeps its own: {error}"));
    }
    let launch = match Launch::from_environment() {
        Ok(launch) => launch,
        Err(fault) => {
            complain(&fault.to_string());
            return std::process::ExitCode::from(2);
        }
    };
    match open(Arc::new(Engine::new(launch))) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("The window could not be opened: {error}"));
            std::process::ExitCode::FAILURE
        }
    }
}

fn open(engine: Arc<Engine>) -> tauri::Result<()> {
    let builder = bindings::builder();
    let app = tauri::Builder::default()
        .invoke_handler(builder.invoke_handler())
        .manage(engine.clone())
        .setup(|app| Ok(show(app)?))
        .build(tauri::generate_context!())?;
    app.run(move |app, event| {
        // The window is gone by now; the exit waits until the engine has ended with it.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
            let (app, engine) = (app.clone(), engine.clone());
            async_runtime::spawn(async move {
                engine.close().await;
                app.exit(0);
            });
        }
    });
    Ok(())
}

/// The window shows its own page and never another: links and `window.open` go nowhere.
fn show(app: &tauri::App) -> tauri::Result<()> {
    let engine = app.state::<Arc<Engine>>().inner().clone();
    async_runtime::spawn(async move { engine.connect().await });
    for window in &app.config().app.windows {
        WebviewWindowBuilder::from_config(app, window)?
            .on_navigation(is_own)
            .on_new_window(|_, _| NewWindowResponse::Deny)
            .build()?;
    }
    Ok(())
}

fn is_own(url: &Url) -> bool {
    match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        ("http", Some("localhost")) => tauri::is_dev() && url.port() == Some(5173),
        _ => false,
    }
}

/// A line for the terminal that opened the window; without one nobody reads it, which is no failure.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "assay: {text}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_own_page_is_navigated_to() {
        for (url, own) in [
            ("tauri://localhost/index.html", true),
            ("https://tauri.localhost/", true),
            ("https://example.org/", false),
            ("https://localhost.example.org/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
            ("http://localhost:9999/", false),
        ] {
            assert_eq!(is_own(&url.parse().unwrap()), own, "{url}");
        }
    }
}
