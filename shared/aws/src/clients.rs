//! The clients of each function: every port on AWS, made from one [`Aws`].

use std::sync::Arc;
use std::time::Duration;

use banto_domain::policy::onboarding::Way;
use banto_domain::policy::report::AthenaPolicy;
use banto_domain::policy::{CompliancePolicy, IdentityAccount, OnboardingPolicy, ReportPolicy};
use banto_domain::{KeyArn, QueueUrl};
use banto_ports::{Queue, ReceivedMessages, Secrets, Topics};

use crate::aggregator::ConfigAggregator;
use crate::athena::AthenaQueries;
use crate::certificates::S3Certificates;
use crate::compliance_table::ComplianceTable;
use crate::config::Aws;
use crate::keys::IamKeys;
use crate::mail::Ses;
use crate::member::AssumedRoles;
use crate::messages::SqsMessages;
use crate::objects::S3;
use crate::organization::Organizations;
use crate::queue::SqsQueue;
use crate::records::SecretsManagerRecords;
use crate::report_objects::S3Objects;
use crate::role::AssumedRole;
use crate::secrets::SecretsManager;
use crate::service::Service;
use crate::sessions::IamSessions;
use crate::signer::KmsSigner;
use crate::stacks::CloudFormationStacks;
use crate::statuses::{DynamoDbStatuses, S3Dashboard};
use crate::topics::Sns;
use crate::trail::CloudTrail;

/// Longest time for a mail of some kilobytes. Its sender tries again by itself, and counts on 25 s
/// for one try at most.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time for a report with a list of 9 MB, at a few hundred kilobytes a second.
const REPORT_TIMEOUT: Duration = Duration::from_secs(60);

/// The ways to act in one identity account.
#[derive(Debug)]
pub struct Account {
    /// Its users and their keys.
    pub keys: IamKeys,
    /// The records of its users.
    pub records: SecretsManagerRecords,
    /// The key that signs them, if one does.
    pub signer: Option<KmsSigner>,
    /// The certificates of its users.
    pub certificates: S3Certificates,
    /// The sessions of its users.
    pub sessions: IamSessions,
    /// CloudTrail's history of it.
    pub trail: CloudTrail,
}

/// The ways to act in the Organization.
#[derive(Debug)]
pub struct OrganizationClients {
    /// Its accounts.
    pub organization: Organizations,
    /// The way into them.
    pub account_access: AssumedRoles,
    /// The StackSet's instances.
    pub stacks: CloudFormationStacks,
    /// The accounts that wait.
    pub queue: SqsQueue,
    /// The status of each account.
    pub statuses: DynamoDbStatuses,
    /// The dashboard's data.
    pub dashboard: S3Dashboard,
}

/// The ways to what people are told of compliance.
#[derive(Debug)]
pub struct ComplianceClients {
    /// The accounts of the Organization.
    pub organization: Organizations,
    /// Events, and accounts to compare.
    pub queue: SqsQueue,
    /// Deliveries, and other functions' notices.
    pub deliveries: SqsQueue,
    /// The state of findings, outboxes, and what was delivered.
    pub table: ComplianceTable,
    /// AWS Config's aggregator of all accounts.
    pub aggregator: ConfigAggregator,
    /// Mail.
    pub mailer: Ses,
}

/// The ways to what the monthly report is made of, and to where it goes.
#[derive(Debug)]
pub struct ReportClients {
    /// The log archive.
    pub archive: S3Objects,
    /// The bucket in which months, dashboard and claims are kept.
    pub store: S3Objects,
    /// The bucket in which onboard-accounts publishes the status of all accounts.
    pub statuses: Option<S3Objects>,
    /// The accounts of the Organization.
    pub organization: Organizations,
    /// AWS Config's aggregator of all accounts, where the policy names one.
    pub aggregator: Option<ConfigAggregator>,
    /// Mail.
    pub mailer: Ses,
}

impl Aws {
    /// The ways to act in an identity account; its role is assumed when it is first needed, once
    /// for all of them. It is that role which signs, with whichever account's key.
    pub fn account(&self, identity: &IdentityAccount, signing_key: Option<&KeyArn>) -> Account {
        let aws = if identity.assume {
            self.with_role(identity)
        } else {
            self.clone()
        };
        let iam = aws_sdk_iam::Client::from_conf(aws.iam());
        Account {
            keys: IamKeys::new(iam.clone()),
            records: SecretsManagerRecords::new(aws_sdk_secretsmanager::Client::new(
                &aws.of(Service::SecretsManager),
            )),
            signer: signing_key.map(|key| KmsSigner::new(&aws, key)),
            certificates: S3Certificates::new(S3::new(&aws), identity),
            sessions: IamSessions::new(iam, identity),
            trail: CloudTrail::new(&aws, identity),
        }
    }

