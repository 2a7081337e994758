//! Mails as files, in place of SES: each opens in a mail program as its receivers would see it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use banto_domain::Month;
use banto_ports::{Clock, Mail, Mailer, NewObject, PortError, ReportStore};

use super::eml::eml;
use super::folder::Folder;

/// Writes mails to a folder.
pub struct MailFiles {
    folder: Folder,
    month: Month,
    clock: Arc<dyn Clock>,
    written: Mutex<BTreeSet<String>>,
}

impl MailFiles {
    /// Writes the mails of a month beneath a folder.
    pub fn new(folder: Folder, month: Month, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder,
            month,
            clock,
            written: Mutex::default(),
        }
    }

    /// The keys of what was written so far.
    pub fn written(&self) -> Vec<String> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.iter().cloned().collect()
    }

    /// A key by the first receiver, whom another mail may have, too.
    fn key(&self, mail: &Mail) -> String {
        let receiver = mail.to.first().map_or("nobody", String::as_str);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.');
        let name: String = receiver
            .chars()
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = format!("mails/{}/{name}.eml", self.month);
        let mut count = 1;
        while !written.insert(key.clone()) {
            count += 1;
            key = format!("mails/{}/{name}-{count}.eml", self.month);
        }
        key
    }
}

#[async_trait]
impl Mailer for MailFiles {
    async fn send(&self, mail: &Mail) -> Result<(), PortError> {
        let object = NewObject {
            key: self.key(mail),
            media_type: "message/rfc822",
            encoding: None,
            body: eml(mail, self.clock.now()),
        };
        self.folder.put(object).await
    }
}

impl std::fmt::Debug for MailFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailFiles").finish_non_exhaustive()
    }
}
