//! Folds over the journal: every figure that anybody sees.

pub mod live;
