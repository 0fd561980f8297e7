//! The rules again, plain and slow: a list of people, and a look at all of them for whatever can happen
//! next. It shares nothing with the machine or the queue.

use switchboard::sim::day::{Fate, Kind, ModelCall, Rules, Shift};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Away,
    /// Since when.
    Idle(u64),
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

/// What becomes of each call, in the order given. One day, no ring time.
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
        if let Some(free) = next_end(&workers, now, true) {
            becomes_free(free, now, &mut workers, &mut callers, calls, rules);
        } else if let Some(free) = next_end(&workers, now, false) {
            becomes_free(free, now, &mut workers, &mut callers, calls, rules);
        } else if let Some(w) = workers.iter().position(|w| !w.came && w.shift.login_ms <= now) {
            workers[w].came = true;
            workers[w].doing = Doing::Idle(now);
            serve(w, now, &mut workers, &mut callers, calls);
        } else if let Some((w, b)) = next_break(&workers, now) {
            workers[w].due.push(b);
            match workers[w].doing {
                Doing::Away => {}
                Doing::Idle(_) => {
                    let lasts_ms = workers[w].shift.breaks[b].lasts_ms;
                    workers[w].doing = Doing::Resting(now + lasts_ms);
                }
                Doing::Working(_) | Doing::Resting(_) => workers[w].owed.push(b),
            }
        } else if let Some(w) = workers.iter().position(|w| !w.went && w.shift.logout_ms <= now) {
            workers[w].went = true;
            let early = workers[w].shift.logout_ms < rules.close_ms;
            match workers[w].doing {
                Doing::Idle(_) => workers[w].doing = Doing::Away,
                Doing::Resting(_) if early => workers[w].doing = Doing::Away,
                Doing::Resting(_) | Doing::Working(_) | Doing::Away => {}
            }
        } else if let Some(n) = calls_by_id.iter().copied().find(|n| match callers[*n] {
            Caller::Waiting(since) => since + calls[*n].patience_ms <= now,
            _ => false,
        }) {
            let Caller::Waiting(since) = callers[n] else { unreachable!() };
            callers[n] = Caller::Done(Fate::Abandoned { wait_ms: now - since });
        } else if let Some(n) = calls_by_id.iter().copied().find(|n| {
            callers[*n] == Caller::ToCome && calls[*n].arrive_ms + calls[*n].ivr_ms <= now
        }) {
            callers[n] = Caller::Waiting(now);
            let able = workers.iter().enumerate().filter_map(|(w, worker)| match worker.doing {
                Doing::Idle(since) if can(worker, &calls[n]) => Some((since, w)),
                _ => None,
            });
            if let Some((_, w)) = able.min() {
                serve(w, now, &mut workers, &mut callers, calls);
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
                    Doing::Working(until) | Doing::Resting(until) => instants.push(until),
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
        Doing::Away | Doing::Idle(_) => false,
    })
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
    } else if !workers[w].owed.is_empty() {
        let b = workers[w].owed.remove(0);
        workers[w].doing = Doing::Resting(now + workers[w].shift.breaks[b].lasts_ms);
    } else {
        workers[w].doing = Doing::Idle(now);
        serve(w, now, workers, callers, calls);
        if over && workers[w].doing == Doing::Idle(now) {
            workers[w].doing = Doing::Away;
        }
    }
}

/// An idle agent takes whoever is first of those they can serve.
fn serve(
    w: usize,
    now: u64,
    workers: &mut [Worker<'_>],
    callers: &mut [Caller],
    calls: &[ModelCall],
) {
    let mut first: Option<(i32, u64, &str, usize)> = None;
    for (n, caller) in callers.iter().enumerate() {
        if let Caller::Waiting(since) = caller
            && can(&workers[w], &calls[n])
        {
            let turn = (calls[n].priority.0, *since, calls[n].id.as_str(), n);
            if first.is_none_or(|first| turn < first) {
                first = Some(turn);
            }
        }
    }
    if let Some((_, since, _, n)) = first {
        let agent = workers[w].shift.agent.clone();
        callers[n] = Caller::Done(Fate::Answered { wait_ms: now - since, agent });
        workers[w].doing = Doing::Working(now + calls[n].talk_ms + calls[n].wrap_ms);
    }
}
