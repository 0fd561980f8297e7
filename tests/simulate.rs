//! `switchboard simulate` held against what is known without it: a plain reference that knows the rules
//! and shares no code, and closed forms.

#[path = "simulate/closed_form.rs"]
mod closed_form;
#[path = "simulate/histories.rs"]
mod histories;
#[path = "simulate/reference.rs"]
mod reference;
