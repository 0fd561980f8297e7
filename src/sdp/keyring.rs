//! What a leg says about keys over its life: which it offers, which it answers with, and which are
//! agreed on (RFC 4568 section 7).

use std::fmt;

use zeroize::Zeroize;

use super::SdpError;
use super::crypto::Crypto;
use super::description::{Profile, Stream};
use super::formats::Codecs;
use crate::id::Entropy;
use crate::media::command::{Encryption, MasterKey, SrtpKeys, Suite};

/// What we offer, the strongest first. The short tag is not among them: who has it has the long one.
const OFFERED: [Suite; 3] =
    [Suite::AeadAes256Gcm, Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80];

/// On what terms a peer's audio is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// What the settings say.
    pub encryption: Encryption,
    /// Whether the signalling with the peer is encrypted. Descriptions carry keys: where everybody
    /// can read them, we send keys only to whoever sent some, or must.
    pub private: bool,
    /// What may be spoken.
    pub codecs: Codecs,
}

/// A leg's keys.
#[derive(Debug, Clone)]
pub struct Keyring {
    terms: Terms,
    source: Source,
    /// Ours, in the offer that we made last.
    offered: Vec<Crypto>,
    agreed: Option<Agreed>,
}

/// What was agreed on last.
#[derive(Debug, Clone)]
struct Agreed {
    profile: Profile,
    tag: u32,
    keys: Box<SrtpKeys>,
}

impl Keyring {
    /// No keys yet.
    pub fn new(terms: Terms, entropy: &mut Entropy) -> Self {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        Keyring { terms, source: Source(seed), offered: Vec::new(), agreed: None }
    }

    /// What may be spoken.
    pub(super) fn codecs(&self) -> Codecs {
        self.terms.codecs
    }

    /// What our next offer says. Keys that are in use go on being used: another offer is no reason
    /// for others.
    pub(super) fn offer(&mut self) -> (Profile, &[Crypto]) {
        let Terms { encryption, private, codecs: _ } = self.terms;
        let (profile, offered) = match (&self.agreed, encryption) {
            (Some(Agreed { profile, tag, keys }), _) => {
                (*profile, vec![Crypto { tag: *tag, key: keys.send.clone(), mki: None }])
            }
            (None, Encryption::Required) => (Profile::Secure, self.source.draw_offer()),
            // Phones that cannot do it read over the attribute (RFC 8643).
            (None, Encryption::Optional) if private => (Profile::Plain, self.source.draw_offer()),
            (None, Encryption::Optional | Encryption::Off) => (Profile::Plain, Vec::new()),
        };
        self.offered = offered;
        (profile, &self.offered)
    }

    /// Takes the peer's key, and returns ours for the answer. Ours is another than before only if the
    /// peer's is: both sides then begin to count afresh at the same time.
    pub(super) fn answer(&mut self, profile: Profile, theirs: Option<&Crypto>) -> Option<Crypto> {
        self.offered.clear();
        let Some(theirs) = theirs else {
            self.agreed = None;
            return None;
        };
        let kept = self.agreed.take().filter(|agreed| agreed.is_with(theirs));
        let send = match kept {
            Some(agreed) => agreed.keys.send,
            None => self.source.draw(theirs.key.suite()),
        };
        let ours = Crypto { tag: theirs.tag, key: send, mki: None };
        self.agree(profile, &ours, theirs);
        Some(ours)
    }

    /// Takes the peer's answer to our offer; forks of a call may answer one after the other.
    pub(super) fn answered(&mut self, profile: Profile, theirs: Option<&Crypto>) {
        self.agreed = None;
        if let Some(theirs) = theirs
            && let Some(ours) =
                self.offered.iter().find(|ours| ours.is_answered_by(theirs)).cloned()
        {
            self.agree(profile, &ours, theirs);
        }
    }

    fn agree(&mut self, profile: Profile, ours: &Crypto, theirs: &Crypto) {
        let keys = SrtpKeys {
            send: ours.key.clone(),
            receive: theirs.key.clone(),
            receive_mki: theirs.mki,
        };
        self.agreed = Some(Agreed { profile, tag: ours.tag, keys: Box::new(keys) });
    }

    /// The keys in use, if audio is encrypted.
    pub(super) fn keys(&self) -> Option<Box<SrtpKeys>> {
        self.agreed.as_ref().map(|agreed| agreed.keys.clone())
    }

    /// The key of an offered stream that we answer: the one in use, or the strongest.
    pub(super) fn choose<'a>(&self, stream: &'a Stream) -> Result<Option<&'a Crypto>, SdpError> {
        let in_use = |theirs: &&Crypto| self.agreed.as_ref().is_some_and(|a| a.is_with(theirs));
        match stream.cryptos.iter().find(in_use) {
            Some(theirs) => Ok(Some(theirs)),
            None => choose(self.terms.encryption, stream),
        }
    }

    /// The key of the stream that answers our offer. Some answer under the other profile's name: the
    /// key says what they mean.
    pub(super) fn choose_answer<'a>(
        &self,
        stream: &'a Stream,
    ) -> Result<Option<&'a Crypto>, SdpError> {
        let answers =
            |theirs: &&Crypto| self.offered.iter().any(|ours| ours.is_answered_by(theirs));
        match (stream.cryptos.iter().find(answers), stream.profile()) {
            (Some(theirs), _) => Ok(Some(theirs)),
            (None, Some(Profile::Secure)) => Err(SdpError::NoCommonEncryption),
            (None, _) => match self.terms.encryption {
                Encryption::Required => Err(SdpError::NotEncrypted),
                Encryption::Optional | Encryption::Off => Ok(None),
            },
        }
    }
}

/// The key of an offered stream that a leg on these terms would answer; none if audio stays plain.
pub(super) fn choose(encryption: Encryption, stream: &Stream) -> Result<Option<&Crypto>, SdpError> {
    let strongest = match encryption {
        Encryption::Off => None,
        Encryption::Optional | Encryption::Required => {
            stream.cryptos.iter().min_by_key(|crypto| crypto.key.suite())
        }
    };
    match (strongest, stream.profile(), encryption) {
        (Some(theirs), _, _) => Ok(Some(theirs)),
        (None, Some(Profile::Secure), _) => Err(SdpError::NoCommonEncryption),
        (None, _, Encryption::Required) => Err(SdpError::NotEncrypted),
        (None, _, Encryption::Optional | Encryption::Off) => Ok(None),
    }
}

impl Agreed {
    /// Whether the peer's key is still this.
    fn is_with(&self, theirs: &Crypto) -> bool {
        self.keys.receive == theirs.key && self.keys.receive_mki == theirs.mki
    }
}

/// Where a leg's keys come from: a seed that is replaced with each draw, so that what a leg keeps
/// tells nothing of keys that it had.
#[derive(Clone)]
struct Source([u8; 32]);

impl Source {
    fn next(&mut self) -> Entropy {
        let mut entropy = Entropy::from_seed(self.0);
        entropy.fill(&mut self.0);
        entropy
    }

    fn draw(&mut self, suite: Suite) -> MasterKey {
        MasterKey::draw(suite, &mut self.next())
    }

    fn draw_offer(&mut self) -> Vec<Crypto> {
        let mut entropy = self.next();
        let key = |suite| MasterKey::draw(suite, &mut entropy);
        let keys = OFFERED.map(key);
        (1..).zip(keys).map(|(tag, key)| Crypto { tag, key, mki: None }).collect()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
