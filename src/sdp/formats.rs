//! Codecs in descriptions: which may be spoken, under which payload types, and with which parameters.

use crate::media::command::{Codec, Negotiated, OpusSettings, PayloadTypes};

use super::description::Stream;

/// Lengths of packets that we make, in milliseconds, the longest first.
const PACKETS_MS: [u8; 4] = [40, 30, 20, 10];
/// What we ask for where nobody wishes otherwise, and the length of our packets of Opus.
const PACKET_MS: u8 = 20;
/// The shortest packets that we make: no limit can be lower.
const SHORTEST_MS: u8 = 10;
/// The lowest and highest bit rate of Opus that makes sense for voice.
const OPUS_BPS: std::ops::RangeInclusive<u32> = 6_000..=64_000;

/// The codecs that a peer may be spoken to in, in the order of our preference; each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codecs([Option<Codec>; Codec::ALL.len()]);

impl Codecs {
    /// These, in this order.
    pub fn new(list: impl IntoIterator<Item = Codec>) -> Self {
        let mut codecs = Codecs([None; Codec::ALL.len()]);
        for codec in list {
            if !codecs.contains(codec)
                && let Some(free) = codecs.0.iter_mut().find(|place| place.is_none())
            {
                *free = Some(codec);
            }
        }
        codecs
    }

    /// All of them in order.
    pub fn iter(self) -> impl Iterator<Item = Codec> {
        self.0.into_iter().flatten()
    }

    /// Whether it is one of them.
    pub fn contains(self, codec: Codec) -> bool {
        self.iter().any(|known| known == codec)
    }

    /// The same with what costs least beside `other` first: the same codec, then the other law.
    pub(super) fn beside(self, other: Option<Codec>) -> Self {
        let Some(other) = other else { return self };
        let cost = |codec: Codec| match (codec == other, codec.law().zip(other.law())) {
            (true, _) => 0,
            (false, Some(_)) => 1,
            (false, None) => 2,
        };
        Codecs::new((0..=2).flat_map(|rank| self.iter().filter(move |codec| cost(*codec) == rank)))
    }
}

impl Default for Codecs {
    /// The UK's law first, then what sounds better.
    fn default() -> Self {
        Codecs::new([Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus])
    }
}

/// What a stream of a peer's is spoken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) codec: Codec,
    pub(super) types: PayloadTypes,
    pub(super) event_clock_hz: u32,
    pub(super) packet_ms: u8,
    pub(super) max_packet_ms: Option<u8>,
    pub(super) opus: OpusSettings,
}

impl Format {
    /// The first codec of a stream that is one of `codecs`; but beside `other` one that costs less, if
    /// there is one.
    pub(super) fn of(stream: &Stream, codecs: Codecs, other: Option<Codec>) -> Option<Format> {
        let spoken = |payload_type: u8| {
            let codec = codec(stream, payload_type)?;
            let fits =
                codec != Codec::Opus || stream.max_packet_ms.is_none_or(|ms| ms >= PACKET_MS);
            (fits && codecs.contains(codec)).then_some((payload_type, codec))
        };
        let (first, codec) = stream.payload_types().find_map(spoken)?;
        let cheaper = other.and_then(|other| {
            let saves = |codec: Codec| codec == other || codec.law().and(other.law()).is_some();
            let order = codecs.beside(Some(other));
            let cheap = order.iter().filter(|codec| saves(*codec));
            cheap.into_iter().find_map(|wanted| {
                stream.payload_types().filter_map(spoken).find(|(_, codec)| *codec == wanted)
            })
        });
        let (voice, codec) = cheaper.unwrap_or((first, codec));
        let named = |name: &str, clock_hz: u32| {
            stream.payload_types().find(|payload_type| {
                *payload_type != voice
                    && stream.encoding(*payload_type).is_some_and(|(known, hz, _)| {
                        known.eq_ignore_ascii_case(name) && hz == clock_hz
                    })
            })
        };
        // Keys have the clock of the voice (RFC 4733 section 2.1); some phones know only one.
        let (event_clock_hz, telephone_event) = [codec.clock_hz(), 8_000]
            .into_iter()
            .find_map(|hz| Some((hz, Some(named("telephone-event", hz)?))))
            .unwrap_or((codec.clock_hz(), None));
        let comfort_noise = codec.law().and_then(|_| named("CN", 8_000));
        Some(Format {
            codec,
            types: PayloadTypes { voice, telephone_event, comfort_noise },
            event_clock_hz,
            packet_ms: packet_ms(codec, stream),
            max_packet_ms: stream.max_packet_ms.map(|ms| ms.max(SHORTEST_MS)),
            opus: opus(stream, voice),
        })
    }
}

