//! Developers, each at a desk with the command, and what stands between them and AWS.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use banto::local::function_binary;
use banto::local::proxy::Proxy;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::super::desk::Desk;
use super::super::town::{Person, Town};

/// Developers, each with the command, and what stands between them and AWS.
pub struct Office {
    pub town: Town,
    pub proxy: Proxy,
    /// Ends the proxy's thread when it is dropped.
    _end: oneshot::Sender<()>,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub said: String,
    pub complained: String,
}

impl Office {
    pub async fn of(names: &[&'static str]) -> Self {
        let town = Town::of(names, "certs/").await;
        let banto = function_binary("banto", &|_| {}).await.unwrap();
        for person in &town.people {
            symlink(&banto, person.desk.path("bin/banto")).unwrap();
            person.desk.write("banto.toml", &town.policy());
        }
        let (proxy, end) = aside(town.local.moto.endpoint()).await;
        Self {
            town,
            proxy,
            _end: end,
        }
    }

    /// Runs the command at a desk, at the simulated time.
    pub fn banto(&self, desk: &Desk, arguments: &str) -> Ended {
        self.shell(desk, &format!("banto {arguments}"))
    }

    pub fn shell(&self, desk: &Desk, command: &str) -> Ended {
        let output = desk.try_run(&self.with_variables(command), "");
        Ended {
            code: output.status.code().unwrap(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A command of the shell at the simulated time, before the proxy.
    pub fn with_variables(&self, command: &str) -> String {
        let ahead = self.town.local.now.duration_since(Timestamp::now());
        format!(
            "export AWS_ENDPOINT_URL={} BANTO_CLOCK_OFFSET_SECONDS={}; {command}",
            self.proxy.endpoint(),
            ahead.as_secs()
        )
    }

    /// Runs the command, which must end so and say this on standard output or standard error.
    pub fn says(&self, person: &Person, arguments: &str, code: i32, words: &str) -> Ended {
        self.shell_says(person, &format!("banto {arguments}"), code, words)
    }

    /// The same of any command of the shell.
    pub fn shell_says(&self, person: &Person, command: &str, code: i32, words: &str) -> Ended {
        let ended = self.shell(&person.desk, command);
        let text = format!("{}\n{}", ended.said, ended.complained);
        assert_eq!(ended.code, code, "{command}\n{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{command}: {words}\n{text}");
        ended
    }
}

/// A proxy in a thread of its own: the test's waits for the commands.
async fn aside(target: &str) -> (Proxy, oneshot::Sender<()>) {
    let ((tell, told), (end, ended)) = (oneshot::channel(), oneshot::channel());
    let target = target.to_owned();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let proxy = Proxy::start(&target).await.unwrap();
            drop(tell.send(proxy));
            let _dropped = ended.await;
        });
    });
    (told.await.unwrap(), end)
}

/// The key of the profile that a developer uses.
pub fn profile(desk: &Desk) -> (String, String) {
    let text = fs::read_to_string(desk.path(".aws/credentials")).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim_start_matches([' ', '=']).to_owned()
    };
    (value("aws_access_key_id"), value("aws_secret_access_key"))
}

/// The files below a folder that have a text in them.
pub fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files_with(&path, text));
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            if bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.push(path);
            }
        }
    }
    found
}
