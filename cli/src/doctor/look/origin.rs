//! Where things come from: the module that makes each, and where the name is said by which it is
//! looked for.

/// The functions, by the names that their modules always give them.
pub(super) const ROTATE: &str = "banto-rotate-access-keys";
pub(super) const ONBOARD: &str = "banto-onboard-accounts";
pub(super) const NOTIFY: &str = "banto-notify-compliance";
pub(super) const REPORT: &str = "banto-report-compliance";

/// The queue of requests to rotate-access-keys, unless the module is told another name.
pub(super) const REQUESTS: &str = "banto-rotation";
/// The topic that alarms go to, unless the module is told another name.
pub(super) const ALARMS: &str = "banto-alarms";
/// The StackSet that brings compliance changes.
pub(super) const FORWARDING: &str = "banto-event-forwarding";

/// What is behind a queue's name in that of its dead letter queue.
pub(super) const DEAD: &str = "-dead";
/// What is behind a function's name in that of the queue of its failed runs.
pub(super) const FAILED: &str = "-failed";

/// Where a name is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// In the policy, by this key.
    Policy(&'static str),
    /// By the module's default, where this variable of the module says nothing else.
    Default(&'static str),
    /// By the module, which always calls it so.
    Module,
}

/// Where a thing comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// The module's folder in infra/modules.
    pub(super) module: &'static str,
    pub(super) named: Named,
    /// What stands behind that name, or nothing.
    pub(super) behind: &'static str,
}

impl Origin {
    pub(super) const fn new(module: &'static str, named: Named) -> Self {
        Self {
            module,
            named,
            behind: "",
        }
    }

    /// The same with this behind the name.
    pub(super) const fn with(self, behind: &'static str) -> Self {
        Self { behind, ..self }
    }

    /// What is always called so by the module of this function.
    pub(super) fn of_function(name: &'static str) -> Self {
        Self::new(module_of(name), Named::Module)
    }

    /// Where the name comes from, and what makes the thing again. What is Terraform's is applied by
    /// whoever applies the account's root.
    pub(super) fn steps(self) -> [String; 3] {
        let behind = match self.behind {
            "" => String::new(),
            behind => format!(", with {behind} behind it"),
        };
        let name = match self.named {
            Named::Policy(key) => format!("its name is the policy's {key}{behind}"),
            Named::Default(variable) => format!(
                "its name is the module's default{behind}: the policy has none, and the module's \
                 variable \"{variable}\" may have another one"
            ),
            Named::Module => format!("the module always calls it so{behind}"),
        };
        let [apply, command] = self.apply();
        [name, apply, command]
    }

    /// What applies the module.
    pub(super) fn apply(self) -> [String; 2] {
        [
            format!(
                "apply the module {}: in the folder of this account's root (docs/DEPLOY.md), or by \
                 the pipeline",
                self.module
            ),
            "$ terraform apply".to_owned(),
        ]
    }
}

/// The module of a function: its name without the prefix.
pub(super) fn module_of(function: &'static str) -> &'static str {
    function.strip_prefix("banto-").unwrap_or(function)
}