    /// The ways to act in the Organization. `session_policy` limits what a session in an account
    /// may do, whatever the role that was assumed may: most roles that reach every account are
    /// administrators. (IAM user guide, "Session policies": at most 2,048 characters.)
    pub fn organization(
        &self,
        policy: &OnboardingPolicy,
        session_policy: &str,
    ) -> OrganizationClients {
        let stack_set = match &policy.way {
            Way::StackSet(stack_set) => Some(stack_set.clone()),
            Way::Direct => None,
        };
        OrganizationClients {
            organization: self.organizations(),
            account_access: AssumedRoles::new(self.clone(), policy, session_policy),
            stacks: CloudFormationStacks::new(self.caller(Service::CloudFormation), stack_set),
            queue: SqsQueue::new(self, &policy.queue),
            statuses: DynamoDbStatuses::new(
                aws_sdk_dynamodb::Client::new(&self.of(Service::DynamoDb)),
                &policy.table,
            ),
            dashboard: S3Dashboard::new(S3::new(self), &policy.dashboard),
        }
    }

    /// The ways to what people are told of compliance.
    pub fn compliance(&self, policy: &CompliancePolicy) -> ComplianceClients {
        ComplianceClients {
            organization: self.organizations(),
            queue: SqsQueue::new(self, &policy.queue),
            deliveries: SqsQueue::new(self, &policy.deliveries),
            table: ComplianceTable::new(&self.of(Service::DynamoDb), &policy.table),
            aggregator: self.config_aggregator(&policy.aggregator),
            mailer: Ses::new(self.caller(Service::SesV2), MESSAGE_TIMEOUT),
        }
    }

    /// The ways to what the monthly report is made of, and to where it goes.
    pub fn report(&self, policy: &ReportPolicy) -> ReportClients {
        let statuses = policy.statuses.as_ref();
        ReportClients {
            archive: self.bucket(&policy.archive.bucket),
            store: self.bucket(&policy.store.bucket),
            statuses: statuses.map(|dashboard| self.bucket(&dashboard.bucket)),
            organization: self.organizations(),
            aggregator: policy
                .aggregator
                .as_deref()
                .map(|name| self.config_aggregator(name)),
            mailer: Ses::new(self.caller(Service::SesV2), REPORT_TIMEOUT),
        }
    }

    /// The objects of a bucket.
    pub fn bucket(&self, name: &str) -> S3Objects {
        S3Objects::new(S3::new(self), name)
    }

    /// The workgroup of Athena that the policy names.
    pub fn athena(&self, policy: &AthenaPolicy) -> AthenaQueries {
        AthenaQueries::new(self.caller(Service::Athena), policy)
    }

    /// Secrets that the policy names.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(SecretsManager::new(self.clone()))
    }

    /// A queue that the policy names.
    pub fn queue(&self, url: &QueueUrl) -> Arc<dyn Queue> {
        Arc::new(SqsQueue::new(self, url))
    }

    /// Messages that queues have handed over to the function.
    pub fn received_messages(&self) -> Arc<dyn ReceivedMessages> {
        Arc::new(SqsMessages::new(self.clone()))
    }

    /// Topics that the policy names.
    pub fn topics(&self) -> Arc<dyn Topics> {
        Arc::new(Sns::new(self.clone()))
    }

    fn organizations(&self) -> Organizations {
        let config = self.of(Service::Organizations);
        Organizations::new(aws_sdk_organizations::Client::new(&config))
    }

    fn config_aggregator(&self, name: &str) -> ConfigAggregator {
        let config = self.of(Service::Config);
        ConfigAggregator::new(aws_sdk_config::Client::new(&config), name)
    }

    fn iam(&self) -> aws_sdk_iam::Config {
        aws_sdk_iam::config::Builder::from(&self.of(Service::Iam)).build()
    }

    fn with_role(&self, identity: &IdentityAccount) -> Self {
        let sts = self.caller(Service::Sts);
        self.with_provider(AssumedRole::new(sts, identity.role.clone()))
    }
}
