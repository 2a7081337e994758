//! What Banto needs of the world, as narrow traits named by need, and the one error they all
//! answer with.
//!
//! Deliberately absent: AWS SDK types, paging, retries and anything that decides. A port answers
//! or fails; whoever calls it judges.

mod clock;
mod compliance;
mod error;
mod keys;
mod member;
mod organization;
mod receivers;
mod records;
mod report;
mod secrets;
mod signer;
mod trail;

pub use clock::Clock;
pub use compliance::{
    AccountCache, AggregatedEvaluation, AggregatedRule, Aggregator, Cursor, DeliveredBatch,
    DeliveryCommit, DeliverySchedule, FindingChange, FindingCommit, FindingStore, NotificationLog,
    Outbox, Page, ResourceFacts, RouteLease, RouteLock, RouteRegistry, RuleCompliance,
};
pub use error::{ErrorKind, PortError};
pub use keys::{
    AccessKeys, CreatedKey, KeyOwner, LastUse, LiveKey, LiveUser, ReportState, Usage, UserSessions,
};
pub use member::{
    AccountAccess, AccountClients, AccountSettings, Channel, ChannelStatus, ConfigRecording,
    DefaultVpc, LivePasswordPolicy, LiveRecorder, LiveRole, NewRole, Recorder, RecorderStatus,
    RecordingGroup, RegionSettings, RegionState, RoleChange, Roles, VpcPart,
};
pub use organization::{
    AccountRow, AccountState, AccountStatuses, Dashboard, Delayed, Held, LastNotified, OrgAccount,
    OrgPolicyKind, Organization, Queue, Received, ReceivedMessages, StackInstance, StackInstances,
    Told, path_of,
};
pub use receivers::{
    Attachment, Chat, Endpoints, Mail, Mailer, MemberState, TopicMessage, Topics, Webhooks,
};
pub use records::{CertificateVersion, Certificates, OpenRecords, Records, StoredText};
pub use report::{
    NewObject, Object, Objects, Query, QueryEngine, QueryStatus, ReportStore, RowPage,
};
pub use secrets::Secrets;
pub use signer::Signer;
pub use trail::{Activity, KeyCreation, Trail};
