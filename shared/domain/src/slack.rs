//! Where Slack is.

/// One of Slack's two clouds. Which one a workspace lives in is its owner's choice, and does not
/// follow from AWS's region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackCloud {
    /// slack.com.
    Commercial,
    /// GovSlack. (Slack's developer documentation, "GovSlack".)
    Gov,
}

impl SlackCloud {
    /// The address of the Web API, without a slash at its end.
    pub const fn api(self) -> &'static str {
        match self {
            Self::Commercial => "https://slack.com/api",
            Self::Gov => "https://slack-gov.com/api",
        }
    }

    /// The host of incoming webhooks.
    pub const fn webhook_host(self) -> &'static str {
        match self {
            Self::Commercial => "hooks.slack.com",
            Self::Gov => "hooks.slack-gov.com",
        }
    }
}
