//! The principals that a record's secret is for.

use std::fmt;

use crate::{RoleArn, UserArn};

/// The version of the resource policy that names the readers. It is raised whenever the policy's
/// statements change, so that records which have the earlier one are protected anew: version 1,
/// which was not named, let any role of the account write.
const VERSION: &str = "v2";

/// The principals that may read the secret by its resource policy. All but the owner may write it,
/// too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readers {
    /// The user whose record it is.
    pub owner: UserArn,
    /// Banto's role.
    pub role: RoleArn,
    /// The role for days on which nothing else works, if the policy names one.
    pub break_glass: Option<RoleArn>,
}

impl Readers {
    /// The roles that may write.
    pub fn writers(&self) -> Vec<&RoleArn> {
        let mut writers = vec![&self.role];
        writers.extend(&self.break_glass);
        writers
    }
}

/// The version of the resource policy and the ARNs, as a record has them; the owner's ARN is the
/// first.
impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION} {} {}", self.owner, self.role)?;
        match &self.break_glass {
            Some(role) => write!(f, " {role}"),
            None => Ok(()),
        }
    }
}
