//! The credential report: made on demand, kept for four hours, however stale it gets.

use banto_domain::UserName;
use banto_ports::{ErrorKind, PortError, ReportState};
use jiff::{SignedDuration, Timestamp};

use crate::iam::{Key, User};
use crate::world::ACCOUNT;

/// Time for which IAM answers with the same report. (IAM user guide, "Get credential reports".)
const KEPT: SignedDuration = SignedDuration::from_hours(4);

/// The shape of the report, and the time that IAM takes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportShape {
    /// The number of times that IAM says that it is not ready.
    pub polls: usize,
    /// True if the 23rd column is there, and the columns are in another order.
    pub other_columns: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) shape: ReportShape,
    made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    at: Timestamp,
    polls_left: usize,
    csv: Vec<u8>,
}

impl Default for ReportShape {
    fn default() -> Self {
        Self {
            polls: 1,
            other_columns: false,
        }
    }
}

impl Report {
    pub(crate) fn request<'a>(
        &mut self,
        users: impl Iterator<Item = (&'a UserName, &'a User)>,
        now: Timestamp,
    ) -> ReportState {
        match &self.made {
            Some(made) if now.duration_since(made.at) < KEPT => {
                if made.polls_left == 0 {
                    ReportState::Complete
                } else {
                    ReportState::InProgress
                }
            }
            _ => {
                let csv = csv(users, self.shape.other_columns).into_bytes();
                self.made = Some(Made {
                    at: now,
                    polls_left: self.shape.polls.saturating_sub(1),
                    csv,
                });
                ReportState::InProgress
            }
        }
    }

    pub(crate) fn get(&mut self, now: Timestamp) -> Result<Vec<u8>, PortError> {
        let error = |kind, code: &str| Err(PortError::new(kind, "iam:GetCredentialReport", code));
        match &mut self.made {
            None => error(ErrorKind::Missing, "ReportNotPresent"),
            Some(made) if now.duration_since(made.at) >= KEPT => {
                error(ErrorKind::Missing, "ReportExpired")
            }
            Some(made) if made.polls_left > 0 => {
                made.polls_left -= 1;
                error(ErrorKind::NotReady, "ReportInProgress")
            }
            Some(made) => Ok(made.csv.clone()),
        }
    }
}

fn csv<'a>(users: impl Iterator<Item = (&'a UserName, &'a User)>, other_columns: bool) -> String {
    let root = [
        "<root_account>",
        "arn:aws:iam::111122223333:root",
        "2020-01-01T00:00:00+00:00",
        "not_supported",
        "no_information",
        "not_supported",
        "not_supported",
        "true",
        "false",
        "N/A",
        "N/A",
        "N/A",
        "N/A",
        "false",
        "N/A",
        "N/A",
        "N/A",
        "N/A",
        "false",
        "N/A",
        "false",
        "N/A",
    ];
    let header = [
        "user",
        "arn",
        "user_creation_time",
        "password_enabled",
        "password_last_used",
        "password_last_changed",
        "password_next_rotation",
        "mfa_active",
        "access_key_1_active",
        "access_key_1_last_rotated",
        "access_key_1_last_used_date",
        "access_key_1_last_used_region",
        "access_key_1_last_used_service",
        "access_key_2_active",
        "access_key_2_last_rotated",
        "access_key_2_last_used_date",
        "access_key_2_last_used_region",
        "access_key_2_last_used_service",
        "cert_1_active",
        "cert_1_last_rotated",
        "cert_2_active",
        "cert_2_last_rotated",
    ];
    let mut rows: Vec<Vec<String>> = vec![
        header.map(str::to_owned).to_vec(),
        root.map(str::to_owned).to_vec(),
    ];
    rows.extend(users.map(|(name, user)| row(name, user)));
    for (index, row) in rows.iter_mut().enumerate().filter(|_| other_columns) {
        row.push(
            if index == 0 {
                "additional_credentials_info"
            } else {
                ""
            }
            .to_owned(),
        );
        row.reverse();
    }
    rows.iter()
        .map(|row| row.join(","))
        .collect::<Vec<_>>()
        .join("\n")
}

fn row(name: &UserName, user: &User) -> Vec<String> {
    let mut keys: Vec<&Key> = user.keys.iter().collect();
    // IAM's order is by id, not by age.
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    let arn = format!("arn:aws:iam::{ACCOUNT}:user{}{name}", user.path);
    let head = [
        name.as_str(),
        arn.as_str(),
        "2020-01-01T00:00:00+00:00",
        "false",
        "N/A",
        "N/A",
        "N/A",
        "false",
    ];
    let mut row: Vec<String> = head.map(str::to_owned).to_vec();
    row.extend(slot(keys.first().copied()));
    row.extend(slot(keys.get(1).copied()));
    row.extend(["false", "N/A", "false", "N/A"].map(str::to_owned));
    row
}

fn slot(key: Option<&Key>) -> [String; 5] {
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let Some(key) = key else {
        return ["false", "N/A", "N/A", "N/A", "N/A"].map(str::to_owned);
    };
    let used = key.used.as_ref();
    [
        key.active.to_string(),
        time(key.changed_at),
        used.map_or("N/A".to_owned(), |used| time(used.at)),
        used.map_or("N/A".to_owned(), |used| used.region.clone()),
        used.map_or("N/A".to_owned(), |used| used.service.clone()),
    ]
}
