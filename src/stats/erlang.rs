//! The mathematics of staffing: Erlang's formulas B and C, and A with callers who give up.
//!
//! Calls arrive at random (Poisson) at a rate of λ, take an exponentially long time of 1/μ on average,
//! and are served by N agents who can all do everything. The load is a = λ/μ erlang.
//!
//! - **B** ([`blocking`]): whoever finds all agents busy goes away at once.
//! - **C**: whoever finds all agents busy waits, for ever if need be.
//! - **A** (Palm 1957): whoever waits gives up after an exponentially long patience of 1/θ on average.
//!   Computed as M/M/N+M of Zeltyn and Mandelbaum, *Call centers with impatient customers:
//!   many-server asymptotics of the M/M/n+G queue* (2005), section 4: the wait that is offered has the
//!   density `v(x) = λ·e(x) / (ε + λJ)` with `e(x) = exp(λ(1 - exp(-θx))/θ - Nμx)`, `J = ∫e` and
//!   `ε = 1/B(N-1, a)`. Every figure is an integral of positive terms over it, so nothing cancels.
//!
//! Real callers and agents fit none of this exactly: `switchboard simulate` needs no such assumptions.

/// What the formulas start from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Calls in an interval.
    pub calls: f64,
    /// How long the interval is, in seconds.
    pub interval_s: f64,
    /// Average handle time: talk, hold and after-call work, in seconds.
    pub aht_s: f64,
    /// Answers within this time count, in seconds.
    pub target_s: f64,
    /// How long callers wait before they give up, on average, in seconds; none for those who never
    /// do (Erlang C), 0 for those who do not wait at all (Erlang B).
    pub patience_s: Option<f64>,
}

/// What so many agents make of a demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The share of callers who find all agents busy.
    pub p_wait: f64,
    /// The average wait of those who are answered, those who need not wait included, in seconds; none
    /// if it has no bound.
    pub asa_s: Option<f64>,
    /// The share of all callers who are answered within the target.
    pub service_level: f64,
    /// The share of their time that agents are busy.
    pub occupancy: f64,
    /// The share of all callers who give up.
    pub abandoned: f64,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ErlangError {
    /// A number that is not one, below what is possible, or beyond all reason.
    #[error("{what} is {value}: it must be {must}")]
    OutOfRange {
        /// Which.
        what: &'static str,
        /// As given.
        value: f64,
        /// What is possible.
        must: &'static str,
    },
    /// Nobody would be there to answer.
    #[error("0 agents answer nobody: give at least 1")]
    NoAgents,
    /// More agents than we count.
    #[error("{agents} agents are more than the {MOST_AGENTS} that can be counted with")]
    TooManyAgents {
        /// As given, or as needed.
        agents: u64,
    },
}

/// The most agents that are counted with.
pub const MOST_AGENTS: u32 = 1_000_000;

/// Erlang B: the share of calls that find all of so many agents busy, if those go away at once.
pub fn blocking(agents: u32, load: f64) -> f64 {
    // B(0) = 1, B(n) = a·B(n-1) / (n + a·B(n-1)): no term grows or cancels.
    let step = |blocked: f64, n: u32| {
        let offered = load * blocked;
        offered / (f64::from(n) + offered)
    };
    (1..=agents).fold(1.0, step)
}

/// What so many agents make of a demand.
pub fn outlook(demand: &Demand, agents: u32) -> Result<Outlook, ErlangError> {
    demand.check()?;
    match agents {
        0 => return Err(ErlangError::NoAgents),
        _ if agents > MOST_AGENTS => {
            return Err(ErlangError::TooManyAgents { agents: agents.into() });
        }
        _ => {}
    }
    Ok(match demand.patience_s {
        _ if demand.calls == 0.0 => Outlook {
            p_wait: 0.0,
            asa_s: Some(0.0),
            service_level: 1.0,
            occupancy: 0.0,
            abandoned: 0.0,
        },
        None => endless(demand, agents),
        Some(0.0) => impatient(demand, agents),
        Some(patience_s) => patient(demand, agents, patience_s),
    })
}

