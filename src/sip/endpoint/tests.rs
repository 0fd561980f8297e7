//! Two endpoints joined by a network whose time jumps to whatever is due next.

mod calls;
mod losses;
mod network;
mod noise;
mod peer;
mod refusals;
mod registrations;
