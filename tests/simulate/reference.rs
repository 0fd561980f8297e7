//! The rules again, plain and slow: a list of people, and a look at all of them for whatever can happen
//! next. It shares nothing with the machine or the queue.

use switchboard::sim::day::{BreakEnd, Fate, Kind, ModelCall, Rules, Shift};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Away,
    /// Since when.
    Idle(u64),
    /// Until when, for which call, and since when nobody else had been there.
    Ringing(u64, usize, u64),
    /// Until when.
    Working(u64),
    Resting(u64),
}

#[derive(Debug)]
struct Worker<'a> {
    shift: &'a Shift,
    doing: Doing,
    came: bool,
    went: bool,
    /// Breaks that were due, by their place in the shift.
    due: Vec<usize>,
    /// Of those, the ones that have not begun.
    owed: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Caller {
    ToCome,
    /// Since when.
    Waiting(u64),
    Done(Fate),
}

/// What becomes of each call, in the order given. One day.
pub(super) fn expected(
    calls: &[ModelCall],
    shifts: &[Shift],
    rules: &Rules,
) -> Vec<(String, Fate)> {
    let mut callers: Vec<Caller> = vec![Caller::ToCome; calls.len()];
    let mut calls_by_id: Vec<usize> = (0..calls.len()).collect();
    calls_by_id.sort_by_key(|n| &calls[*n].id);
    let mut sorted: Vec<&Shift> = shifts.iter().collect();
    sorted.sort_by_key(|shift| shift.agent.as_str());
    let mut workers: Vec<Worker<'_>> = sorted
        .into_iter()
        .map(|shift| Worker {
            shift,
            doing: Doing::Away,
            came: false,
            went: false,
            due: Vec::new(),
            owed: Vec::new(),
        })
        .collect();
    for n in 0..calls.len() {
        let call = &calls[n];
        let joins = call.arrive_ms + call.ivr_ms;
        if call.arrive_ms < rules.open_ms || call.arrive_ms >= rules.close_ms {
            callers[n] = Caller::Done(Fate::Closed);
        } else if call.kind == Kind::LeavesMenu {
            callers[n] = Caller::Done(Fate::LeftMenu);
        } else if joins >= rules.close_ms {
            callers[n] = Caller::Done(Fate::ClosedInMenu);
        }
    }
    let mut now = 0;
    loop {
        if let Some((w, n)) = picks_up(&workers, now) {
            let Caller::Waiting(since) = callers[n] else { unreachable!() };
            let agent = workers[w].shift.agent.clone();
            callers[n] = Caller::Done(Fate::Answered { wait_ms: now - since, agent });
            workers[w].doing = Doing::Working(now + calls[n].talk_ms + calls[n].wrap_ms);
        } else if let Some(free) = next_end(&workers, now, true) {
            becomes_free(free, now, now, &mut workers, &mut callers, calls, rules);
        } else if let Some(free) = next_end(&workers, now, false) {
            becomes_free(free, now, now, &mut workers, &mut callers, calls, rules);
        } else if let Some(w) = workers.iter().position(|w| !w.came && w.shift.login_ms <= now) {
            workers[w].came = true;
            workers[w].doing = Doing::Idle(now);
            serve(w, now, &mut workers, &mut callers, calls, rules);
        } else if let Some((w, b)) = next_break(&workers, now) {
            workers[w].due.push(b);
            match workers[w].doing {
                Doing::Away => {}
                Doing::Idle(_) => {
                    if let Some(until) = rests_until(&workers[w], b, now) {
                        workers[w].doing = Doing::Resting(until);
                    }
                }
                Doing::Ringing(..) | Doing::Working(_) | Doing::Resting(_) => {
                    workers[w].owed.push(b);
                }
            }
        } else if let Some(w) = workers.iter().position(|w| !w.went && w.shift.logout_ms <= now) {
            workers[w].went = true;
            let early = workers[w].shift.logout_ms < rules.close_ms;
            match workers[w].doing {
                Doing::Idle(_) => workers[w].doing = Doing::Away,
                Doing::Resting(_) if early => workers[w].doing = Doing::Away,
                Doing::Resting(_) | Doing::Ringing(..) | Doing::Working(_) | Doing::Away => {}
            }
        } else if let Some(n) = calls_by_id.iter().copied().find(|n| match callers[*n] {
            Caller::Waiting(since) => since + calls[*n].patience_ms <= now,
            _ => false,
        }) {
            let Caller::Waiting(since) = callers[n] else { unreachable!() };
            callers[n] = Caller::Done(Fate::Abandoned { wait_ms: now - since });
            if let Some((w, idle_since)) = rung(&workers, n) {
                becomes_free(w, idle_since, now, &mut workers, &mut callers, calls, rules);
            }
        } else if let Some(n) = calls_by_id.iter().copied().find(|n| {
            callers[*n] == Caller::ToCome && calls[*n].arrive_ms + calls[*n].ivr_ms <= now
        }) {
            callers[n] = Caller::Waiting(now);
            let able = workers.iter().enumerate().filter_map(|(w, worker)| match worker.doing {
                Doing::Idle(since) if can(worker, &calls[n]) => Some((since, w)),
                _ => None,
            });
            if let Some((_, w)) = able.min() {
                serve(w, now, &mut workers, &mut callers, calls, rules);
            }
        } else {
            // Nothing more happens now: on to the next instant at which anything could.
            let mut instants: Vec<u64> = Vec::new();
            for (n, caller) in callers.iter().enumerate() {
                match caller {
                    Caller::ToCome => instants.push(calls[n].arrive_ms + calls[n].ivr_ms),
                    Caller::Waiting(since) => instants.push(since + calls[n].patience_ms),
                    Caller::Done(_) => {}
                }
            }
            if instants.is_empty() {
                break;
            }
            for worker in &workers {
                match worker.doing {
                    Doing::Ringing(until, ..) | Doing::Working(until) | Doing::Resting(until) => {
                        instants.push(until);
                    }
                    Doing::Away | Doing::Idle(_) => {}
                }
                instants.push(worker.shift.login_ms);
                instants.push(worker.shift.logout_ms);
                instants.extend(worker.shift.breaks.iter().map(|one| one.start_ms));
            }
            now = instants.into_iter().filter(|at| *at > now).min().expect("something is to come");
        }
    }
    let done = |caller: Caller| match caller {
        Caller::Done(fate) => fate,
        Caller::ToCome | Caller::Waiting(_) => unreachable!(),
    };
    calls.iter().zip(callers).map(|(call, caller)| (call.id.clone(), done(caller))).collect()
}