/// The fewest agents with whom at least this share of callers is answered within the target.
pub fn agents_for(demand: &Demand, service_level: f64) -> Result<u32, ErlangError> {
    if !(service_level > 0.0 && service_level < 1.0) {
        let must = "more than 0 and less than 1 (0.8 for 80 %)";
        let what = "the service level";
        return Err(ErlangError::OutOfRange { what, value: service_level, must });
    }
    let enough = |agents| Ok(outlook(demand, agents)?.service_level >= service_level);
    let (mut few, mut many) = (0, 1_u32);
    while !enough(many)? {
        if many == MOST_AGENTS {
            return Err(ErlangError::TooManyAgents { agents: u64::from(MOST_AGENTS) + 1 });
        }
        (few, many) = (many, many.saturating_mul(2).min(MOST_AGENTS));
    }
    // More agents never answer fewer in time.
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle)? { many = middle } else { few = middle }
    }
    Ok(many)
}

impl Demand {
    /// Erlangs: how many agents the calls would keep busy all the time.
    pub fn load(&self) -> f64 {
        self.calls / self.interval_s * self.aht_s
    }

    fn check(&self) -> Result<(), ErlangError> {
        let positive = "more than 0 and at most 1e12";
        let not_negative = "0 or more and at most 1e12";
        let lies = [
            ("the number of calls", Some(self.calls), not_negative),
            ("the interval", Some(self.interval_s), positive),
            ("the handle time", Some(self.aht_s), positive),
            ("the target", Some(self.target_s), not_negative),
            ("the patience", self.patience_s, not_negative),
        ];
        for (what, value, must) in lies {
            let Some(value) = value else { continue };
            let fits = (0.0..=1e12).contains(&value) && (must == not_negative || value > 0.0);
            if !fits {
                return Err(ErlangError::OutOfRange { what, value, must });
            }
        }
        Ok(())
    }
}

/// Erlang C.
fn endless(demand: &Demand, agents: u32) -> Outlook {
    let (load, agents_f) = (demand.load(), f64::from(agents));
    if load >= agents_f {
        let occupancy = 1.0;
        let (p_wait, service_level, abandoned) = (1.0, 0.0, 0.0);
        return Outlook { p_wait, asa_s: None, service_level, occupancy, abandoned };
    }
    let blocked = blocking(agents, load);
    let occupancy = load / agents_f;
    let p_wait = blocked / (1.0 - occupancy * (1.0 - blocked));
    let spare = (agents_f - load) / demand.aht_s;
    Outlook {
        p_wait,
        asa_s: Some(p_wait / spare),
        service_level: 1.0 - p_wait * (-spare * demand.target_s).exp(),
        occupancy,
        abandoned: 0.0,
    }
}

/// Erlang B.
fn impatient(demand: &Demand, agents: u32) -> Outlook {
    let load = demand.load();
    let blocked = blocking(agents, load);
    Outlook {
        p_wait: blocked,
        asa_s: Some(0.0),
        service_level: 1.0 - blocked,
        occupancy: load * (1.0 - blocked) / f64::from(agents),
        abandoned: blocked,
    }
}

/// Erlang A.
fn patient(demand: &Demand, agents: u32, patience_s: f64) -> Outlook {
    let (load, agents_f) = (demand.load(), f64::from(agents));
    let rate = demand.calls / demand.interval_s;
    let offered = OfferedWait::new(rate, agents_f / demand.aht_s, patience_s);
    // Everything is divided by ε and by the peak of e(x): where one of the two is out of all
    // proportion the other vanishes, and nothing overflows.
    let blocked = blocking(agents - 1, load);
    let waits = |part: f64| blocked * rate * part;
    let free = (-offered.peak).exp();
    let waiting = waits(offered.integral(f64::INFINITY, |_| 1.0));
    let whole = free + waiting;
    let stays = |x: f64| (-x / patience_s).exp();
    let in_time = offered.integral(demand.target_s, stays);
    let gives_up = |x: f64| -(-x / patience_s).exp_m1();
    let answered_after = waits(offered.integral(f64::INFINITY, stays));
    let waited_s = waits(offered.integral(f64::INFINITY, |x| x * stays(x)));
    let answered = free + answered_after;
    Outlook {
        p_wait: waiting / whole,
        asa_s: (answered > 0.0).then(|| waited_s / answered),
        service_level: ((free + waits(in_time)) / whole).min(1.0),
        occupancy: (load * (answered / whole) / agents_f).min(1.0),
        abandoned: waits(offered.integral(f64::INFINITY, gives_up)) / whole,
    }
}

