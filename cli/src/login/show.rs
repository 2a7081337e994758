//! What `banto login` says.

use serde_json::{Value, json};

use super::sections::{Change, Changed};
use crate::terminal::{Screen, Tone};

/// The oldest AWS CLI that has `aws login`. (AWS CLI user guide, "Login for AWS local development
/// using console credentials".)
pub(super) const NEEDED: (u32, u32, u32) = (2, 32, 0);

/// Where to get a newer one.
const INSTALL: &str =
    "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html";

/// What a person has to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    NoAwsCli,
    OldAwsCli(String),
    SignIn,
    NotSignedIn,
    /// Nobody is at a terminal, who could sign in; why AWS does not take what there is.
    Nobody {
        why: String,
    },
    NoDevice {
        user: String,
    },
    Roles {
        why: String,
    },
    Open(Vec<String>),
    /// This is the profile that signs in.
    NoRoles {
        profile: String,
    },
}

impl Missing {
    /// True if access can't work before somebody saw to it.
    pub(super) fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::NotSignedIn | Self::Open(_) | Self::NoRoles { .. }
        )
    }

    /// The name by which programs know it.
    fn code(&self) -> &'static str {
        match self {
            Self::NoAwsCli => "no-aws-cli",
            Self::OldAwsCli(_) => "old-aws-cli",
            Self::SignIn => "sign-in-failed",
            Self::NotSignedIn => "not-signed-in",
            Self::Nobody { .. } => "nobody-to-sign-in",
            Self::NoDevice { .. } => "no-mfa-device",
            Self::Roles { .. } => "roles-not-readable",
            Self::Open(_) => "accounts-not-named",
            Self::NoRoles { .. } => "no-roles",
        }
    }

    /// What is missing, and what to do.
    pub(super) fn told(&self) -> String {
        let (major, minor, patch) = NEEDED;
        let needed = format!("aws login needs version {major}.{minor}.{patch} of the AWS CLI");
        match self {
            Self::NoAwsCli => {
                format!("There is no AWS CLI (aws) on this machine, and {needed}: {INSTALL}")
            }
            Self::OldAwsCli(found) => {
                format!("{needed}, and here is {found}. Install a newer one: {INSTALL}")
            }
            Self::SignIn => "aws login did not end with credentials. If AWS said that you are not \
                 authorized, your user lacks AWS's policy SignInLocalDevelopmentAccess: ask whoever \
                 operates Banto to put you into the group banto-users. On a machine without a \
                 browser: banto login --remote"
                .to_owned(),
            Self::NotSignedIn => "You are not signed in, so that your roles are not known yet. \
                 Without --dry-run banto login signs you in first."
                .to_owned(),
            Self::NoDevice { user } => format!(
                "{user} has no MFA device, and without one AWS denies almost everything. Register \
                 one in the console (your name, top right, then \"Security credentials\"), sign out \
                 and in again, and call banto login once more."
            ),
            Self::Roles { why } => format!(
                "Which roles you may assume can't be read ({why}). Whoever operates Banto knows \
                 their ARNs: banto login --role ARN"
            ),
            Self::Open(resources) => format!(
                "You may also assume {}. Name the accounts, or the roles: \
                 --account ID=NAME, --role ARN",
                resources.join(", ")
            ),
            Self::Nobody { why } => format!(
                "You are not signed in ({why}), and nobody can sign in here, as this is no \
                 terminal: call banto login in one, or with --remote"
            ),
            Self::NoRoles { profile } => format!(
                "No role was found that you may assume. If you need an access key: banto keys \
                 register --profile {profile}, and once a notice says that the key waits: banto \
                 keys fetch --profile {profile} --profile-name default. For a role, whoever \
                 operates Banto puts you into a group, or tells you an ARN: banto login --role ARN"
            ),
        }
    }
}

/// Everything that a run has to say.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// Who is signed in, and in which account.
    pub(super) who: Option<(String, String)>,
    pub(super) changed: Vec<Changed>,
    /// Nothing was written.
    pub(super) dry_run: bool,
    /// Where a copy of the policy is now.
    pub(super) policy: Option<String>,
    pub(super) missing: Vec<Missing>,
    /// A profile to try.
    pub(super) example: Option<String>,
}

impl Shown {
    /// The screen.
    pub(super) fn text(&self, screen: &Screen) -> String {
        let mut parts = Vec::new();
        if let Some((user, account)) = &self.who {
            parts.push(format!("Signed in as {user} in the account {account}."));
        }
        parts.extend(self.profiles(screen));
        if let Some(policy) = &self.policy {
            let kept = if self.dry_run {
                "would be kept"
            } else {
                "is kept"
            };
            let text = format!("A copy of the policy {kept} in {policy}.");
            parts.push(screen.wrapped(&text, 0));
        }
        if !self.missing.is_empty() {
            let title = screen.paint(Tone::Warning, "To see to:");
            let items = self.missing.iter().map(|missing| {
                let text = format!("- {}", missing.told());
                screen.wrapped(&text, 2)
            });
            let lines: Vec<String> = std::iter::once(title).chain(items).collect();
            parts.push(lines.join("\n"));
        }
        if let Some(profile) = &self.example
            && !self.dry_run
        {
            parts.push(format!(
                "Try it:\n  aws sts get-caller-identity --profile {profile}"
            ));
        }
        parts.join("\n\n")
    }

    /// The same for programs: docs/operators.md, "JSON".
    pub(super) fn to_json(&self) -> Value {
        let profiles = self.changed.iter().map(|changed| {
            json!({
                "name": changed.profile, "change": changed.change.name(), "lines": changed.lines,
            })
        });
        let missing = self.missing.iter().map(|missing| {
            json!({
                "code": missing.code(), "fails": missing.is_failure(), "why": missing.told(),
            })
        });
        json!({
            "user": self.who.as_ref().map(|(user, _)| user),
            "account": self.who.as_ref().map(|(_, account)| account),
            "dryRun": self.dry_run,
            "profiles": profiles.collect::<Vec<Value>>(),
            "policy": self.policy,
            "missing": missing.collect::<Vec<Value>>(),
            "example": self.example,
        })
    }

    fn profiles(&self, screen: &Screen) -> Option<String> {
        if self.changed.is_empty() {
            return None;
        }
        let title = if self.dry_run {
            "This would change in your AWS config; nothing was written:"
        } else {
            "Profiles:"
        };
        let mut lines = vec![screen.paint(Tone::Strong, title)];
        for Changed {
            profile,
            change,
            lines: diff,
        } in &self.changed
        {
            let (word, tone) = match change {
                Change::Added => ("new", Tone::Good),
                Change::Updated => ("changed", Tone::Warning),
                Change::Removed => ("removed", Tone::Warning),
                Change::Same => ("as it was", Tone::Faint),
            };
            lines.push(format!("  {profile} ({})", screen.paint(tone, word)));
            if self.dry_run {
                let inner = Screen {
                    width: screen.width.saturating_sub(6),
                    ..*screen
                };
                let diff = diff
                    .iter()
                    .map(|line| inner.wrapped(line, 4))
                    .collect::<Vec<_>>();
                let diff = diff.iter().flat_map(|line| line.lines());
                lines.extend(diff.map(|line| format!("      {line}")));
            }
        }
        Some(lines.join("\n"))
    }
}