fn can(worker: &Worker<'_>, call: &ModelCall) -> bool {
    worker.shift.skills.iter().any(|one| one.skill == call.service)
}

/// The first by name whose work (or break) is over.
fn next_end(workers: &[Worker<'_>], now: u64, work: bool) -> Option<usize> {
    workers.iter().position(|worker| match worker.doing {
        Doing::Working(until) => work && until <= now,
        Doing::Resting(until) => !work && until <= now,
        Doing::Away | Doing::Idle(_) | Doing::Ringing(..) => false,
    })
}

/// The first by name whose phone has rung long enough, and for which call.
fn picks_up(workers: &[Worker<'_>], now: u64) -> Option<(usize, usize)> {
    workers.iter().enumerate().find_map(|(w, worker)| match worker.doing {
        Doing::Ringing(until, n, _) if until <= now => Some((w, n)),
        _ => None,
    })
}

/// Whose phone rings for a call, and since when they were idle before.
fn rung(workers: &[Worker<'_>], call: usize) -> Option<(usize, u64)> {
    workers.iter().enumerate().find_map(|(w, worker)| match worker.doing {
        Doing::Ringing(_, n, idle_since) if n == call => Some((w, idle_since)),
        _ => None,
    })
}

/// When a break is over that begins now; none if it is over already.
fn rests_until(worker: &Worker<'_>, b: usize, now: u64) -> Option<u64> {
    match worker.shift.breaks[b].end {
        BreakEnd::After(lasts_ms) => Some(now + lasts_ms),
        BreakEnd::At(ms) => (ms > now).then_some(ms),
    }
}

fn next_break(workers: &[Worker<'_>], now: u64) -> Option<(usize, usize)> {
    workers.iter().enumerate().find_map(|(w, worker)| {
        let breaks = 0..worker.shift.breaks.len();
        let mut due = breaks.filter(|b| worker.shift.breaks[*b].start_ms <= now);
        Some((w, due.find(|b| !worker.due.contains(b))?))
    })
}

fn becomes_free(
    w: usize,
    idle_since: u64,
    now: u64,
    workers: &mut [Worker<'_>],
    callers: &mut [Caller],
    calls: &[ModelCall],
    rules: &Rules,
) {
    let over = workers[w].went;
    let early = workers[w].shift.logout_ms < rules.close_ms;
    if over && early {
        workers[w].doing = Doing::Away;
        return;
    }
    while !workers[w].owed.is_empty() {
        let b = workers[w].owed.remove(0);
        if let Some(until) = rests_until(&workers[w], b, now) {
            workers[w].doing = Doing::Resting(until);
            return;
        }
    }
    workers[w].doing = Doing::Idle(idle_since);
    serve(w, now, workers, callers, calls, rules);
    if over && workers[w].doing == Doing::Idle(idle_since) {
        workers[w].doing = Doing::Away;
    }
}

/// An idle agent takes whoever is first of those they can serve.
fn serve(
    w: usize,
    now: u64,
    workers: &mut [Worker<'_>],
    callers: &mut [Caller],
    calls: &[ModelCall],
    rules: &Rules,
) {
    let Doing::Idle(idle_since) = workers[w].doing else { return };
    let mut first: Option<(i32, u64, &str, usize)> = None;
    for (n, caller) in callers.iter().enumerate() {
        if let Caller::Waiting(since) = caller
            && can(&workers[w], &calls[n])
            && rung(workers, n).is_none()
        {
            let turn = (calls[n].priority.0, *since, calls[n].id.as_str(), n);
            if first.is_none_or(|first| turn < first) {
                first = Some(turn);
            }
        }
    }
    let Some((_, since, _, n)) = first else { return };
    if rules.ring_ms > 0 {
        workers[w].doing = Doing::Ringing(now + rules.ring_ms, n, idle_since);
    } else {
        let agent = workers[w].shift.agent.clone();
        callers[n] = Caller::Done(Fate::Answered { wait_ms: now - since, agent });
        workers[w].doing = Doing::Working(now + calls[n].talk_ms + calls[n].wrap_ms);
    }
}
