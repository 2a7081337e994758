//! Tells operators.
//!
//! A notice is sent at least once: what was sent is marked after it was, by its id, which says all
//! that the notice says.

use banto_domain::Month;
use banto_domain::compliance::short_hash;
use banto_lambda::InvocationError;
use banto_notice::Notice;
use banto_ports::NewObject;

use crate::failure;
use crate::ports::Ports;
use crate::store::notice_key;
use crate::time::RunTime;

/// Sends a notice, unless the same was sent before. Without a way to operators the log has it.
///
/// # Errors
/// If nobody could be told, or the store can't say whether anybody was.
pub async fn send_once(
    ports: &Ports,
    month: Month,
    notice: &Notice,
    time: RunTime<'_>,
) -> Result<(), InvocationError> {
    let Some(sender) = &ports.notice_sender else {
        tracing::info!(notice.headline, "notice");
        return Ok(());
    };
    let key = notice_key(month, &short_hash(&[&notice.id]));
    let sent = ports.store.get(&key).await.map_err(failure::port)?;
    if sent.is_some() {
        return Ok(());
    }
    let delivered = sender.send(notice, time.left()).await;
    delivered.map_err(|error| InvocationError::new("NobodyTold", error))?;
    let mark = NewObject {
        key,
        media_type: "text/plain; charset=utf-8",
        encoding: None,
        body: notice.id.clone().into_bytes(),
    };
    ports.store.put(mark).await.map_err(failure::port)
}
