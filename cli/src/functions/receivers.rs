//! What people are told: kept, so that a command can show it, and sent on where that is meant.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use banto_domain::TopicArn;
use banto_domain::compliance::MessageRef;
use banto_ports::{
    Chat, Endpoints, Mail, Mailer, MemberState, PortError, TopicMessage, Topics, Webhooks,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

/// A message, as it went out or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The way, and to whom as far as that is no secret.
    pub(crate) to: String,
    pub(crate) text: String,
}

/// All that people were told, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Message>>>);

impl Told {
    pub(crate) fn add(&self, to: impl Into<String>, text: impl Into<String>) {
        let (to, text) = (to.into(), text.into());
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(Message { to, text });
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }
}

/// A way to people, and what went over it.
pub(super) struct Kept<T: ?Sized> {
    told: Told,
    way: Arc<T>,
    sends: bool,
}

impl<T: ?Sized> Kept<T> {
    pub(super) fn new(told: Told, way: Arc<T>, sends: bool) -> Self {
        Self { told, way, sends }
    }
}

/// Slack's messages have their text beside the blocks, for a lock screen.
fn text_of(body: &Value) -> String {
    let text = body.get("text").and_then(Value::as_str);
    text.map_or_else(|| body.to_string(), str::to_owned)
}

fn text_in(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    parsed.map_or_else(|| body.to_owned(), |body| text_of(&body))
}

#[async_trait]
impl<T: Webhooks + ?Sized> Webhooks for Kept<T> {
    async fn post(&self, url: &SecretString, body: String) -> Result<(), PortError> {
        self.told.add("a channel in Slack", text_in(&body));
        if self.sends {
            self.way.post(url, body).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Topics + ?Sized> Topics for Kept<T> {
    async fn publish(&self, topic: &TopicArn, message: &TopicMessage) -> Result<(), PortError> {
        self.told.add(format!("topic {topic}"), &message.body);
        if self.sends {
            self.way.publish(topic, message).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Mailer + ?Sized> Mailer for Kept<T> {
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        let to = format!("mail to {}", mail.to.join(", "));
        self.told
            .add(to, format!("{}\n\n{}", mail.subject, mail.text));
        if self.sends {
            self.way.send(mail).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Endpoints + ?Sized> Endpoints for Kept<T> {
    async fn post(&self, secret: &SecretString, id: &str, body: String) -> Result<(), PortError> {
        self.told.add("an endpoint of your own", text_in(&body));
        if self.sends {
            self.way.post(secret, id, body).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Chat + ?Sized> Chat for Kept<T> {
    async fn post(
        &self,
        token: &SecretString,
        id: &str,
        body: &Value,
    ) -> Result<MessageRef, PortError> {
        let channel = body.get("channel").and_then(Value::as_str);
        let channel = channel.unwrap_or_default().to_owned();
        self.told.add(format!("{channel} in Slack"), text_of(body));
        if self.sends {
            return self.way.post(token, id, body).await;
        }
        let ts = "0".to_owned();
        Ok(MessageRef { channel, ts })
    }

    async fn update(
        &self,
        token: &SecretString,
        message: &MessageRef,
        body: &Value,
    ) -> Result<(), PortError> {
        let to = format!(
            "{} in Slack, in place of an earlier message",
            message.channel
        );
        self.told.add(to, text_of(body));
        if self.sends {
            self.way.update(token, message, body).await?;
        }
        Ok(())
    }

    async fn find(
        &self,
        token: &SecretString,
        channel: &str,
        thread: Option<&MessageRef>,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<MessageRef>, PortError> {
        self.way.find(token, channel, thread, id, since).await
    }

    async fn member(&self, token: &SecretString, id: &str) -> Result<MemberState, PortError> {
        self.way.member(token, id).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use banto_fake::World;
    use serde_json::json;

    use super::*;

    /// Sends something over every way to people that the functions have.
    async fn tell_by_every_way(told: &Told, sends: bool) -> usize {
        let world = World::at("2026-11-27T12:00:00Z".parse().unwrap());
        let run = world.run(None);
        let way = Kept::new(told.clone(), run.clone(), sends);
        let secret = SecretString::from("https://hooks.slack.com/services/T/B/secret");
        let body = json!({ "channel": "C1", "text": "by chat" });
        let to = MessageRef {
            channel: "C1".to_owned(),
            ts: "1".to_owned(),
        };
        Webhooks::post(&way, &secret, json!({ "text": "by webhook" }).to_string())
            .await
            .unwrap();
        Endpoints::post(&way, &secret, "id", "by endpoint".to_owned())
            .await
            .unwrap();
        drop(Chat::post(&way, &secret, "id", &body).await);
        drop(Chat::update(&way, &secret, &to, &body).await);
        let mail = Mail {
            from: "banto@example.com".to_owned(),
            to: vec!["alice@example.com".to_owned()],
            subject: "by mail".to_owned(),
            text: "text".to_owned(),
            html: String::new(),
            attachments: Vec::new(),
            configuration_set: None,
        };
        way.send(&mail).await.unwrap();
        let topic = "arn:aws:sns:eu-west-1:111122223333:operators"
            .parse()
            .unwrap();
        let message = TopicMessage {
            subject: "subject".to_owned(),
            body: "by topic".to_owned(),
            attributes: BTreeMap::new(),
        };
        way.publish(&topic, &message).await.unwrap();
        run.calls()
    }

    #[tokio::test]
    async fn whoever_looks_tells_nobody_and_sees_what_would_be_told() {
        let told = Told::default();
        assert_eq!(tell_by_every_way(&told, false).await, 0);
        let texts: Vec<String> = told.messages().into_iter().map(|told| told.text).collect();
        let mail = "by mail\n\ntext";
        let chat = "by chat";
        assert_eq!(
            texts,
            ["by webhook", "by endpoint", chat, chat, mail, "by topic"]
        );
        assert!(!format!("{:?}", told.messages()).contains("hooks.slack.com"));
    }

    #[tokio::test]
    async fn whoever_acts_tells_people_too() {
        let told = Told::default();
        assert_eq!(tell_by_every_way(&told, true).await, 6);
        assert_eq!(told.messages().len(), 6);
    }
}
