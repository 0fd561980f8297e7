//! An installation: the settings file and everything it refers to, read and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, Report, Severity};

use crate::acd::calendar::{BankHolidays, CalendarSettings};
use crate::assistant::Understanding;
use crate::config::problem::Problem;
use crate::config::settings::{EngineName, ListenSettings, PortRange, Settings, TlsSettings};
use crate::config::source::Source;
use crate::config::{self, check};
use crate::engine::{DialPlan, Plan, is_emergency};
use crate::event::Destination;
use crate::flow::{Flows, Known, NoReach, Node, Reach};
use crate::id::{Ability, all_met};
use crate::media::bank::Bank;
use crate::number::Dialled;
use crate::sip::transport::Listener;
use crate::trunk::guard::Guard;

use super::stream::tls::{self, Fault, TlsConfigs};
use super::{assistant, flows, settings_file, sounds};

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

/// Settings, flows and calendars that passed every check.
#[derive(Debug)]
pub struct Installation {
    /// The settings, overrides applied, paths resolved.
    pub settings: Settings,
    /// What TLS needs, by the address that it is spoken at as the settings have it.
    pub tls: BTreeMap<SocketAddr, TlsConfigs>,
    /// What callers' words are understood with; none if no intents are declared.
    pub understanding: Option<Arc<Understanding>>,
    flows: Flows,
    bank_holidays: BankHolidays,
}

impl Installation {
    /// Reads and checks everything; all findings at once. Warnings go to the log.
    pub fn read(config: &Path, overrides: &Overrides) -> Result<Self, Problems> {
        let (mut settings, base) = settings_file::read(config).map_err(Problems)?;
        base.warnings.iter().for_each(|warning| warn(warning.as_ref()));
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
        if let Some(data) = &overrides.data {
            settings.files.data.clone_from(data);
        }
        let secure = Secure::read(&settings, &base.source);
        secure.warnings.iter().for_each(|warning| warn(warning.as_ref()));
        if !secure.errors.is_empty() {
            return Err(Problems(secure.errors));
        }
        let files = &settings.files;
        let understanding = assistant::of_flows(&files.flows).map_err(Problems)?.map(Arc::new);
        let known = known(&settings, understanding.as_deref());
        let loaded =
            flows::load(&files.flows, &files.sounds, &files.language, &known).map_err(Problems)?;
        loaded.warnings.iter().for_each(|warning| warn(warning));
        let flows = loaded.flows;
        let names: Vec<_> = flows.keys().cloned().collect();
        let mut findings = check::check_numbers(&settings, &base.source, &names);
        let nodes = flows.values().flat_map(|flow| flow.nodes.values());
        let given: Vec<_> = nodes
            .filter_map(|node| {
                let Node::Queue(queue) = node else { return None };
                Some((queue.queue.clone(), queue.urgency.priority().0))
            })
            .collect();
        findings.extend(check::check_priorities(&settings, &base.source, &given));
        if findings.iter().any(check::is_error) {
            return Err(Problems(findings));
        }
        findings.iter().for_each(|warning| warn(warning.as_ref()));
        Ok(Installation {
            settings,
            tls: secure.configs,
            understanding,
            flows,
            bank_holidays: base.bank_holidays,
        })
    }

    /// What a demo changes: a demo at night must not only say that the lines are closed, few advisers must
    /// keep up with many who ring, and whoever tries it is listened to if this program can.
    pub fn for_the_demo(&mut self) {
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
        let plan = Plan::new(&self.settings, self.flows.clone(), acd, listeners)
            .map_err(|error| Problems(vec![Report::msg(error)]))?;
        let hears = self.settings.speech.engine.is_some();
        let opinions = self.settings.language_model.url.is_some();
        Ok(Plan { understanding: self.understanding.clone(), hears, opinions, ..plan })
    }

    /// What callers are led by.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Every sound that the plan can play.
    pub fn bank(&self, plan: &Plan) -> Result<Bank, Problems> {
        let files = &self.settings.files;
        sounds::load(&files.sounds, &files.language, &plan.sounds())
            .map_err(|errors| Problems(errors.into_iter().map(Report::new).collect()))
    }
}

