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
        // What is told of has a whole path, however the folder was named.
        let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let of_interest = OfInterest {
            settings: folder.join(config.file_name().unwrap_or_default()),
            settings_folder: folder.clone(),
            folders: [files.flows.clone(), files.sounds.clone()],
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error is of a folder that is gone: so is whatever could be read there.
            let Ok(event) = event else { return };
            let path = event.paths.into_iter().find(|path| of_interest.is(path, event.kind));
            if let Some(path) = path {
                // Full: enough is known to read everything again.
                let _ = found.try_send(path);
            }
        })?;
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        for folder in [&files.flows, &files.sounds] {
            watcher.watch(folder, RecursiveMode::Recursive)?;
            // Whoever installs a new version may put a whole folder in its place.
            if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
                watcher.watch(above, RecursiveMode::NonRecursive)?;
            }
        }
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

/// What an installation is made of.
struct OfInterest {
    settings: PathBuf,
    settings_folder: PathBuf,
    folders: [PathBuf; 2],
}

impl OfInterest {
    /// Whether something there may be another now. Who only reads, ours included, changes nothing.
    fn is(&self, path: &Path, kind: EventKind) -> bool {
        let moved = match kind {
            EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Name(_)) => true,
            EventKind::Modify(ModifyKind::Metadata(_)) => return false,
            EventKind::Modify(_) => false,
            EventKind::Access(_) | EventKind::Any | EventKind::Other => return false,
        };
        let below = self.folders.iter().any(|folder| path.starts_with(folder));
        let beside_settings = path.parent() == Some(&self.settings_folder);
        let file = match path.extension().and_then(|kind| kind.to_str()) {
            Some("yaml" | "wav") => below,
            // What sounds say, and bank holidays.
            Some("json") => below || beside_settings,
            Some(_) => false,
            // A folder, most likely.
            None => moved && below,
        };
        file || path == self.settings
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
        fs::write(files.sounds.join("en-GB/manifest.json"), "{}").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("manifest.json"));
        // As editors do it.
        let config = folder.path().join("config/switchboard.toml");
        fs::write(config.with_extension("toml.new"), "new").expect("writes");
        fs::rename(config.with_extension("toml.new"), &config).expect("renames");
        assert_eq!(next(&mut watch).await.as_deref(), Some("switchboard.toml"));
        fs::remove_file(files.flows.join("main.yaml")).expect("removes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("main.yaml"));
    }

    #[tokio::test]
    async fn settings_may_be_named_from_where_the_server_was_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, _) = watched(folder.path());
        let here = std::env::current_dir().expect("is somewhere");
        let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
        let whole = folder.path().join("config/switchboard.toml");
        let config = up.join(whole.strip_prefix("/").expect("is whole"));
        assert!(config.is_relative());
        let mut watch = Watch::begin(&config, &files).expect("watches");
        fs::write(&whole, "new").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("switchboard.toml"));
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

    #[tokio::test]
    async fn a_whole_folder_that_is_put_in_anothers_place_is_a_change_and_is_watched_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, mut watch) = watched(folder.path());
        fs::create_dir(folder.path().join("new")).expect("is made");
        fs::write(folder.path().join("new/main.yaml"), "new").expect("writes");
        fs::rename(&files.flows, folder.path().join("old")).expect("renames");
        fs::rename(folder.path().join("new"), &files.flows).expect("renames");
        assert_eq!(next(&mut watch).await.as_deref(), Some("flows"));
        let mut watch =
            Watch::begin(&folder.path().join("config/switchboard.toml"), &files).expect("watches");
        fs::write(files.flows.join("main.yaml"), "newer").expect("writes");
        assert_eq!(next(&mut watch).await.as_deref(), Some("main.yaml"));
    }
}
