//! Starts the operations on the StackSet that the accounts of a batch ask for.

use banto_domain::Region;
use banto_domain::status::Condition;
use banto_ports::PortError;

use super::operations::{Operation, operations};
use super::outcome::Converged;
use super::ports::Ports;
use super::reasons::stack_set_reason;

/// Starts the operations. The regions of one that can't be started get the reason why.
pub async fn apply(ports: &Ports, converged: &mut [Converged]) {
    let asked = converged
        .iter()
        .map(|it| (&it.status.account, &it.instances));
    for operation in operations(asked) {
        match start(ports, &operation).await {
            Ok(()) => tracing::info!(operation = ?operation, "StackSet operation started"),
            Err(error) => {
                tracing::warn!(operation = ?operation, %error, "StackSet operation not started");
                let condition = stack_set_reason(&error).condition();
                for account in converged.iter_mut() {
                    if operation.accounts().contains(&account.status.account) {
                        set_conditions(account, operation.regions(), &condition);
                    }
                }
            }
        }
    }
}

async fn start(ports: &Ports, operation: &Operation) -> Result<(), PortError> {
    let stack_instances = ports.stack_instances.as_ref();
    match operation {
        Operation::Create { accounts, regions } => stack_instances.create(accounts, regions).await,
        Operation::Update { accounts, regions } => stack_instances.update(accounts, regions).await,
    }
}

fn set_conditions(account: &mut Converged, regions: &[Region], condition: &Condition) {
    for region in regions {
        let regions = &mut account.status.conditions.regions;
        regions.insert(region.clone(), condition.clone());
    }
}
