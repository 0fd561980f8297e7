//! What messages are matched to transactions by (RFC 3261 sections 17.1.3 and 17.2.3).

/// What a response is matched by (section 17.1.3): our branch and the method of its CSeq.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// The branch of the topmost Via.
    pub branch: String,
    /// The method of the CSeq.
    pub method: &'static str,
}

/// What a request is matched by (section 17.2.3). An ACK has the method INVITE here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerKey {
    /// The branch begins with the magic cookie.
    Branch {
        /// The branch of the topmost Via.
        branch: String,
        /// Its sent-by, host and port as written, in lower case.
        sent_by: String,
        /// The method.
        method: String,
    },
    /// A peer of RFC 2543, whose branch proves nothing.
    Old {
        /// The Request-URI.
        uri: String,
        /// The tag of From.
        from_tag: String,
        /// The Call-ID.
        call_id: String,
        /// The number of the CSeq.
        cseq: u32,
        /// The topmost Via as written.
        via: String,
        /// The method.
        method: String,
    },
}

impl ServerKey {
    /// The key of the INVITE that a CANCEL means (section 9.2).
    pub fn cancelled(&self) -> ServerKey {
        let mut key = self.clone();
        match &mut key {
            ServerKey::Branch { method, .. } | ServerKey::Old { method, .. } => {
                "INVITE".clone_into(method);
            }
        }
        key
    }
}
