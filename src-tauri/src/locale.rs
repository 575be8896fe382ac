//! A locale that the webview can use.
//!
//! Without one WebKit reports the language `C`, and every `Intl` formatter of the page throws.

use std::{env, ffi::OsString};

const FALLBACK: &str = "en_US.UTF-8";

/// What has to change in the environment: `None` removes the variable. Empty when the locale is usable.
fn repairs(read: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, Option<&'static str>)> {
    let unusable = |value: &OsString| {
        let name = value.to_string_lossy();
        matches!(name.split('.').next().unwrap_or_default(), "" | "C" | "POSIX")
    };
    let mut changes = Vec::new();
    for name in ["LC_ALL", "LC_MESSAGES", "LANGUAGE"] {
        if read(name).is_some_and(|value| unusable(&value)) {
            changes.push((name, None));
        }
    }
    if read("LANG").is_none_or(|value| unusable(&value)) {
        changes.push(("LANG", Some(FALLBACK)));
    }
    changes
}

/// Replaces this process with itself under a usable locale, keeping its process id. Returns when the
/// locale is usable already, or when the system refuses, with the reason: the window still works then,
/// in the page's own language.
#[cfg(unix)]
pub fn sanitise() -> Option<std::io::Error> {
    use std::os::unix::process::CommandExt;

    let changes = repairs(|name| env::var_os(name));
    if changes.is_empty() {
        return None;
    }
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return Some(error),
    };
    let mut again = std::process::Command::new(program);
    again.args(env::args_os().skip(1));
    for (name, value) in changes {
        match value {
            Some(value) => again.env(name, value),
            None => again.env_remove(name),
        };
    }
    Some(again.exec())
}

/// Other systems take the language from their own settings.
#[cfg(not(unix))]
pub fn sanitise() -> Option<std::io::Error> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Vec<(&'static str, Option<&'static str>)> {
        repairs(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn a_usable_locale_is_left_alone() {
        for lang in ["de_DE.UTF-8", "en_US.UTF-8", "fr_FR", "Cy_GB"] {
            assert_eq!(of(&[("LANG", lang)]), [], "{lang}");
        }
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "fr_FR.UTF-8")]), []);
    }

    #[test]
    fn an_unusable_locale_is_replaced() {
        for lang in ["", "C", "C.UTF-8", "POSIX"] {
            assert_eq!(of(&[("LANG", lang)]), [("LANG", Some(FALLBACK))], "{lang:?}");
        }
        assert_eq!(of(&[]), [("LANG", Some(FALLBACK))]);
    }

    #[test]
    fn a_stronger_variable_does_not_bring_it_back() {
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), [("LC_ALL", None)]);
        assert_eq!(of(&[("LC_MESSAGES", "POSIX")]), [("LC_MESSAGES", None), ("LANG", Some(FALLBACK))]);
    }

    #[test]
    fn repairing_twice_changes_nothing_more() {
        let mut env = vec![("LANG".to_owned(), "C".to_owned()), ("LC_ALL".to_owned(), "C".to_owned())];
        for (name, value) in repairs(|name| env.iter().find(|(key, _)| key == name).map(|(_, v)| v.into())) {
            env.retain(|(key, _)| key != name);
            env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        assert_eq!(repairs(|name| env.iter().find(|(key, _)| key == name).map(|(_, v)| v.into())), []);
    }
}
