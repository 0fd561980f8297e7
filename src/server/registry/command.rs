//! `switchboard agents`, `queue` and `skills`: sheets out of the database and into it while no server runs,
//! and `switchboard audit`.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::registry::Kind;
use crate::server::clock::Clock;
use crate::server::command::runtime;
use crate::server::failure::Failure;
use crate::server::installation::{Installation, Overrides};
use crate::server::listeners;
use crate::server::store::{self, StoreError};

use super::{Asked, AuditLine, Refusal, RegistryError, Store, Summary};

/// Why entries cannot be told or taken in.
#[derive(Debug)]
pub enum CommandError {
    /// The sheet cannot be read or written.
    File(PathBuf, std::io::Error),
    /// What it says cannot be taken in.
    Refused(Refusal),
    /// The database cannot be used.
    Registry(RegistryError),
    /// A server runs: it must do it.
    Running(Kind, StoreError),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::File(path, error) => writeln!(f, "{}: {error}", path.display()),
            CommandError::Refused(refusal) => write!(f, "nothing was changed:\n{refusal}"),
            CommandError::Registry(error) => writeln!(f, "{error}"),
            CommandError::Running(kind, StoreError::InUse { .. }) => writeln!(
                f,
                "the server runs, so ask it to: curl -H \"Authorization: Bearer $TOKEN\" -H \
                 'Content-Type: text/csv' --data-binary @FILE http://127.0.0.1:8080/api/v1/{}",
                kind.plural()
            ),
            CommandError::Running(_, error) => writeln!(f, "{error}"),
        }
    }
}

/// Where the settings and the data are.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// The settings file.
    pub config: PathBuf,
    /// The data folder, if it is not the settings'.
    pub data: Option<PathBuf>,
}

impl Whereabouts {
    fn read(&self) -> Result<Installation, Failure> {
        let overrides = Overrides { data: self.data.clone(), ..Overrides::default() };
        Ok(Installation::read(&self.config, &overrides)?)
    }
}

/// Writes all of a kind that is in force as a sheet, to a file or to the screen.
pub fn export(place: &Whereabouts, kind: Kind, file: Option<&Path>) -> Result<(), Failure> {
    let sheet = super::export(&place.read()?, kind);
    match file {
        Some(file) => {
            let failed = |error| CommandError::File(file.to_owned(), error);
            std::fs::write(file, sheet).map_err(failed)?;
        }
        None => std::io::stdout().lock().write_all(sheet.as_bytes()).map_err(Failure::System)?,
    }
    Ok(())
}

/// Takes in a sheet: all rows or none.
pub fn import(place: &Whereabouts, kind: Kind, file: &Path, dry_run: bool) -> Result<(), Failure> {
    let failed = |error| CommandError::File(file.to_owned(), error);
    let bytes = std::fs::read(file).map_err(failed)?;
    let before = place.read()?;
    let data = &before.settings.files.data;
    // A server that runs would not know of it.
    let _lock = match dry_run {
        true => None,
        false => Some(store::lock(data).map_err(|error| CommandError::Running(kind, error))?),
    };
    let shown = file.display().to_string();
    let (mut prepared, unchanged) =
        super::import(&before, kind, &shown, &bytes).map_err(CommandError::Refused)?;
    let after = &prepared.installation;
    let plan = after.plan(listeners::foreseen(&after.settings.sip.addresses()))?;
    after.bank(&plan)?;
    let summary = Summary::of(&prepared.changes, unchanged, dry_run);
    if !dry_run {
        let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
        let by = format!("{user} (command line)");
        let store = Store::new(data);
        let kept = prepared.keep(&store, &by, Clock::start().wall());
        runtime()?.block_on(kept).map_err(CommandError::Registry)?;
    }
    print!("{summary}");
    Ok(())
}

/// Prints the audit trail, the newest first.
pub fn audit(place: &Whereabouts, asked: &Asked, json: bool) -> Result<(), Failure> {
    let installation = place.read()?;
    let store = Store::new(&installation.settings.files.data);
    let lines = runtime()?.block_on(store.audit(asked)).map_err(CommandError::Registry)?;
    for line in &lines {
        if json {
            println!("{}", serde_json::to_string(line).unwrap_or_default());
        } else {
            print!("{}", told(line, &installation));
        }
    }
    Ok(())
}

/// A line of the audit trail as people read it.
fn told(line: &AuditLine, installation: &Installation) -> String {
    let zone = crate::config::plan::time_zone(&installation.settings);
    let at = line.at.zoned(&zone.unwrap_or(jiff::tz::TimeZone::UTC));
    let AuditLine { seq, by, what, kind, name, .. } = line;
    let at = at.strftime("%Y-%m-%d %H:%M:%S");
    let mut text = format!("{seq:>6}  {at}  {by}: {} {name} {what}\n", kind.word());
    let of = |value: &Option<serde_json::Value>, key: &str| {
        let value = value.as_ref().and_then(|value| value.get(key));
        value.map_or_else(|| "as usual".to_owned(), ToString::to_string)
    };
    let both = [&line.before, &line.after].into_iter().flatten();
    let mut keys: Vec<&String> =
        both.filter_map(|value| value.as_object()).flat_map(|o| o.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (before, after) = (of(&line.before, key), of(&line.after, key));
        if before != after {
            text += &match (&line.before, &line.after) {
                (Some(_), Some(_)) => format!("        {key}: {before} -> {after}\n"),
                (None, _) => format!("        {key}: {after}\n"),
                (Some(_), None) => format!("        {key}: {before}\n"),
            };
        }
    }
    if line.secret_changed {
        text += "        another password\n";
    }
    text
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.created {
            writeln!(f, "new: {name}")?;
        }
        for one in &self.changed {
            writeln!(f, "changed: {}", one.name)?;
            let text = |value: &Option<serde_json::Value>| {
                value.as_ref().map_or_else(|| "as usual".to_owned(), ToString::to_string)
            };
            for difference in &one.differences {
                let (before, after) = (text(&difference.before), text(&difference.after));
                writeln!(f, "  {}: {before} -> {after}", difference.key)?;
            }
            if one.secret_changed {
                writeln!(f, "  another password")?;
            }
        }
        let (new, changed, unchanged) = (self.created.len(), self.changed.len(), self.unchanged);
        let word = if self.dry_run { "nothing was changed; it would be: " } else { "" };
        writeln!(f, "{word}{new} new, {changed} changed, {unchanged} as they were")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Declared(key, place) => writeln!(f, "{place} declares {key}: change it there"),
            Refusal::Unknown(key) => writeln!(f, "there is no {key}"),
            Refusal::BadName(key) => writeln!(f, "{key}: no such name can be taken"),
            Refusal::Unconditional(key) | Refusal::Changed(key, _) => {
                writeln!(f, "{key} was changed meanwhile")
            }
            Refusal::Wrong(told) | Refusal::InUse(_, told) => {
                told.iter().try_for_each(|told| writeln!(f, "{told}"))
            }
            Refusal::Full(kind) => writeln!(f, "there is no room for more {}", kind.plural()),
            Refusal::Sheet(mistakes) => {
                mistakes.iter().try_for_each(|mistake| writeln!(f, "{mistake}"))
            }
            Refusal::Store => writeln!(f, "the database cannot be used"),
        }
    }
}
