//! What list pages share: each needs one of a few slots for database reads, and explains
//! why a query can't be searched.

use crate::error::{Error, Kind, Result};
use std::time::Duration;

/// Maximum time to wait for a slot.
pub const LIST_PATIENCE: Duration = Duration::from_secs(5);
/// The message if no slot becomes free.
pub const LIST_BUSY: &str = "Your earlier searches are still running. Try again in a moment.";

/// An option of a filter.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

/// A filter of a list, as pages show it.
pub struct Chip {
    /// The word in the address.
    pub name: &'static str,
    pub label: &'static str,
    /// The chosen value, if it isn't the usual one.
    pub value: Option<String>,
    /// The list without this filter.
    pub without: Option<String>,
    pub choices: Vec<Link>,
    /// Where other values than the choices can be typed.
    pub typed: Option<Typed>,
}

impl Chip {
    /// A filter with its choices: value and label of each. `chosen` is the value in force,
    /// empty for the usual one; `address` is that of the list with this filter changed.
    pub fn new(
        name: &'static str,
        label: &'static str,
        chosen: &str,
        choices: &[(String, String)],
        address: impl Fn(&str) -> String,
    ) -> Self {
        let known = choices.iter().find(|(value, _)| value == chosen).map(|(_, label)| label.as_str());
        let value = (!chosen.is_empty()).then(|| known.unwrap_or(chosen).to_owned());
        let link = |(value, label): &(String, String)| Link {
            label: label.clone(),
            url: address(value),
            is_current: value == chosen,
        };
        let choices = choices.iter().map(link).collect();
        Self { name, label, without: value.as_ref().map(|_| address("")), value, choices, typed: None }
    }
}

/// The form of a filter: its address, and the other parts of the query.
pub struct Typed {
    pub path: String,
    pub others: Vec<(&'static str, String)>,
}

/// A choice of a filter.
pub struct Link {
    pub label: String,
    pub url: String,
    pub is_current: bool,
}

/// A page of a list, or an empty page and the reason why the query can't be searched.
pub fn or_reason<T: Default>(page: Result<T>) -> Result<(T, Option<Error>)> {
    match page {
        Ok(page) => Ok((page, None)),
        Err(error) if error.kind == Kind::Invalid => Ok((T::default(), Some(error))),
        Err(error) => Err(error),
    }
}
