//! An installation: the settings file and everything it refers to, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::Report;

mod surroundings;

use self::surroundings::{Secure, holidays_end, no_folder, now};
use crate::acd::calendar::{BankHolidays, CalendarSettings};
use crate::assistant::Understanding;
use crate::config::problem::Told;
use crate::config::registry::{self as declared, Aside, Entries, Key, merge};
use crate::config::settings::{
    EngineName, HttpSettings, ListenSettings, PortRange, RtpSettings, Settings, SipSettings,
};
use crate::config::source::Source;
use crate::config::{self, check};
use crate::engine::{Plan, preface};
use crate::flow::{Flows, Node};
use crate::id::PromptName;
use crate::media::bank::Bank;
use crate::sip::transport::Listener;

use super::checked_flows::{CheckedFlows, known};
use super::flows::FlowFiles;
use super::settings_file::{self, Base};
use super::stream::tls::TlsConfigs;
use super::{assistant, registry, secret_file, sounds};

/// The longest wrap-up in the demo, in seconds.
const DEMO_WRAP_UP_S: u32 = 8;

/// What the command line says instead of the settings file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Where to listen for SIP, over UDP and TCP and nothing else.
    pub sip: Option<SocketAddr>,
    /// Where to serve pages.
    pub http: Option<SocketAddr>,
    /// Ports for voice.
    pub rtp_ports: Option<PortRange>,
    /// Where the journal is.
    pub data: Option<PathBuf>,
}

/// All that is wrong with an installation, ready to be shown to a person.
#[derive(Debug)]
pub struct Problems(pub Vec<Report>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.0 {
            writeln!(f, "{report:?}")?;
        }
        match self.0.len() {
            1 => write!(f, "1 thing is wrong"),
            count => write!(f, "{count} things are wrong"),
        }
    }
}

impl std::error::Error for Problems {}

/// What the settings file and the database in the data folder declare, put together and checked; what
/// flows lead to apart.
pub(super) struct Declared {
    pub(super) settings: Settings,
    pub(super) source: Source,
    pub(super) bank_holidays: BankHolidays,
    pub(super) entries: Entries,
    pub(super) aside: Aside,
    /// What works and is hardly meant.
    pub(super) findings: Vec<Report>,
}

impl Declared {
    /// Reads both; `data` instead of the settings' data folder.
    pub(super) fn read(config: &Path, data: Option<&Path>) -> Result<Self, Problems> {
        let (mut settings, base) = settings_file::unchecked(config).map_err(Problems)?;
        if let Some(data) = data {
            settings.files.data = data.to_owned();
        }
        let entries = registry::read(&settings.files.data)
            .map_err(|error| Problems(vec![Report::msg(error)]))?;
        let Base { mut source, bank_holidays, .. } = base;
        let check =
            |settings: &Settings, source: &Source| check::check(settings, source, &bank_holidays);
        let (findings, aside) = merge(&mut settings, &mut source, &entries, |_, _| None, check);
        tell_aside(&aside);
        if findings.iter().any(check::is_error) {
            return Err(Problems(findings));
        }
        Ok(Declared { settings, source, bank_holidays, entries, aside, findings })
    }
}

/// What the command line can override, as the file has it: that is checked.
#[derive(Debug, Clone)]
struct Written {
    sip: SipSettings,
    http: HttpSettings,
    rtp: RtpSettings,
}

impl Written {
    /// Puts this in the place of what settings have, and keeps that.
    fn swap(&mut self, settings: &mut Settings) {
        std::mem::swap(&mut self.sip, &mut settings.sip);
        std::mem::swap(&mut self.http, &mut settings.http);
        std::mem::swap(&mut self.rtp, &mut settings.rtp);
    }
}

/// Settings, flows and calendars that passed every check.
#[derive(Debug)]
pub struct Installation {
    /// The settings, overrides applied, paths resolved, the database's entries among them.
    pub settings: Settings,
    /// What TLS needs, by the address that it is spoken at as the settings have it.
    pub tls: BTreeMap<SocketAddr, TlsConfigs>,
    /// What callers' words are understood with; none if no intents are declared.
    pub understanding: Option<Arc<Understanding>>,
    /// What the database declares besides, all of it.
    pub entries: Entries,
    /// What of it is not in force, and why.
    pub aside: Aside,
    /// What works and is hardly meant.
    pub warnings: Vec<Told>,
    /// What would be said before answers because of what the database declares, and has no recording.
    unspoken: BTreeSet<PromptName>,
    /// What the file says where the command line has the last word.
    written: Written,
    source: Source,
    flow_files: Arc<FlowFiles>,
    flows: CheckedFlows,
    bank_holidays: BankHolidays,
    demo: bool,
}

impl Installation {
    /// Reads and checks everything; all findings at once. Warnings go to the log. What the database in
    /// the data folder declares is put beside what the file does.
    pub fn read(config: &Path, overrides: &Overrides) -> Result<Self, Problems> {
        Self::read_and_tell(config, overrides, &|warning| {
            tracing::warn!("{}", Told::of(warning));
        })
    }

