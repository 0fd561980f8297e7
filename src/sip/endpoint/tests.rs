//! Two endpoints joined by a network whose time jumps to whatever is due next.

mod calls;
mod changes;
mod forks;
mod losses;
mod network;
mod noise;
mod peer;
mod refusals;
mod registrations;
