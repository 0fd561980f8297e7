//! Stories of a resident who rings and an adviser who answers, told in the simulated world:
//! real SIP and RTP bytes over a simulated network, and a clock that jumps.

#[path = "stories/advisers.rs"]
mod advisers;
#[path = "stories/agent_calls.rs"]
mod agent_calls;
#[path = "stories/attack.rs"]
mod attack;
#[path = "stories/bad_network.rs"]
mod bad_network;
#[path = "stories/business.rs"]
mod business;
#[path = "stories/busy.rs"]
mod busy;
#[path = "stories/callbacks.rs"]
mod callbacks;
#[path = "stories/callbacks_random.rs"]
mod callbacks_random;
#[path = "stories/carrier_wire.rs"]
mod carrier_wire;
#[path = "stories/connections.rs"]
mod connections;
#[path = "stories/consult.rs"]
mod consult;
#[path = "stories/desks.rs"]
mod desks;
#[path = "stories/encrypted.rs"]
mod encrypted;
#[path = "stories/hanging_up.rs"]
mod hanging_up;
#[path = "stories/history.rs"]
mod history;
#[path = "stories/hours.rs"]
mod hours;
#[path = "stories/joined.rs"]
mod joined;
#[path = "stories/last_agent.rs"]
mod last_agent;
#[path = "stories/long_calls.rs"]
mod long_calls;
#[path = "stories/menu.rs"]
mod menu;
#[path = "stories/messages.rs"]
mod messages;
#[path = "stories/moves.rs"]
mod moves;
#[path = "stories/networks.rs"]
mod networks;
#[path = "stories/not_ready.rs"]
mod not_ready;
#[path = "stories/notifications.rs"]
mod notifications;
#[path = "stories/offers.rs"]
mod offers;
#[path = "stories/prefaced.rs"]
mod prefaced;
#[path = "stories/put_through.rs"]
mod put_through;
#[path = "stories/random.rs"]
mod random;
#[path = "stories/recorded_company.rs"]
mod recorded_company;
#[path = "stories/recording.rs"]
mod recording;
#[path = "stories/refused.rs"]
mod refused;
#[path = "stories/registry.rs"]
mod registry;
#[path = "stories/restart.rs"]
mod restart;
#[path = "stories/ring_all.rs"]
mod ring_all;
#[path = "stories/roles.rs"]
mod roles;
#[path = "stories/rung_back.rs"]
mod rung_back;
#[path = "stories/secrets.rs"]
mod secrets;
#[path = "stories/spoken.rs"]
mod spoken;
#[path = "stories/standard.rs"]
mod standard;
#[path = "stories/supervise.rs"]
mod supervise;
#[path = "stories/surveys.rs"]
mod surveys;
#[path = "stories/told.rs"]
mod told;
#[path = "stories/town.rs"]
mod town;
#[path = "stories/transfers.rs"]
mod transfers;
#[path = "stories/transfers_outside.rs"]
mod transfers_outside;
#[path = "stories/trunks.rs"]
mod trunks;
#[path = "peers/webrtc.rs"]
mod webrtc;
#[path = "stories/wrap_up.rs"]
mod wrap_up;