/// The wait that is offered to those who find all agents busy: `e(x)`, divided by its peak.
struct OfferedWait {
    /// λ, per second.
    arrivals: f64,
    /// Nμ, per second.
    services: f64,
    patience_s: f64,
    /// Where `e` is highest, in seconds.
    mode_s: f64,
    /// The logarithm of `e` there.
    peak: f64,
    /// Beyond these `e` is nothing, in seconds.
    from_s: f64,
    to_s: f64,
}

/// What is smaller than this power of e beside its peak is nothing.
const NOTHING: f64 = -60.0;

impl OfferedWait {
    fn new(arrivals: f64, services: f64, patience_s: f64) -> Self {
        let overload = arrivals > services;
        let mode_s = if overload { patience_s * (arrivals / services).ln() } else { 0.0 };
        let peak =
            if overload { patience_s * (arrivals - services) - services * mode_s } else { 0.0 };
        let mut wait =
            OfferedWait { arrivals, services, patience_s, mode_s, peak, from_s: 0.0, to_s: 0.0 };
        // log e is concave: from its peak it falls ever faster on both sides.
        wait.to_s = mode_s + wait.reach(1.0, f64::INFINITY);
        wait.from_s = mode_s - wait.reach(-1.0, mode_s);
        wait
    }

    /// The logarithm of `e` at this distance from its peak, beside that peak.
    fn log(&self, distance_s: f64) -> f64 {
        let share = distance_s / self.patience_s;
        if self.mode_s > 0.0 {
            // There λ·exp(-θ·mode) = Nμ, which spares the difference of two large numbers.
            self.services * self.patience_s * (-(-share).exp_m1() - share)
        } else {
            -self.arrivals * self.patience_s * (-share).exp_m1() - self.services * distance_s
        }
    }

    /// How far on one side of its peak `e` is something; `most` at most.
    fn reach(&self, side: f64, most: f64) -> f64 {
        let beyond = |distance_s: f64| self.log(side * distance_s) < NOTHING;
        if most.is_finite() && !beyond(most) {
            return most;
        }
        let (mut near, mut far) = (0.0, 1.0 / (self.arrivals + self.services));
        while !beyond(far) {
            (near, far) = (far, 2.0 * far);
        }
        for _ in 0..8 {
            let middle = (near + far) / 2.0;
            if beyond(middle) { far = middle } else { near = middle }
        }
        far.min(most)
    }

    /// The integral of `e(x)·weight(x)` up to `to_s`.
    fn integral(&self, to_s: f64, weight: impl Fn(f64) -> f64) -> f64 {
        const EVEN: u32 = 100;
        const FINE: u32 = 40;
        let (from, to) = (self.from_s, self.to_s.min(to_s));
        let width = to - from;
        if width.is_nan() || width <= 0.0 {
            return 0.0;
        }
        // Even parts for the bell of `e`, fine ones where impatience bends it near 0.
        let even = (0..=EVEN).map(|n| from + width * f64::from(n) / f64::from(EVEN));
        let fine = (1..FINE).map(|n| from + self.patience_s * f64::from(n) / 4.0);
        let mut ends: Vec<f64> = even.chain(fine.filter(|end| *end < to)).collect();
        ends.sort_by(f64::total_cmp);
        let pieces = ends.iter().zip(ends.iter().skip(1));
        pieces
            .map(|(from, to)| gauss(*from, *to, |x| self.log(x - self.mode_s).exp() * weight(x)))
            .sum()
    }
}

/// Gauss and Legendre's rule with eight points.
fn gauss(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const POINTS: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
        (0.960_289_856_497_536_2, 0.101_228_536_290_376_3),
    ];
    let (middle, half) = ((from + to) / 2.0, (to - from) / 2.0);
    let both = |at: f64| f(middle - half * at) + f(middle + half * at);
    half * POINTS.iter().map(|(at, weight)| weight * both(*at)).sum::<f64>()
}

#[cfg(test)]
mod tests;
