//! Settings that the Organization owns, and default VPCs that somebody uses.

use std::sync::Arc;

use banto_domain::AccountId;
use banto_ports::{AccountClients, ErrorKind, OrgPolicyKind, PortError, VpcPart};
use serde_json::{Value, json};

use super::{assumed, done, kind, region, with_account};
use crate::{Run, World};

struct Session {
    run: Arc<Run>,
    clients: AccountClients,
}

impl Session {
    fn delete(&self, part: VpcPart) -> Result<(), PortError> {
        let regions = &self.clients.regions;
        done(
            &self.run,
            regions.delete_vpc_part(&region("eu-west-1"), &part),
        )
    }

    fn delete_subnets(&self) -> [Result<(), PortError>; 2] {
        ["subnet-eu-west-1-a", "subnet-eu-west-1-b"]
            .map(|subnet| self.delete(VpcPart::Subnet(subnet.to_owned())))
    }

    fn delete_gateway(&self) -> Result<(), PortError> {
        self.delete(VpcPart::Gateway {
            id: "igw-eu-west-1".to_owned(),
            vpc: "vpc-eu-west-1".to_owned(),
        })
    }

    fn delete_vpc(&self) -> Result<(), PortError> {
        self.delete(VpcPart::Vpc("vpc-eu-west-1".to_owned()))
    }
}

fn session() -> (Arc<World>, AccountId, Session) {
    let (world, id) = with_account();
    let run = world.run(None);
    let clients = assumed(&run, &id);
    (world, id, Session { run, clients })
}

fn govern(world: &World, id: &AccountId, kind: OrgPolicyKind, policy: Value) {
    world.change_account(id, |member| {
        member.org_policies.insert(kind, policy);
    });
}

#[test]
fn public_access_that_the_organization_sets_is_told_and_nobody_else_sets_it() {
    let (world, id, session) = session();
    let settings = &session.clients.settings;
    let blocks = || done(&session.run, settings.public_access_blocks());
    let block = || done(&session.run, settings.block_public_access());
    for (value, told) in [("all", 4), ("none", 0)] {
        let attributes = json!({ "public_access_block_configuration": value });
        let policy = json!({ "s3_attributes": attributes });
        govern(&world, &id, OrgPolicyKind::S3, policy);
        assert_eq!(blocks(), Ok(Some(told)));
        let refused = block().unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Denied);
        assert!(refused.message.contains("S3 policy of its organization"));
    }
    govern(
        &world,
        &id,
        OrgPolicyKind::S3,
        json!({ "s3_attributes": {} }),
    );
    assert_eq!(blocks(), Ok(None));
    block().unwrap();
    assert_eq!(blocks(), Ok(Some(4)));
}

#[test]
fn ebs_encryption_that_a_declarative_policy_sets_nobody_else_sets() {
    let (world, id, session) = session();
    let regions = &session.clients.regions;
    let encrypt = || done(&session.run, regions.encrypt_ebs(&region("eu-west-1")));
    let attributes = json!({ "ebs_encryption_by_default": { "state": "enabled" } });
    let policy = json!({ "ec2_attributes": attributes });
    govern(&world, &id, OrgPolicyKind::Ec2, policy);
    let refused = encrypt().unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
    let words = "This functionality has been disabled by a Declarative Policy";
    assert_eq!(refused.message, words);
    let other = json!({ "ec2_attributes": { "serial_console_access": {} } });
    govern(&world, &id, OrgPolicyKind::Ec2, other);
    assert_eq!(encrypt(), Ok(()));
}

#[test]
fn an_empty_default_vpc_is_deleted_part_by_part_and_each_part_once() {
    let (world, id, session) = session();
    assert_eq!(kind(session.delete_vpc()), Some(ErrorKind::Invalid));
    assert_eq!(session.delete_subnets(), [Ok(()), Ok(())]);
    let [first, _] = session.delete_subnets();
    assert_eq!(kind(first), Some(ErrorKind::Missing));
    assert_eq!(session.delete_gateway(), Ok(()));
    assert_eq!(kind(session.delete_gateway()), Some(ErrorKind::Missing));
    assert_eq!(session.delete_vpc(), Ok(()));
    assert_eq!(kind(session.delete_vpc()), Some(ErrorKind::Missing));
    assert_eq!(world.account(&id).region("eu-west-1").default_vpc, None);
}

#[test]
fn an_interface_holds_every_part_and_another_use_the_vpc_alone() {
    let (world, id, session) = session();
    world.use_default_vpc(&id, "eu-west-1", "network interface eni-1");
    let [first, second] = session.delete_subnets();
    for refused in [
        first,
        second,
        session.delete_gateway(),
        session.delete_vpc(),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.message, "DependencyViolation");
    }
    world.change_account(&id, |member| {
        let vpc = member.region("eu-west-1").default_vpc.as_mut().unwrap();
        vpc.uses = ["VPN gateway vgw-1".to_owned()].into();
    });
    assert_eq!(session.delete_subnets(), [Ok(()), Ok(())]);
    assert_eq!(session.delete_gateway(), Ok(()));
    assert_eq!(kind(session.delete_vpc()), Some(ErrorKind::Invalid));
}

#[test]
fn a_vpc_may_come_into_use_just_before_it_is_deleted() {
    let (world, id, session) = session();
    let account = id.clone();
    session
        .run
        .interfere_at("ec2:DeleteInternetGateway", move |world| {
            world.use_default_vpc(&account, "eu-west-1", "network interface eni-1");
        });
    assert_eq!(session.delete_subnets(), [Ok(()), Ok(())]);
    assert_eq!(kind(session.delete_gateway()), Some(ErrorKind::Invalid));
    let vpc = world.account(&id).region("eu-west-1").default_vpc.clone();
    assert_eq!(vpc.unwrap().gateways, ["igw-eu-west-1"]);
}
