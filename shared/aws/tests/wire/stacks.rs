//! Requests to CloudFormation's StackSets.

use banto_ports::{ErrorKind, StackInstance, StackInstances};

use crate::organization::{account, region};
use crate::service::{Service, xml, xml_error};

#[tokio::test]
async fn stack_instances_are_read_with_the_reason_of_each_failure() {
    let summary = |region: &str, status: &str, detailed: &str, more: &str| {
        format!(
            "<member><StackSetId>banto-baseline:0f0f</StackSetId><Region>{region}</Region><Account>444455556666</Account><Status>{status}</Status>{more}\
             <StackInstanceStatus><DetailedStatus>{detailed}</DetailedStatus></StackInstanceStatus></member>"
        )
    };
    let reason = "<StatusReason>in words</StatusReason>";
    let drift = |drift: &str| format!("<DriftStatus>{drift}</DriftStatus>");
    let summaries = [
        summary("af-south-1", "CURRENT", "SUCCEEDED", &drift("IN_SYNC")),
        // Resources are looked at themselves: this tells of the last look only.
        summary("ap-east-1", "CURRENT", "SUCCEEDED", &drift("DRIFTED")),
        summary("ap-south-1", "CURRENT", "RUNNING", ""),
        summary("eu-north-1", "OUTDATED", "RUNNING", ""),
        // Whether anything is under way, the operations tell.
        summary("eu-west-1", "OUTDATED", "PENDING", &drift("NOT_CHECKED")),
        summary("eu-west-2", "OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT", reason),
        summary("eu-west-3", "OUTDATED", "CANCELLED", ""),
        summary("sa-east-1", "OUTDATED", "FAILED", reason),
        summary("us-east-1", "OUTDATED", "FAILED_IMPORT", reason),
        summary("us-east-2", "INOPERABLE", "INOPERABLE", reason),
        "<member><Region>us-west-2</Region><Status>OUTDATED</Status></member>".to_owned(),
    ];
    let summaries = format!("<Summaries>{}</Summaries>", summaries.concat());
    let service = Service::answering([xml("ListStackInstances", &summaries)]);
    let stacks = service.organization().stacks;
    let instances = stacks.list(&account()).await.unwrap();
    let found: Vec<StackInstance> = instances.into_values().collect();
    use StackInstance::{Current, Failed, Inoperable, Pending};
    assert_eq!(
        found,
        [
            Current,
            Current,
            Pending,
            Pending,
            Pending,
            Failed("in words".into()),
            Failed("CloudFormation gives no reason".into()),
            Failed("in words".into()),
            Inoperable("in words".into()),
            Inoperable("in words".into()),
            Pending,
        ]
    );
    let body = &service.asked()[0].body;
    assert!(
        body.contains("StackInstanceAccount=444455556666") && body.contains("CallAs=SELF"),
        "{body}"
    );
}

#[tokio::test]
async fn an_operation_is_under_way_until_it_has_ended() {
    for (status, is_under_way) in [
        ("QUEUED", true),
        ("RUNNING", true),
        ("STOPPING", true),
        ("STOPPED", false),
        ("FAILED", false),
        ("SUCCEEDED", false),
    ] {
        let operation = |status: &str| {
            format!("<member><OperationId>1</OperationId><Status>{status}</Status></member>")
        };
        let operations = [operation("SUCCEEDED"), operation(status)].concat();
        let page = format!("<Summaries>{operations}</Summaries><NextToken>older</NextToken>");
        let service = Service::answering([xml("ListStackSetOperations", &page)]);
        let stacks = service.organization().stacks;
        assert_eq!(stacks.is_operating().await, Ok(is_under_way), "{status}");
        assert_eq!(
            service.asked()[0].body,
            "Action=ListStackSetOperations&Version=2010-05-15&StackSetName=banto-baseline&CallAs=SELF&MaxResults=100"
        );
    }
}

#[tokio::test]
async fn an_empty_page_of_operations_is_not_the_last_one() {
    let page = |operations: &str, token: &str| {
        let page = format!("<Summaries>{operations}</Summaries>{token}");
        xml("ListStackSetOperations", &page)
    };
    let service = Service::answering([
        page("", "<NextToken>more</NextToken>"),
        page("<member><Status>RUNNING</Status></member>", ""),
        page("", ""),
    ]);
    let stacks = service.organization().stacks;
    assert_eq!(stacks.is_operating().await, Ok(true));
    assert!(service.asked()[1].body.ends_with("&NextToken=more"));
    assert_eq!(stacks.is_operating().await, Ok(false));
}

#[tokio::test]
async fn instances_are_made_for_several_accounts_in_one_operation_and_another_operation_is_a_wait()
{
    let service = Service::answering([
        xml("CreateStackInstances", "<OperationId>1</OperationId>"),
        xml("UpdateStackInstances", "<OperationId>2</OperationId>"),
        xml_error(409, "OperationInProgressException"),
    ]);
    let stacks = service.organization().stacks;
    let accounts = [account(), "555566667777".parse().unwrap()];
    stacks.create(&accounts, &[region()]).await.unwrap();
    stacks.update(&accounts, &[region()]).await.unwrap();
    let body = &service.asked()[0].body;
    for part in [
        "DeploymentTargets.Accounts.member.2=555566667777",
        "DeploymentTargets.OrganizationalUnitIds.member.1=r-ab12",
        "DeploymentTargets.AccountFilterType=INTERSECTION",
        "OperationPreferences.FailureTolerancePercentage=100",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(
        stacks
            .create(&accounts, &[region()])
            .await
            .unwrap_err()
            .kind,
        ErrorKind::NotReady
    );
}

#[tokio::test]
async fn an_operation_on_instances_whose_answer_was_lost_is_begun_once() {
    let exists = xml_error(409, "OperationIdAlreadyExistsException");
    let service = Service::answering([(0, String::new()), exists]);
    service
        .organization()
        .stacks
        .create(&[account()], &[region()])
        .await
        .unwrap();
    let asked = service.asked();
    let id = |body: &str| {
        body.split('&')
            .find_map(|field| field.strip_prefix("OperationId=").map(str::to_owned))
    };
    assert_eq!(id(&asked[0].body), id(&asked[1].body));
    assert_eq!(id(&asked[0].body).unwrap().len(), 32);
}

#[tokio::test]
async fn stack_instances_are_read_page_by_page() {
    let page = |region: &str, token: &str| {
        let summary = format!("<member><Region>{region}</Region><Status>CURRENT</Status></member>");
        xml(
            "ListStackInstances",
            &format!("<Summaries>{summary}</Summaries>{token}"),
        )
    };
    let service = Service::answering([
        page("eu-west-1", "<NextToken>a+b/c=</NextToken>"),
        page("us-east-1", ""),
    ]);
    let instances = service
        .organization()
        .stacks
        .list(&account())
        .await
        .unwrap();
    assert_eq!(instances.len(), 2);
    assert!(
        service.asked()[1].body.ends_with("&NextToken=a%2Bb%2Fc%3D"),
        "{}",
        service.asked()[1].body
    );
}
