//! What messages are matched to transactions by (RFC 3261 sections 17.1.3 and 17.2.3).
//!
//! The RFC compares words: a branch, a host and port, a method, and six of them where the peer is
//! old. Here the words are hashed once, and what is kept, compared and ordered is a number: a
//! transaction outlives its call by 32 seconds, so that most of what a busy engine holds in memory
//! are keys of calls that are over.
//!
//! Two different requests with one number would be taken for one. The hash is 128 bits of SHA-256,
//! so that does not happen by chance; and it begins with the endpoint's secret, so nobody outside
//! can look for such a pair.

use std::fmt::{self, Display, Write as _};

use sha2::{Digest, Sha256};

/// What a response is matched by (section 17.1.3): our branch and the method of its CSeq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey(u128);

/// What a request is matched by (section 17.2.3). An ACK has the method INVITE here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey(u128);

/// What two copies of one request, forked on the way, have in common (section 8.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MergeKey(u128);

/// Makes keys.
#[derive(Clone)]
pub struct Keys {
    /// Has taken in the secret, which fills one block of the hash.
    begun: Sha256,
}

impl Keys {
    /// Keys that only this secret makes.
    pub fn new(secret: [u8; 32]) -> Keys {
        let mut begun = Sha256::new();
        begun.update(secret);
        begun.update([0; 32]);
        Keys { begun }
    }

    /// The key of a request of ours, and of its responses.
    pub fn client(&self, branch: &str, method: &str) -> ClientKey {
        ClientKey(self.hash(&[&"client", &branch, &method]))
    }

    /// The key of a request whose branch begins with the magic cookie. `sent_by` is the host and
    /// port of the topmost Via, whose case does not matter.
    pub fn server(&self, branch: &str, sent_by: &dyn Display, method: &str) -> ServerKey {
        ServerKey(self.hash(&[&"server", &branch, &Lower(sent_by), &method]))
    }

    /// The key of a request of a peer of RFC 2543, whose branch proves nothing: Request-URI, tag of
    /// From, Call-ID, number of the CSeq and the topmost Via as written.
    pub fn old_server(
        &self,
        uri: &str,
        from_tag: &str,
        call_id: &str,
        cseq: u32,
        via: &dyn Display,
        method: &str,
    ) -> ServerKey {
        ServerKey(self.hash(&[&"old server", &uri, &from_tag, &call_id, &cseq, via, &method]))
    }

    /// The key of a request by which a copy of it is known that came another way.
    pub fn merge(&self, call_id: &str, from_tag: &str, cseq: u32, method: &str) -> MergeKey {
        MergeKey(self.hash(&[&"merge", &call_id, &from_tag, &cseq, &method]))
    }

    /// A To tag that a repeated request, and the ACK of its refusal, bring forth again (section
    /// 8.2.7), and that nobody else can guess.
    pub fn tag(&self, branch: &str, call_id: &str, from_tag: &str, cseq: u32) -> String {
        let hash = self.hash(&[&"tag", &branch, &call_id, &from_tag, &cseq]);
        format!("{:016x}", hash >> 64)
    }

    /// What a branch of ours says of whom the request is for (RFC 5393 section 4.2): 12 hexadecimal
    /// digits that nobody else can write.
    pub fn mark(&self, target: &str) -> String {
        let hash = self.hash(&[&"mark", &target]);
        format!("{:012x}", hash >> 80)
    }

    fn hash(&self, words: &[&dyn Display]) -> u128 {
        let mut into = Into(self.begun.clone());
        for word in words {
            // Hashing does not fail, and a Display that does leaves a shorter word.
            let _ = write!(into, "{word}");
            // No word contains this byte: they are UTF-8.
            into.0.update([0xff]);
        }
        let hash = into.0.finalize();
        hash.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

struct Into(Sha256);

impl fmt::Write for Into {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Words in lower case.
struct Lower<'a>(&'a dyn Display);

impl Display for Lower<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Lowering<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Lowering<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars().try_for_each(|c| self.0.write_char(c.to_ascii_lowercase()))
            }
        }
        write!(Lowering(f), "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new([7; 32])
    }

    #[test]
    fn what_the_rfc_compares_is_told_apart_and_the_case_of_a_host_is_not() {
        let keys = keys();
        let key = keys.server("z9hG4bK1", &"Phone.example:5060", "INVITE");
        assert_eq!(key, keys.server("z9hG4bK1", &"phone.EXAMPLE:5060", "INVITE"));
        for other in [
            keys.server("z9hG4bk1", &"phone.example:5060", "INVITE"),
            keys.server("z9hG4bK1", &"phone.example", "INVITE"),
            keys.server("z9hG4bK1", &"phone.example:5060", "CANCEL"),
            keys.server("z9hG4bK1phone.example:5060", &"", "INVITE"),
        ] {
            assert_ne!(key, other);
        }
        let old = |cseq| keys.old_server("sip:a@b", "t", "c", cseq, &"SIP/2.0/UDP p", "BYE");
        assert_eq!(old(7), old(7));
        assert_ne!(old(7), old(70));
        assert_ne!(keys.merge("a", "b", 1, "INVITE"), keys.merge("ab", "", 1, "INVITE"));
        assert_ne!(keys.client("z9hG4bK1", "BYE"), keys.client("z9hG4bK1", "CANCEL"));
    }

    #[test]
    fn only_the_secret_makes_the_key() {
        let other = Keys::new([8; 32]);
        assert_ne!(keys().client("z9hG4bK1", "BYE"), other.client("z9hG4bK1", "BYE"));
        let tag = keys().tag("z9hG4bK1", "call", "from", 1);
        assert_eq!(tag.len(), 16);
        assert_eq!(tag, keys().tag("z9hG4bK1", "call", "from", 1));
        assert_ne!(tag, other.tag("z9hG4bK1", "call", "from", 1));
        assert!(!format!("{:?}", keys()).contains('7'));
    }
}