    /// The same, for whoever wants the warnings elsewhere than in the log.
    pub fn read_and_tell(
        config: &Path,
        overrides: &Overrides,
        warn: &dyn Fn(&Report),
    ) -> Result<Self, Problems> {
        let data = overrides.data.as_deref();
        let Declared { mut settings, source, bank_holidays, entries, aside, mut findings } =
            Declared::read(config, data)?;
        findings.extend(holidays_end(&settings, &source, &bank_holidays, now()));
        let mut warnings: Vec<Told> = findings.iter().map(Told::of).collect();
        findings.iter().for_each(warn);
        let Settings { sip, http, rtp, .. } = &settings;
        let written = Written { sip: sip.clone(), http: http.clone(), rtp: rtp.clone() };
        if let Some(bind) = overrides.sip {
            settings.sip.listen = vec![ListenSettings::plain(bind)];
            settings.sip.tls = None;
        }
        if let Some(bind) = overrides.http {
            settings.http.bind = bind;
        }
        if let Some(ports) = overrides.rtp_ports {
            settings.rtp.ports = ports;
        }
        let mut secure = Secure::read(&settings, &source);
        secure.warnings.iter().for_each(warn);
        secure.errors.extend(secret_file::check(&settings, &source));
        secure.errors.extend(no_folder(&settings, &source));
        if !secure.errors.is_empty() {
            return Err(Problems(secure.errors));
        }
        let files = &settings.files;
        let understanding = assistant::of_flows(&files.flows).map_err(Problems)?.map(Arc::new);
        let (flow_files, mut wrong) = FlowFiles::read(&files.flows, &files.sounds, &files.language);
        let mut installation = Installation {
            settings,
            tls: secure.configs,
            understanding,
            entries,
            aside,
            warnings: Vec::new(),
            unspoken: BTreeSet::new(),
            written,
            source,
            flow_files: Arc::new(flow_files),
            flows: CheckedFlows::default(),
            bank_holidays,
            demo: false,
        };
        installation.unspoken = installation.without_recording();
        let (flows, found) = installation.check_flows().map_err(|Problems(found)| {
            wrong.extend(found);
            Problems(std::mem::take(&mut wrong))
        })?;
        if !wrong.is_empty() {
            return Err(Problems(wrong));
        }
        found.iter().for_each(warn);
        warnings.extend(found.iter().map(Told::of));
        Ok(Installation { warnings, flows, ..installation })
    }

    /// The same files with other entries of the database, checked as if everything had been read anew. What
    /// no change touches is taken as it is: entries are not read again, nor flows that would be what they are.
    pub fn with(&self, entries: Entries) -> Result<Self, Problems> {
        let (mut settings, mut source) = (self.settings.clone(), self.source.clone());
        let mut written = self.written.clone();
        written.swap(&mut settings);
        let known = |key: &Key, entry: &Arc<declared::Entry>| {
            let same = self.entries.get(key).is_some_and(|before| Arc::ptr_eq(before, entry));
            // A demo has changed what it has in force.
            let in_force = same && !self.demo && !self.aside.contains_key(key);
            in_force.then(|| declared::Declared::of(&self.settings, key)).flatten()
        };
        let check = |settings: &Settings, source: &Source| {
            check::check(settings, source, &self.bank_holidays)
        };
        let (findings, aside) = merge(&mut settings, &mut source, &entries, known, check);
        if findings.iter().any(check::is_error) {
            return Err(Problems(findings));
        }
        written.swap(&mut settings);
        let mut installation = Installation {
            settings,
            tls: self.tls.clone(),
            understanding: self.understanding.clone(),
            entries,
            aside,
            warnings: Vec::new(),
            unspoken: BTreeSet::new(),
            written,
            source,
            flow_files: self.flow_files.clone(),
            flows: self.flows.clone(),
            bank_holidays: self.bank_holidays.clone(),
            demo: self.demo,
        };
        installation.unspoken = installation.without_recording();
        let (flows, found) = installation.check_flows()?;
        installation.flows = flows;
        installation.warnings = findings.iter().chain(&found).map(Told::of).collect();
        if installation.demo {
            installation.for_the_demo();
        }
        Ok(installation)
    }

    /// Refuses files that push out what the database has in force in another installation, other than by
    /// declaring it themselves.
    pub fn keeps(&self, other: &Installation) -> Result<(), Problems> {
        let pushed = self
            .aside
            .iter()
            .filter(|(key, _)| self.place_of(key).is_none() && !other.aside.contains_key(key));
        let told: Vec<Report> = pushed
            .flat_map(|(key, told)| {
                told.iter().map(move |told| Report::msg(format!("{key} of the database: {told}")))
            })
            .collect();
        if told.is_empty() { Ok(()) } else { Err(Problems(told)) }
    }

