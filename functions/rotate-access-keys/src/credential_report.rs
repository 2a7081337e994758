//! IAM's credential report: one look at every user, up to four hours old.
//!
//! It decides only who gets a closer look. It shows neither key ids nor when a key was created
//! (`last_rotated` also moves when a key is re-activated), so nothing is done on its word alone.

use banto_domain::UserName;
use jiff::{SignedDuration, Timestamp};

/// Most rows that are read: IAM allows 5,000 users an account, and the report adds the root row. A
/// longer file is no credential report, and reading it could use up the memory.
const MAX_ROWS: usize = 5_001;

/// One user in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The user.
    pub user: UserName,
    /// The user's path, as the ARN shows it; `/` if it can't be told.
    pub path: String,
    /// The two places that a key can take.
    pub slots: [Slot; 2],
}

/// One place that a key can take, as the report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// There is no key.
    Empty,
    /// An inactive key.
    Inactive,
    /// An active key that was created or re-activated then.
    Active(Timestamp),
    /// The report says something that we don't understand.
    Unknown,
}

/// A report that can't be read, and where it went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the credential report can't be read: {0}")]
pub struct ReportError(String);

/// The positions of the columns that matter, whatever their order and number.
struct Columns {
    width: usize,
    user: usize,
    arn: Option<usize>,
    active: [usize; 2],
    rotated: [usize; 2],
}

/// Reads the report. Its columns are found by name, so that more, fewer or others do no harm.
/// (IAM user guide, "Understanding the report format".)
pub fn parse(report: &[u8]) -> Result<Vec<Row>, ReportError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(report);
    let columns = Columns::find(reader.headers().map_err(describe)?)?;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        if index >= MAX_ROWS {
            return Err(ReportError(format!("it has more than {MAX_ROWS} rows")));
        }
        let record = record.map_err(describe)?;
        let whole = columns.whole(&record).ok_or_else(|| torn(&record))?;
        rows.extend(columns.read(&whole)?);
    }
    Ok(rows)
}

impl Row {
    /// True if the user needs a closer look: a key that nears its end, a second key (a rotation may
    /// be in progress), a disabled key (it may be ours to delete), or anything unknown.
    pub fn needs_a_look(&self, earliest_warning: SignedDuration, now: Timestamp) -> bool {
        match self.slots {
            [Slot::Empty, Slot::Empty] => false,
            [Slot::Active(rotated), Slot::Empty] | [Slot::Empty, Slot::Active(rotated)] => {
                now.duration_since(rotated) >= earliest_warning
            }
            _ => true,
        }
    }

    /// The date at which the oldest active key was created or re-activated.
    pub fn oldest_active(&self) -> Option<Timestamp> {
        let active = self.slots.iter().filter_map(|slot| match slot {
            Slot::Active(rotated) => Some(*rotated),
            Slot::Empty | Slot::Inactive | Slot::Unknown => None,
        });
        active.min()
    }
}

impl Columns {
    fn find(headers: &csv::StringRecord) -> Result<Self, ReportError> {
        Ok(Self {
            width: headers.len(),
            user: position(headers, "user")?,
            arn: position(headers, "arn").ok(),
            active: [
                position(headers, "access_key_1_active")?,
                position(headers, "access_key_2_active")?,
            ],
            rotated: [
                position(headers, "access_key_1_last_rotated")?,
                position(headers, "access_key_2_last_rotated")?,
            ],
        })
    }

    /// Returns a row of the header's width; `None` if there is none.
    ///
    /// A user's name and path may hold commas, and nothing says that the report puts such cells in
    /// quotes. One user's name must not keep all others from being looked at.
    fn whole(&self, record: &csv::StringRecord) -> Option<csv::StringRecord> {
        let surplus = record.len().checked_sub(self.width)?;
        if surplus == 0 {
            return Some(record.clone());
        }
        if (self.user, self.arn) != (0, Some(1)) {
            return None;
        }
        let cells: Vec<&str> = record.iter().collect();
        // No name holds a colon.
        let start = cells.iter().position(|cell| cell.starts_with("arn:"))?;
        let (name, rest) = cells.split_at_checked(start)?;
        let (arn, rest) = rest.split_at_checked((surplus + 2).checked_sub(start)?)?;
        let (name, arn) = (name.join(","), arn.join(","));
        let fits = arn.ends_with(&format!("/{name}"));
        let mut whole = csv::StringRecord::from(vec![name, arn]);
        whole.extend(rest);
        fits.then_some(whole)
    }

