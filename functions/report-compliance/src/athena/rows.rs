//! The rows of a query, page by page, in the order of accounts.

use std::collections::BTreeMap;

use banto_domain::AccountId;
use banto_ports::{ErrorKind, PortError, QueryEngine};

pub(super) const CALL: &str = "athena:GetQueryResults";

/// The values of a row by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row(BTreeMap<String, String>);

/// The rows of an execution, of which one page is in memory at a time.
#[derive(Debug)]
pub(super) struct Rows {
    id: String,
    page: std::vec::IntoIter<BTreeMap<String, String>>,
    /// The row that belongs to an account after the last one.
    ahead: Option<(AccountId, Row)>,
    next: Next,
}

/// The place of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    First,
    After(String),
    None,
}

impl Row {
    /// Returns a column's value; one that is NULL has none.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// Returns a column's value, which the query always has.
    pub(super) fn need(&self, column: &str) -> Result<&str, PortError> {
        self.get(column)
            .ok_or_else(|| unreadable(&format!("a row lacks {column}")))
    }

    /// Returns a column's value of a type.
    pub(super) fn parsed<T: std::str::FromStr>(&self, column: &str) -> Result<T, PortError> {
        let value = self.need(column)?;
        let parsed = value.parse();
        parsed.map_err(|_| unreadable(&format!("a row has {value:?} for {column}")))
    }
}

impl Rows {
    pub(super) fn of(id: String) -> Self {
        Self {
            id,
            page: Vec::new().into_iter(),
            ahead: None,
            next: Next::First,
        }
    }

    /// Begins at the first row again, which costs nothing but the call.
    pub(super) fn rewind(&mut self) {
        *self = Self::of(std::mem::take(&mut self.id));
    }

    /// Returns the next row and its account.
    pub(super) async fn next(
        &mut self,
        queries: &dyn QueryEngine,
    ) -> Result<Option<(AccountId, Row)>, PortError> {
        if self.ahead.is_some() {
            return Ok(self.ahead.take());
        }
        loop {
            if let Some(row) = self.page.next() {
                let row = Row(row);
                return Ok(Some((row.parsed("account")?, row)));
            }
            let after = match &self.next {
                Next::First => None,
                Next::After(token) => Some(token.clone()),
                Next::None => return Ok(None),
            };
            let page = queries.rows(&self.id, after).await?;
            self.page = page.rows.into_iter();
            self.next = page.next.map_or(Next::None, Next::After);
        }
    }

    /// Returns the next row if it is an account's. Rows of accounts before it, which nobody reads,
    /// are passed over.
    pub(super) async fn next_of(
        &mut self,
        account: &AccountId,
        queries: &dyn QueryEngine,
    ) -> Result<Option<Row>, PortError> {
        while let Some((of, row)) = self.next(queries).await? {
            if of == *account {
                return Ok(Some(row));
            }
            if of > *account {
                self.ahead = Some((of, row));
                break;
            }
        }
        Ok(None)
    }
}

/// An answer that is not as the query makes it.
pub(super) fn unreadable(what: &str) -> PortError {
    PortError::new(ErrorKind::Unavailable, CALL, what)
}
