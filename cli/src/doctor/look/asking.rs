//! Asks AWS and Slack.

use banto_aws::Aws;
use banto_notice::{SecretCache, SlackChat};
use banto_ports::{ErrorKind, PortError};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::AT_ONCE;
use super::check::{Ask, Check, Finding, Whom, documents};
use crate::doctor::probe::{Answer, Refused};

/// Most pages of a list. A page has a hundred entries of most services, and a thousand of S3's:
/// an Organization with more users than fit is beyond what a person would read here.
const PAGES: usize = 50;

/// Whoever is asked.
pub(super) struct Asker<'a> {
    aws: &'a Aws,
    secrets: SecretCache,
}

impl<'a> Asker<'a> {
    pub(super) fn new(aws: &'a Aws) -> Self {
        Self {
            aws,
            secrets: SecretCache::new(aws.secrets()),
        }
    }

    /// Makes a check's calls, and decides what their answers mean.
    pub(super) async fn look(&self, check: &Check) -> Vec<Finding> {
        let mut asks = check.asks.clone();
        let mut answers = self.all(&asks).await;
        let more = check.further(&answers);
        answers.extend(self.all(&more).await);
        asks.extend(more);
        check.judged(&asks, &answers)
    }

    async fn all(&self, asks: &[Ask]) -> Vec<Answer> {
        let asking = asks.iter().map(|ask| self.ask(ask));
        stream::iter(asking).buffered(AT_ONCE).collect().await
    }

    async fn ask(&self, ask: &Ask) -> Answer {
        match &ask.whom {
            Whom::Aws {
                region,
                arguments,
                pages,
            } => {
                let answer = self.pages(ask.call, region.as_deref(), arguments, *pages);
                answer.await.map_err(Refused::from)
            }
            Whom::Slack(secret, form) => {
                let chat = SlackChat::from_env(self.aws.trusted_roots());
                let chat = chat.map_err(|error| unusable(ask.call, error.to_string()))?;
                let token = self.secrets.value(secret).await.map_err(Refused::from)?;
                let answer = chat.look(ask.call, &token, form.clone()).await;
                answer
                    .map(|answer| answer.to_string())
                    .map_err(Refused::from)
            }
        }
    }

    async fn pages(
        &self,
        call: &'static str,
        region: Option<&str>,
        arguments: &Value,
        pages: Option<(&'static str, &'static str)>,
    ) -> Result<String, PortError> {
        let mut arguments = arguments.clone();
        let mut whole = String::new();
        for _ in 0..PAGES {
            let page = self.aws.plain(call, region, &arguments).await?;
            let next =
                pages.and_then(|(pointer, argument)| Some((next(&page, pointer)?, argument)));
            whole.push_str(&page);
            let Some((token, argument)) = next else {
                return Ok(whole);
            };
            // Services of the REST protocol take it in the query.
            let place = match arguments.get_mut("query") {
                Some(query) => query,
                None => &mut arguments,
            };
            if let Some(place) = place.as_object_mut() {
                place.insert(argument.to_owned(), Value::String(token));
            }
        }
        let words = format!("TooManyPages: more than {PAGES} pages");
        Err(PortError::new(ErrorKind::LimitExceeded, call, words))
    }
}

fn unusable(call: &'static str, words: String) -> Refused {
    Refused::from(PortError::new(ErrorKind::Invalid, call, words))
}

/// The token for the next page: by JSON pointer, or the element of that name.
fn next(page: &str, place: &str) -> Option<String> {
    let token = if place.starts_with('/') {
        let pages = documents(page);
        pages.first()?.pointer(place)?.as_str()?.to_owned()
    } else {
        crate::doctor::value(page, place)?
    };
    Some(token).filter(|token| !token.is_empty())
}
