//! Streams: however one is cut on its way, the same messages come of it, within the limits.

use std::net::SocketAddr;

use switchboard::sip::framing::{Frame, Framer, FramingError, FramingLimits};
use switchboard::sip::message::Message;

use super::source::Source;

/// What the framer keeps of an idle connection.
const KEPT: usize = 4_096;

/// Limits and cuts, then the stream.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = match source.below(3) {
        0 => FramingLimits::default(),
        1 => FramingLimits { line: 128, head: 512, body: 256 },
        _ => FramingLimits { line: 32, head: 96, body: 16 },
    };
    let pongs = source.below(3);
    let cuts: Vec<usize> = (0..4).map(|_| 1 + usize::from(source.byte())).collect();
    let stream = source.rest();
    let whole = cut(limits, pongs, [stream]);
    let mut rest = stream;
    let pieces = cuts.iter().cycle().map_while(|length| {
        let (piece, after) = rest.split_at(rest.len().min(*length));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    let pieces = cut(limits, pongs, pieces);
    let single = cut(limits, pongs, stream.chunks(1));
    for other in [pieces, single] {
        assert_eq!(whole.0, other.0);
        assert_eq!(whole.1.as_ref().map(|e| e.fault), other.1.as_ref().map(|e| e.fault));
    }
    for frame in &whole.0 {
        let Frame::Message(bytes) = frame else { continue };
        assert!(bytes.len() <= limits.head + 4 + limits.body);
        // Two readers that disagree about where a message ends let one peer speak for another.
        if let Ok(message) = Message::parse(bytes.clone()) {
            assert!(bytes.ends_with(message.body()) && message.bytes().len() == bytes.len());
        }
    }
    if let Some(error) = &whole.1 {
        let answer = error.answer(SocketAddr::from(([192, 0, 2, 9], 5070)), "t");
        assert!(answer.is_none_or(|answer| Message::parse(answer).is_ok()));
    }
}

fn cut<'a>(
    limits: FramingLimits,
    pongs: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Frame>, Option<FramingError>) {
    let (mut framer, mut frames) = (Framer::new(limits), Vec::new());
    (0..pongs).for_each(|_| framer.expect_pong());
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.poll() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        // A vector doubles, and keeps what was read until half of it is.
        let most = 4 * (limits.head + limits.body + piece.len()) + KEPT;
        assert!(framer.held_bytes() <= most, "{} of {most}", framer.held_bytes());
    }
    (frames, None)
}