    /// Reads one row; `None` for the root user, whose keys IAM's calls for users don't reach.
    fn read(&self, record: &csv::StringRecord) -> Result<Option<Row>, ReportError> {
        let user = cell(record, self.user);
        if user == "<root_account>" {
            return Ok(None);
        }
        let user = user
            .parse()
            .map_err(|error| ReportError(format!("{error}")))?;
        let ([active_1, active_2], [rotated_1, rotated_2]) = (self.active, self.rotated);
        Ok(Some(Row {
            user,
            path: path_of(self.arn.map(|arn| cell(record, arn)).unwrap_or_default()),
            slots: [
                Slot::read(cell(record, active_1), cell(record, rotated_1)),
                Slot::read(cell(record, active_2), cell(record, rotated_2)),
            ],
        }))
    }
}

/// The path in a user's ARN: `/developers/` of `arn:aws:iam::111122223333:user/developers/alice`.
fn path_of(arn: &str) -> String {
    let after = arn.split_once(":user").map(|(_, path)| path);
    let path = after.and_then(|path| path.rsplit_once('/'));
    path.map_or("/".to_owned(), |(path, _)| format!("{path}/"))
}

fn position(headers: &csv::StringRecord, name: &str) -> Result<usize, ReportError> {
    let found = headers.iter().position(|header| header == name);
    found.ok_or_else(|| ReportError(format!("it has no column {name:?}")))
}

fn cell(record: &csv::StringRecord, position: usize) -> &str {
    record.get(position).unwrap_or_default()
}

impl Slot {
    fn read(active: &str, rotated: &str) -> Self {
        let at = rotated.parse::<Timestamp>();
        match (active, rotated) {
            ("true", _) => at.map_or(Self::Unknown, Self::Active),
            ("false", "N/A") => Self::Empty,
            ("false", _) => Self::Inactive,
            _ => Self::Unknown,
        }
    }
}

fn describe(error: csv::Error) -> ReportError {
    // The library's own words may quote a row; its position says enough.
    not_csv(error.position())
}

fn torn(record: &csv::StringRecord) -> ReportError {
    not_csv(record.position())
}