fn codec(stream: &Stream, payload_type: u8) -> Option<Codec> {
    let (name, clock_hz, channels) = stream.encoding(payload_type)?;
    Codec::ALL.into_iter().find(|codec| {
        // Some leave out that Opus has two channels, as it always says that it has.
        name.eq_ignore_ascii_case(codec.name())
            && clock_hz == codec.clock_hz()
            && (1..=codec.channels()).contains(&channels)
    })
}

/// How long the peer wants our packets to be. Opus always has 20 ms, and is spoken only where they fit.
fn packet_ms(codec: Codec, stream: &Stream) -> u8 {
    if codec == Codec::Opus {
        return PACKET_MS;
    }
    let wished = stream.packet_ms.unwrap_or(PACKET_MS);
    let fits = |ms: &u8| *ms <= wished.min(stream.max_packet_ms.unwrap_or(u8::MAX));
    PACKETS_MS.into_iter().find(fits).unwrap_or(SHORTEST_MS)
}

fn opus(stream: &Stream, payload_type: u8) -> OpusSettings {
    let mut settings = OpusSettings::default();
    for parameter in stream.parameters(payload_type) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value: Option<u32> = value.trim().parse().ok();
        match name.trim().to_ascii_lowercase().as_str() {
            "useinbandfec" => settings.fec = value == Some(1),
            "usedtx" => settings.dtx = value == Some(1),
            "maxaveragebitrate" => {
                let most = value.unwrap_or(settings.bit_rate_bps);
                let most = most.clamp(*OPUS_BPS.start(), *OPUS_BPS.end());
                settings.bit_rate_bps = settings.bit_rate_bps.min(most);
            }
            _ => {}
        }
    }
    settings
}

/// Our payload types. What was agreed on once stays for the session (RFC 3264 section 8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    opus: u8,
    telephone_event: u8,
    telephone_event_48: u8,
}

impl Numbers {
    pub(super) fn beside(current: Option<&Negotiated>) -> Self {
        let (mut opus, mut event, mut event_48) = (None, None, None);
        let mut taken = Vec::new();
        if let Some(Negotiated { codec, receive, event_clock_hz, .. }) = current {
            taken.extend([Some(receive.voice), receive.telephone_event].into_iter().flatten());
            if *codec == Codec::Opus {
                opus = Some(receive.voice);
            }
            let event = if *event_clock_hz == 8_000 { &mut event } else { &mut event_48 };
            *event = receive.telephone_event;
        }
        let mut free = |known: Option<u8>, usual: u8| {
            let number = known.unwrap_or_else(|| {
                let mut free = [usual].into_iter().chain(96..128);
                free.find(|number| !taken.contains(number)).unwrap_or(usual)
            });
            taken.push(number);
            number
        };
        Numbers {
            opus: free(opus, PayloadTypes::OPUS),
            telephone_event: free(event, PayloadTypes::TELEPHONE_EVENT),
            telephone_event_48: free(event_48, PayloadTypes::TELEPHONE_EVENT_48),
        }
    }

    pub(super) fn of(self, codec: Codec) -> u8 {
        codec.static_payload_type().unwrap_or(self.opus)
    }

    pub(super) fn of_events(self, clock_hz: u32) -> u8 {
        if clock_hz == 8_000 { self.telephone_event } else { self.telephone_event_48 }
    }

    /// What the peer sends by its answer to an offer with these numbers.
    pub(super) fn received(self, format: &Format) -> PayloadTypes {
        let Format { codec, types, event_clock_hz, .. } = format;
        PayloadTypes {
            voice: self.of(*codec),
            telephone_event: types.telephone_event.map(|_| self.of_events(*event_clock_hz)),
            comfort_noise: types.comfort_noise,
        }
    }
}
