//! Tags and the organizational unit of an account, changed on request only: the baseline does not speak of
//! them, and no event or schedule touches them.

use std::collections::BTreeMap;

use banto_domain::OuId;
use banto_ports::{ErrorKind, OrgAccount, Organization, PortError, path_of};

/// What is asked of accounts besides their baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountEdits {
    /// Tags that they are to have; others stay.
    pub tags: BTreeMap<String, String>,
    /// The root or unit that they are to be in.
    pub ou: Option<OuId>,
}

/// One change of an account's tags or place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Write tags.
    Tag(BTreeMap<String, String>),
    /// Move to another root or unit.
    Move {
        /// Where it is.
        from: OuId,
        /// Where it is to be.
        to: OuId,
    },
}

impl AccountEdits {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.ou.is_none()
    }

    /// What is to be changed of an account that has these tags and is in these units, the root first.
    pub fn changes(&self, tags: &BTreeMap<String, String>, path: &[OuId]) -> Vec<Change> {
        let differing = self
            .tags
            .iter()
            .filter(|(key, value)| tags.get(*key) != Some(value));
        let differing: BTreeMap<String, String> = differing
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut changes = Vec::new();
        if !differing.is_empty() {
            changes.push(Change::Tag(differing));
        }
        if let (Some(to), Some(from)) = (&self.ou, path.last())
            && from != to
        {
            changes.push(Change::Move {
                from: from.clone(),
                to: to.clone(),
            });
        }
        changes
    }

    /// Looks at an account, and says what is to be changed of it.
    pub(crate) async fn look(
        &self,
        organization: &dyn Organization,
        account: &OrgAccount,
    ) -> Result<Vec<Change>, PortError> {
        let tags = if self.tags.is_empty() {
            BTreeMap::new()
        } else {
            organization.tags(&account.id).await?
        };
        let path = match &self.ou {
            Some(_) => path_of(organization, account).await?,
            None => account.path.clone(),
        };
        Ok(self.changes(&tags, &path))
    }
}

impl Change {
    /// Makes the change.
    pub(crate) async fn make(
        &self,
        organization: &dyn Organization,
        account: &OrgAccount,
    ) -> Result<(), PortError> {
        match self {
            Self::Tag(tags) => organization.tag(&account.id, tags).await,
            Self::Move { from, to } => match organization.move_to(&account.id, from, to).await {
                // Somebody was faster, which is as well.
                Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
                moved => moved,
            },
        }
    }

    /// The change in a line, as a diff has it.
    pub fn line(&self) -> String {
        match self {
            Self::Tag(tags) => {
                let tags: Vec<String> = tags
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect();
                format!("~ tags: {}", tags.join(", "))
            }
            Self::Move { from, to } => format!("~ unit: {from} → {to}"),
        }
    }
}
