//! Reading rows: what is not as this program writes it is [`StoreError::Corrupt`], never a panic.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use crate::domain::id::Id;
use crate::domain::state::State;

/// A row and the name of the transaction that read it.
pub(super) struct Row {
    name: &'static str,
    inner: AnyRow,
}

impl Row {
    pub(super) fn new(name: &'static str, inner: AnyRow) -> Row {
        Row { name, inner }
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.inner.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub(super) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.inner.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub(super) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.inner.try_get(column).map_err(|_| self.corrupt(column))
    }

    pub(super) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn count_or_null(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        let number: Option<i64> = self
            .inner
            .try_get(column)
            .map_err(|_| self.corrupt(column))?;
        number
            .map(|number| u64::try_from(number).map_err(|_| self.corrupt(column)))
            .transpose()
    }

    pub(super) fn id(&self, column: &'static str) -> Result<Id, StoreError> {
        Id::parse(&self.text(column)?).ok_or(self.corrupt(column))
    }

    pub(super) fn id_or_null(&self, column: &'static str) -> Result<Option<Id>, StoreError> {
        self.text_or_null(column)?
            .map(|text| Id::parse(&text).ok_or(self.corrupt(column)))
            .transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.int(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn time_or_null(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let number: Option<i64> = self
            .inner
            .try_get(column)
            .map_err(|_| self.corrupt(column))?;
        number
            .map(|number| Timestamp::from_millisecond(number).map_err(|_| self.corrupt(column)))
            .transpose()
    }

    pub(super) fn day(&self, column: &'static str) -> Result<Date, StoreError> {
        self.text(column)?.parse().map_err(|_| self.corrupt(column))
    }

    pub(super) fn state<S: State>(&self, column: &'static str) -> Result<S, StoreError> {
        S::parse(&self.text(column)?).ok_or(self.corrupt(column))
    }

    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt {
            name: self.name,
            column,
        }
    }
}

/// A count as the database keeps it. What does not fit is refused by the database's own checks:
/// lengths and counts of this program are far below 2^63.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
