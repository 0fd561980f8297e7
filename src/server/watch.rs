//! Edits to settings, flows and sounds, as they are saved: nobody has to tell the server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, timeout_at};

use crate::config::settings::FileSettings;

/// Nothing is read before so long after the last change: editors write a file in several steps, and
/// people save several files one after the other.
const QUIET: Duration = Duration::from_millis(700);
/// Changes that are kept for the one who reads them; more are the same news.
const MOST: usize = 64;

/// Watches until it is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
    changes: Receiver<PathBuf>,
    /// What has changed and when that will be looked at.
    pending: Option<(PathBuf, Instant)>,
}

impl Watch {
    /// Watches the settings file, the flows and the sounds. Folders and not files, as most editors put
    /// a new file in the old one's place.
    pub fn begin(config: &Path, files: &FileSettings) -> notify::Result<Self> {
        let (found, changes) = channel(MOST);
        let config_file = config.file_name().map(ToOwned::to_owned);
        let matters = move |path: &Path| {
            let kind = path.extension().and_then(|kind| kind.to_str());
            matches!(kind, Some("yaml" | "wav"))
                || path.file_name().is_some() && path.file_name() == config_file.as_deref()
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error is of a folder that is gone: so is whatever could be read there.
            let Ok(event) = event else { return };
            if !is_a_change(event.kind) {
                return;
            }
            if let Some(path) = event.paths.into_iter().find(|path| matters(path)) {
                // Full: enough is known to read everything again.
                let _ = found.try_send(path);
            }
        })?;
        let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty());
        watcher.watch(folder.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)?;
        watcher.watch(&files.flows, RecursiveMode::Recursive)?;
        watcher.watch(&files.sounds, RecursiveMode::Recursive)?;
        Ok(Watch { _watcher: watcher, changes, pending: None })
    }

    /// Waits for a change, and then until nothing has changed for a while: one of the files. Loses
    /// nothing if it is dropped.
    pub async fn changed(&mut self) -> PathBuf {
        loop {
            let more = match &self.pending {
                None => self.changes.recv().await,
                Some((path, quiet)) => match timeout_at(*quiet, self.changes.recv()).await {
                    Ok(more) => more,
                    Err(_) => {
                        let path = path.clone();
                        self.pending = None;
                        return path;
                    }
                },
            };
            match more {
                Some(path) => self.pending = Some((path, Instant::now() + QUIET)),
                // Cannot be while the watcher lives.
                None => std::future::pending().await,
            }
        }
    }
}

/// Whether what is in a file may be another now. Who only reads, ours included, changes nothing.
fn is_a_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Modify(_) => true,
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An installation's files, watched.
    fn watched(folder: &Path) -> (FileSettings, Watch) {
        let files = FileSettings {
            flows: folder.join("flows"),
            sounds: folder.join("sounds"),
            ..FileSettings::default()
        };
        fs::create_dir_all(folder.join("flows/intents")).expect("is made");
        fs::create_dir_all(folder.join("sounds/en-GB")).expect("is made");
        fs::create_dir_all(folder.join("config")).expect("is made");
        fs::write(folder.join("config/switchboard.toml"), "old").expect("writes");
        let watch = Watch::begin(&folder.join("config/switchboard.toml"), &files);
        (files, watch.expect("watches"))
    }

    async fn next(watch: &mut Watch) -> Option<String> {
        let changed = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.ok()?;
        Some(changed.file_name().expect("a file").to_string_lossy().into_owned())
    }

    #[tokio::test]
    async fn a_file_that_is_written_or_put_in_anothers_place_is_a_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, mut watch) = watched(folder.path());
        fs::write(files.flows.join("main.yaml"), "new").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("main.yaml"));
        fs::write(files.flows.join("intents/waste.yaml"), "new").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("waste.yaml"));
        // As editors do it.
        let config = folder.path().join("config/switchboard.toml");
        fs::write(config.with_extension("toml.new"), "new").expect("writes");
        fs::rename(config.with_extension("toml.new"), &config).expect("renames");
        assert_eq!(next(&mut watch).await.as_deref(), Some("switchboard.toml"));
        fs::remove_file(files.flows.join("main.yaml")).expect("removes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("main.yaml"));
    }

    #[tokio::test]
    async fn what_is_saved_together_is_read_once_and_what_is_read_is_no_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, mut watch) = watched(folder.path());
        for name in ["a.yaml", "b.yaml", "c.yaml"] {
            fs::write(files.flows.join(name), "new").expect("writes");
        }
        fs::write(files.sounds.join("en-GB/notes.txt"), "of no matter").expect("writes");
        assert!(next(&mut watch).await.is_some());
        fs::read(files.flows.join("a.yaml")).expect("reads");
        fs::write(files.flows.join(".a.yaml.swp"), "of an editor").expect("writes");
        // Whatever came with those is known by now, and is nothing.
        fs::write(files.sounds.join("en-GB/last.wav"), "new").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("last.wav"));
        assert!(watch.pending.is_none());
        assert!(watch.changes.try_recv().is_err());
    }

    #[tokio::test]
    async fn whoever_stops_waiting_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, mut watch) = watched(folder.path());
        fs::write(files.flows.join("main.yaml"), "new").expect("writes");
        // As beside other things in a `select!`, until the change is noticed and after.
        while watch.pending.is_none() {
            let _ = tokio::time::timeout(Duration::from_millis(20), watch.changed()).await;
        }
        let _ = tokio::time::timeout(Duration::from_millis(20), watch.changed()).await;
        assert_eq!(next(&mut watch).await.as_deref(), Some("main.yaml"));
    }
}
