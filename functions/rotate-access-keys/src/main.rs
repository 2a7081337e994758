//! The Lambda function: wires the real adapters and runs.

use std::process::ExitCode;
use std::sync::Arc;

use banto_aws::Aws;
use banto_notice::{NoticeSender, SlackChat, SlackWebhooks};
use banto_ports::{Clock, Signer};
use rotate_access_keys::ports::{Account, Ports};
use rotate_access_keys::{Rotator, Told};

fn main() -> ExitCode {
    banto_lambda::run(rotator, async |rotator, event, invocation| {
        rotator.handle(event, invocation).await
    })
}

fn rotator() -> anyhow::Result<Rotator> {
    let policy = banto_lambda::policy()?;
    let clock: Arc<dyn Clock> = Arc::new(banto_lambda::SystemClock::from_env()?);
    let aws = Aws::from_env()?;
    let notice_sender = NoticeSender::new(
        aws.secrets(),
        Arc::new(SlackWebhooks::new(aws.trusted_roots())),
        aws.topics(),
        policy.notices,
        Arc::clone(&clock),
    );
    let chat = SlackChat::from_env(aws.trusted_roots())?;
    let notice_sender = Arc::new(notice_sender.writing_by(Arc::new(chat)));
    let revocations = policy.rotation.revocations.as_ref();
    let revocations = revocations.map(|url| aws.queue(url));
    let mut accounts = Vec::new();
    for identity in &policy.rotation.accounts {
        let signing = policy.rotation.signing.as_ref();
        let clients = aws.account(identity, signing.map(|signing| &signing.key));
        let signer = clients
            .signer
            .map(|signer| Arc::new(signer) as Arc<dyn Signer>);
        accounts.push(Account {
            identity: identity.clone(),
            region: aws.region().clone(),
            ports: Ports {
                keys: Arc::new(clients.keys),
                sessions: Arc::new(clients.sessions),
                trail: Arc::new(clients.trail),
                revocations: revocations.clone(),
                records: Arc::new(clients.records),
                signer,
                certificates: Arc::new(clients.certificates),
                notice_sender: Arc::clone(&notice_sender),
                clock: Arc::clone(&clock),
            },
        });
    }
    Ok(Rotator {
        policy: policy.rotation,
        accounts,
        notice_sender,
        clock,
        messages: aws.received_messages(),
        told: Told::default(),
    })
}
