//! Who asks: bearer tokens (RFC 6750), kept as SHA-256 and compared in constant time.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::settings::{Role, TokenSettings};
use crate::id::AgentId;

use super::problem::Problem;

/// A token of the settings, checked. The token itself is known to its holder only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    actor: Arc<str>,
    role: Role,
    agent: Option<AgentId>,
    sha256: [u8; 32],
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("actor", &self.actor)
            .field("role", &self.role)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

/// Why a token of the settings cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not 64 hexadecimal digits.
    #[error("`sha256` is not 64 hexadecimal digits; make it with: printf %s TOKEN | sha256sum")]
    NotSha256,
    /// An agent's token that does not say whose it is.
    #[error("a token with the role `agent` needs `agent`: whose state it may change")]
    NoAgent,
    /// The journal must be able to say who did it.
    #[error("`actor` is empty: the journal names the actor with each change")]
    NoActor,
}

impl TryFrom<&TokenSettings> for Token {
    type Error = TokenError;
    fn try_from(settings: &TokenSettings) -> Result<Self, TokenError> {
        if settings.actor.trim().is_empty() {
            return Err(TokenError::NoActor);
        }
        if settings.role == Role::Agent && settings.agent.is_none() {
            return Err(TokenError::NoAgent);
        }
        Ok(Token {
            actor: Arc::from(settings.actor.as_str()),
            role: settings.role,
            agent: settings.agent.clone(),
            sha256: from_hex(settings.sha256.reveal()).ok_or(TokenError::NotSha256)?,
        })
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

/// Somebody who showed a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actor {
    /// For the journal.
    pub name: Arc<str>,
    role: Role,
    agent: Option<AgentId>,
}

/// In which capacity an actor may change an agent's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capacity {
    /// It is their own.
    Own,
    /// They watch over it.
    Supervisor,
}

impl Actor {
    /// Whether the actor may see and change this agent, and as what.
    pub(super) fn over(&self, agent: &AgentId) -> Result<Capacity, Problem> {
        match self.role {
            Role::Agent if self.agent.as_ref() == Some(agent) => Ok(Capacity::Own),
            Role::Agent => Err(Problem::NotYours),
            Role::Supervisor if self.agent.as_ref() == Some(agent) => Ok(Capacity::Own),
            Role::Supervisor => Ok(Capacity::Supervisor),
        }
    }

    /// The agent whose calls only the actor may hand on; none for supervisors, who may any.
    pub(super) fn only_over(&self) -> Option<&AgentId> {
        match self.role {
            Role::Agent => self.agent.as_ref(),
            Role::Supervisor => None,
        }
    }

    /// Only supervisors pass.
    pub(super) fn supervises(&self) -> Result<(), Problem> {
        match self.role {
            Role::Supervisor => Ok(()),
            Role::Agent => Err(Problem::SupervisorsOnly),
        }
    }
}

/// The actor that the request's `Authorization` proves.
pub(super) fn actor(tokens: &[Token], headers: &HeaderMap) -> Result<Actor, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::NoToken);
    };
    let shown = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(Problem::NoToken)?;
    let digest = Sha256::digest(shown.as_bytes());
    // Every token is compared in full, so that the time taken tells nothing of which came close.
    tokens
        .iter()
        .fold(None, |found, token| {
            if bool::from(token.sha256.ct_eq(digest.as_slice())) { Some(token) } else { found }
        })
        .map(|token| Actor {
            name: Arc::clone(&token.actor),
            role: token.role,
            agent: token.agent.clone(),
        })
        .ok_or(Problem::BadToken)
}