fn not_csv(position: Option<&csv::Position>) -> ReportError {
    let place = position.map_or("its first line".to_owned(), |position| {
        format!("line {}", position.line())
    });
    ReportError(format!("{place} is not CSV of the header's width"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
        password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
        access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
        access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
        cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

    fn report(rows: &[(&str, [&str; 4])]) -> String {
        let rows = rows.iter().map(|(user, [active_1, rotated_1, active_2, rotated_2])| {
            format!(
                "{user},arn:aws:iam::111122223333:user/{user},2026-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,\
                 {active_1},{rotated_1},N/A,N/A,N/A,{active_2},{rotated_2},N/A,N/A,N/A,false,N/A,false,N/A"
            )
        });
        std::iter::once(HEADER.to_owned())
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn slots(cells: [&str; 4]) -> [Slot; 2] {
        parse(report(&[("alice", cells)]).as_bytes()).unwrap()[0].slots
    }

    #[test]
    fn each_cell_means_what_the_user_guide_says_or_is_unknown() {
        let then = "2026-08-01T09:30:00+00:00";
        let active = Slot::Active(then.parse().unwrap());
        assert_eq!(slots(["true", then, "false", "N/A"]), [active, Slot::Empty]);
        assert_eq!(
            slots(["false", then, "true", then]),
            [Slot::Inactive, active]
        );
        assert_eq!(
            slots(["true", "no_information", "true", "N/A"]),
            [Slot::Unknown, Slot::Unknown]
        );
        assert_eq!(
            slots(["not_supported", "not_supported", "", ""]),
            [Slot::Unknown, Slot::Unknown]
        );
    }

    #[test]
    fn the_path_is_that_of_the_arn() {
        assert_eq!(path_of("arn:aws:iam::111122223333:user/alice"), "/");
        assert_eq!(
            path_of("arn:aws:iam::111122223333:user/developers/web/alice"),
            "/developers/web/"
        );
        assert_eq!(path_of("nothing"), "/");
    }

    #[test]
    fn a_comma_in_a_name_or_a_path_costs_nobody_a_look_quoted_or_not() {
        let cells = ["true", "N/A", "false", "N/A"];
        let plain = report(&[("a,b", cells), ("alice", cells)]);
        let deep = plain.replace("user/a,b", "user/x,y/z/a,b");
        let quoted = deep.replace("\na,b,arn:", "\n\"a,b\",\"arn:");
        let quoted = quoted.replace("z/a,b", "z/a,b\"");
        for (report, path) in [(plain, "/"), (deep, "/x,y/z/"), (quoted, "/x,y/z/")] {
            let rows = parse(report.as_bytes()).unwrap();
            let seen: Vec<(&str, &str)> = rows
                .iter()
                .map(|row| (row.user.as_str(), row.path.as_str()))
                .collect();
            assert_eq!(seen, [("a,b", path), ("alice", "/")], "{report}");
            assert_eq!(rows[0].slots, rows[1].slots);
        }
    }

    #[test]
    fn a_row_whose_cells_fit_no_name_is_torn() {
        let cells = ["true", "N/A", "false", "N/A"];
        let report = report(&[("alice", cells)]);
        for torn in [
            report.replace("user/alice", "user/alice,N/A"),
            report.replace("alice,arn", "alice,bob,arn"),
            format!("{report},N/A"),
        ] {
            let error = parse(torn.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn the_root_row_is_passed_over() {
        let report = report(&[("<root_account>", ["true", "N/A", "false", "N/A"])]);
        assert_eq!(parse(report.as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_number() {
        let report = "access_key_2_last_rotated,access_key_2_active,additional_credentials_info,user,\
            access_key_1_last_rotated,access_key_1_active\nN/A,false,,alice,2026-08-01T09:30:00+00:00,true";
        let row = &parse(report.as_bytes()).unwrap()[0];
        assert_eq!(
            row.slots,
            [
                Slot::Active("2026-08-01T09:30:00Z".parse().unwrap()),
                Slot::Empty
            ]
        );
    }

    #[test]
    fn a_report_that_is_not_one_is_an_error_that_says_where() {
        assert!(
            parse(b"user,arn\nalice,x")
                .unwrap_err()
                .to_string()
                .contains("no column \"access_key_1_active\"")
        );
        let torn = format!(
            "{}\nbob,torn",
            report(&[("alice", ["true", "N/A", "false", "N/A"])])
        );
        assert!(
            parse(torn.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("line 3")
        );
        assert!(parse(b"").is_err());
    }

    #[test]
    fn only_one_young_key_or_none_needs_no_look() {
        let now = "2026-11-24T00:00:00Z".parse::<Timestamp>().unwrap();
        let days = SignedDuration::from_hours(83 * 24);
        let young = Slot::Active(now - SignedDuration::from_hours(82 * 24));
        let old = Slot::Active(now - days);
        let looked_at = |slots| {
            Row {
                user: "alice".parse().unwrap(),
                path: "/".into(),
                slots,
            }
            .needs_a_look(days, now)
        };
        assert!(!looked_at([Slot::Empty, Slot::Empty]));
        assert!(!looked_at([young, Slot::Empty]));
        assert!(!looked_at([Slot::Empty, young]));
        for slots in [
            [old, Slot::Empty],
            [young, young],
            [young, Slot::Inactive],
            [Slot::Inactive, Slot::Empty],
        ] {
            assert!(looked_at(slots), "{slots:?}");
        }
        assert!(looked_at([Slot::Unknown, Slot::Empty]));
    }
}
