//! G.711: mu-law and A-law, to and from 16-bit linear, and from one to the other.

/// One of the two laws: a byte is a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// North America's and Japan's.
    Mu,
    /// Everybody else's.
    A,
}

impl Law {
    /// The byte that is silence: zero of the law.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xff,
            Law::A => 0xd5,
        }
    }

    /// One sample, encoded.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_ulaw(sample),
            Law::A => encode_alaw(sample),
        }
    }

    /// One byte, decoded.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Law::Mu => decode_ulaw(byte),
            Law::A => decode_alaw(byte),
        }
    }

    /// The table that turns this law's bytes into the other's; none if they are the same.
    pub fn table_to(self, other: Law) -> Option<&'static [u8; 256]> {
        match (self, other) {
            (Law::Mu, Law::A) => Some(&ULAW_TO_ALAW),
            (Law::A, Law::Mu) => Some(&ALAW_TO_ULAW),
            (Law::Mu, Law::Mu) | (Law::A, Law::A) => None,
        }
    }
}

/// mu-law to 16-bit linear.
static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = expand_ulaw(byte as u8);
        byte += 1;
    }
    table
};

/// A-law to 16-bit linear.
static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = expand_alaw(byte as u8);
        byte += 1;
    }
    table
};

/// mu-law bytes as A-law bytes.
pub static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = encode_alaw(expand_ulaw(byte as u8));
        byte += 1;
    }
    table
};

/// A-law bytes as mu-law bytes.
pub static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = encode_ulaw(expand_alaw(byte as u8));
        byte += 1;
    }
    table
};

/// Decodes one mu-law byte.
pub fn decode_ulaw(byte: u8) -> i16 {
    ULAW[byte as usize]
}

/// Decodes one A-law byte.
pub fn decode_alaw(byte: u8) -> i16 {
    ALAW[byte as usize]
}

/// Encodes one sample as mu-law: eight segments over a bias of 33 (132 in 16 bits), bits inverted.
pub const fn encode_ulaw(sample: i16) -> u8 {
    let magnitude = (sample as i32).unsigned_abs();
    let biased = if magnitude > 32_635 { 32_767 } else { magnitude + 132 };
    let segment = 24 - biased.leading_zeros();
    let step = (biased >> (segment + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) | step) as u8
}

/// Encodes one sample as A-law: linear up to 2^9 in 16 bits, then seven segments, every other bit
/// inverted.
pub const fn encode_alaw(sample: i16) -> u8 {
    // One's complement for negative samples, so that -1 is as near to zero as 0.
    let (sign, magnitude) =
        if sample >= 0 { (0x80, sample as u32) } else { (0, !(sample as i32) as u32) };
    let coded = if magnitude < 256 {
        magnitude >> 4
    } else {
        let segment = 24 - magnitude.leading_zeros();
        (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)
    };
    (sign | coded) as u8 ^ 0x55
}

const fn expand_ulaw(byte: u8) -> i16 {
    let bits = !byte;
    let segment = (bits >> 4) & 0x07;
    let magnitude = (((((bits & 0x0f) as i32) << 3) + 132) << segment) - 132;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

const fn expand_alaw(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let segment = (bits >> 4) & 0x07;
    let step = ((bits & 0x0f) as i32) << 4;
    let magnitude = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    (if bits & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_the_recommendation_are_met() {
        // G.711 tables 2a and 1a, scaled to 16 bits.
        for (byte, linear) in [(0x80, 32_124), (0x00, -32_124), (0xff, 0), (0x7f, 0), (0xf0, 120)] {
            assert_eq!(decode_ulaw(byte), linear, "{byte:02x}");
        }
        for (byte, linear) in
            [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0x80, 5_504)]
        {
            assert_eq!(decode_alaw(byte), linear, "{byte:02x}");
        }
        assert_eq!(Law::Mu.encode(0), Law::Mu.silence());
        assert_eq!(Law::A.encode(0), Law::A.silence());
    }

    #[test]
    fn every_byte_survives_decoding_and_encoding() {
        for byte in 0..=255u8 {
            // mu-law has two zeros; the negative one becomes the positive one.
            let expected = if byte == 0x7f { 0xff } else { byte };
            assert_eq!(encode_ulaw(decode_ulaw(byte)), expected);
            assert_eq!(encode_alaw(decode_alaw(byte)), byte);
        }
    }

    #[test]
    fn every_sample_is_off_by_no_more_than_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let step = (magnitude / 16).max(16);
            for law in [Law::Mu, Law::A] {
                let error = (i32::from(law.decode(law.encode(sample))) - i32::from(sample)).abs();
                assert!(error <= step.min(1_024), "{law:?} {sample} off by {error}");
            }
        }
    }

    #[test]
    fn one_law_to_the_other_and_back_stays_within_a_step() {
        for byte in 0..=255u8 {
            let there = ULAW_TO_ALAW[usize::from(byte)];
            let linear = i32::from(decode_ulaw(byte));
            let error = (i32::from(decode_alaw(there)) - linear).abs();
            assert!(error <= (linear.abs() / 16).max(16), "{byte:02x} off by {error}");
        }
        assert_eq!(ULAW_TO_ALAW[usize::from(Law::Mu.silence())], Law::A.silence());
        let silence = decode_ulaw(ALAW_TO_ULAW[usize::from(Law::A.silence())]);
        assert!(silence.abs() <= 8, "{silence}");
    }
}