    /// Where a file declares something: the file and the line.
    pub fn place_of(&self, key: &Key) -> Option<String> {
        let path = [key.kind.word(), key.name.as_str()];
        if self.source.declares(path[0], path[1]) { self.source.line(&path) } else { None }
    }

    /// What the database's queues and agents would have said before answers and nobody has recorded: they can be
    /// declared first and recorded then. What the file declares must be there.
    fn without_recording(&self) -> BTreeSet<PromptName> {
        if self.entries.is_empty() {
            return BTreeSet::new();
        }
        let (mut files, mut source) = (self.settings.clone(), self.source.clone());
        declared::file_only(&mut files, &mut source);
        let known: BTreeSet<PromptName> =
            preface::texts(&files).into_iter().map(|text| text.prompt).collect();
        let texts = preface::texts(&self.settings).into_iter().map(|text| text.prompt);
        texts.filter(|prompt| !known.contains(prompt) && !self.flow_files.has(prompt)).collect()
    }

    /// The flows, if they fit to the settings, and what works and is hardly meant.
    fn check_flows(&self) -> Result<(CheckedFlows, Vec<Report>), Problems> {
        let known = known(&self.settings, self.understanding.as_deref());
        let checked = match self.flows.fit(&known) {
            true => self.flows.clone(),
            false => CheckedFlows::load(&self.flow_files, known).map_err(Problems)?,
        };
        let mut warnings = checked.warnings();
        let prefaces = preface::texts(&self.settings);
        warnings.extend(self.flow_files.stale(&self.settings.files, &prefaces).map(Report::new));
        let flows = &checked.flows;
        let names: Vec<_> = flows.keys().cloned().collect();
        let mut findings = check::check_numbers(&self.settings, &self.source, &names);
        let nodes = flows.values().flat_map(|flow| flow.nodes.values());
        let given: Vec<_> = nodes
            .filter_map(|node| {
                let Node::Queue(queue) = node else { return None };
                Some((queue.queue.clone(), queue.urgency.priority().0))
            })
            .collect();
        findings.extend(check::check_priorities(&self.settings, &self.source, &given));
        if findings.iter().any(check::is_error) {
            return Err(Problems(findings));
        }
        warnings.extend(findings);
        let unspoken = self.unspoken.iter().map(|prompt| (prompt, preface::path_of(prompt)));
        let unspoken: Vec<_> = unspoken.collect();
        warnings.extend(check::check_unspoken(&self.settings, &self.source, &unspoken));
        Ok((checked, warnings))
    }

    /// What a demo changes: a demo at night must not only say that the lines are closed, few advisers must
    /// keep up with many who ring, and whoever tries it is listened to if this program can.
    pub fn for_the_demo(&mut self) {
        self.demo = true;
        if cfg!(feature = "pocketsphinx") {
            self.settings.speech.engine.get_or_insert(EngineName::Pocketsphinx);
        }
        for queue in self.settings.queues.values_mut() {
            queue.wrap_up_s = queue.wrap_up_s.min(DEMO_WRAP_UP_S);
        }
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        for calendar in self.settings.calendars.values_mut() {
            *calendar = CalendarSettings {
                week: days
                    .iter()
                    .map(|day| ((*day).to_owned(), vec!["00:00-24:00".to_owned()]))
                    .collect(),
                ..CalendarSettings::default()
            };
        }
    }

    /// The settings put to work, for listeners that peers are told this of.
    pub fn plan(&self, listeners: Vec<Listener>) -> Result<Plan, Problems> {
        let acd = config::plan::acd(&self.settings, &self.bank_holidays)
            .map_err(|error| Problems(vec![Report::msg(error)]))?;
        let plan = Plan::new(&self.settings, self.flows.flows.clone(), acd, listeners)
            .map_err(|error| Problems(vec![Report::msg(error)]))?;
        let hears = self.settings.speech.engine.is_some();
        let opinions = self.settings.language_model.url.is_some();
        let (understanding, unspoken) = (self.understanding.clone(), self.unspoken.clone());
        Ok(Plan { understanding, hears, opinions, unspoken, ..plan })
    }

    /// What callers are led by.
    pub fn flows(&self) -> &Flows {
        &self.flows.flows
    }

    /// Every sound that the plan can play.
    pub fn bank(&self, plan: &Plan) -> Result<Bank, Problems> {
        self.bank_of(&plan.sounds())
    }

    /// These sounds.
    pub fn bank_of(&self, sounds: &[PromptName]) -> Result<Bank, Problems> {
        let files = &self.settings.files;
        sounds::load(&files.sounds, &files.language, sounds)
            .map_err(|errors| Problems(errors.into_iter().map(Report::new).collect()))
    }
}

/// Says of each entry of the database that is not in force why not.
fn tell_aside(aside: &Aside) {
    for (key, told) in aside {
        for told in told {
            tracing::warn!("{key} of the database is set aside: {told}");
        }
    }
}
