//! Two endpoints joined by a network whose time jumps to whatever is due next.

mod calls;
mod changes;
mod early;
mod forks;
mod guarding;
mod keys;
mod losses;
mod network;
mod noise;
mod our_changes;
mod peer;
mod referrals;
mod refusals;
mod registrations;
mod reliable;
mod sessions;
mod streams;
mod trunks;