/// Says in one line of the log what works and is hardly meant: where, what, and what would be right.
fn warn(finding: &dyn Diagnostic) {
    let place = || {
        let label = finding.labels()?.next()?;
        let read = finding.source_code()?.read_span(label.inner(), 0, 0).ok()?;
        let (name, line) = (read.name().unwrap_or_default(), read.line() + 1);
        Some(format!("{name}:{line}:{}: ", read.column() + 1))
    };
    let place = place().unwrap_or_default();
    let advice = finding.help().map(|help| format!("; {help}")).unwrap_or_default();
    tracing::warn!("{place}{finding}{advice}");
}

/// What the certificates that settings name come to.
#[derive(Default)]
struct Secure {
    configs: BTreeMap<SocketAddr, TlsConfigs>,
    errors: Vec<Report>,
    warnings: Vec<Report>,
}

impl Secure {
    fn read(settings: &Settings, source: &Source) -> Secure {
        let mut secure = Secure::default();
        let mut of_all: Option<Option<TlsConfigs>> = None;
        for (index, listen) in settings.sip.addresses().iter().enumerate() {
            if !listen.transports.iter().any(|transport| transport.is_secure()) {
                continue;
            }
            let configs = match (&listen.tls, &settings.sip.tls) {
                (Some(own), _) => {
                    secure.load(own, source, &["sip", "listen", &index.to_string(), "tls"])
                }
                (None, Some(shared)) => of_all
                    .get_or_insert_with(|| secure.load(shared, source, &["sip", "tls"]))
                    .clone(),
                (None, None) => None,
            };
            secure.configs.extend(configs.map(|configs| (listen.bind, configs)));
        }
        secure
    }

    fn load(&mut self, tls: &TlsSettings, source: &Source, path: &[&str]) -> Option<TlsConfigs> {
        #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
        let now = jiff::Timestamp::now();
        let finding = |fault: Fault, severity| {
            let place = source.value(&[path, &[fault.key]].concat());
            source.finding(place, severity, Problem::Certificate(fault.problem))
        };
        match tls::load(tls, now) {
            Ok(loaded) => {
                let warnings = loaded.warnings.into_iter();
                self.warnings.extend(warnings.map(|fault| finding(fault, Severity::Warning)));
                Some(loaded.configs)
            }
            Err(fault) => {
                self.errors.push(finding(fault, Severity::Error));
                None
            }
        }
    }
}

/// Whom flows may put callers through to.
fn reach(settings: &Settings) -> Reach {
    let (dial, outbound) = (DialPlan::new(settings), settings.outbound.clone());
    Reach::new(move |flow, dialled| match dial.resolve(dialled) {
        Some(Destination::Agent(_)) => Ok(()),
        Some(Destination::Outside(_)) if is_emergency(dialled) => Err(NoReach::Emergency),
        Some(Destination::Outside(_)) => {
            let number = Dialled::read(dialled).number;
            let allowed = Guard::default().allows(&outbound, outbound.flows.get(flow), &number);
            allowed.map(|_| ()).map_err(|_| NoReach::Forbidden)
        }
        Some(Destination::Queue(_) | Destination::Flow(_)) | None => Err(NoReach::Nobody),
    })
}

/// What flows may refer to.
pub(super) fn known(settings: &Settings, understanding: Option<&Understanding>) -> Known {
    let intents = understanding.map(Understanding::names).unwrap_or_default();
    let of_agents = settings.agents.values().flat_map(|agent| &agent.skills);
    let of_queues = settings.queues.values().flat_map(|queue| &queue.skills);
    let mut skills: Vec<_> = of_agents.chain(of_queues).map(|ability| &ability.skill).collect();
    skills.sort();
    skills.dedup();
    let serves =
        |needs: &[Ability]| settings.agents.values().any(|agent| all_met(needs, &agent.skills));
    let unserved = settings.queues.iter().filter(|(_, queue)| !serves(&queue.skills));
    Known {
        unserved: unserved.map(|(name, _)| name.clone()).collect(),
        queues: settings.queues.keys().cloned().collect(),
        calendars: settings.calendars.keys().cloned().collect(),
        skills: skills.into_iter().cloned().collect(),
        backends: settings.backends.keys().cloned().collect(),
        templates: settings.notifications.needs(),
        reach: reach(settings),
        intents,
        prompts: None,
    }
}
