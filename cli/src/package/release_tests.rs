//! Releases of servers and folders on this machine.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use clap::ValueEnum as _;

use super::tests::{ARM64, Scene, X86_64, program};
use super::*;

/// What servers are asked: the request line, and the token that came with it.
type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A server that gives each path its answer, byte for byte, and then closes the connection. It ends
/// with the process.
struct Server {
    url: String,
    answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Asked,
}

impl Server {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::<Mutex<BTreeMap<String, Vec<u8>>>>::default();
        let asked = Asked::default();
        let (known, heard) = (Arc::clone(&answers), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(length @ 1..) => request.extend(&buffer[..length]),
                        _ => break,
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let token = request.lines().find_map(|line| {
                    let line = line.to_lowercase();
                    line.strip_prefix("authorization: ").map(str::to_owned)
                });
                heard.lock().unwrap().push((path.clone(), token));
                let answer = known.lock().unwrap().get(&path).cloned();
                let answer = answer.unwrap_or_else(|| answer_of("404 Not Found", "", b""));
                // A client that has read enough hangs up.
                drop(stream.write_all(&answer));
            }
        });
        Self {
            url,
            answers,
            asked,
        }
    }

    fn raw(&self, path: &str, answer: Vec<u8>) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(path.to_owned(), answer);
    }

    fn put(&self, path: &str, body: &[u8]) {
        self.raw(path, answer_of("200 OK", "", body));
    }

    fn leads(&self, path: &str, to: &str) {
        let location = format!("location: {to}\r\n");
        self.raw(path, answer_of("302 Found", &location, b""));
    }

    /// The four programs and their hashes below a path, for arm64.
    fn release(&self, path: &str) {
        for (name, bytes) in assets() {
            self.put(&format!("{path}/{name}"), &bytes);
        }
    }

    fn asked(&self) -> Vec<(String, Option<String>)> {
        self.asked.lock().unwrap().clone()
    }

    fn hosts(&self) -> Hosts<'_> {
        Hosts {
            web: &self.url,
            api: &self.url,
        }
    }
}

fn answer_of(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn names() -> Vec<String> {
    let asset = |function: &Function| format!("{}-arm64", function.name());
    Function::value_variants().iter().map(asset).collect()
}

/// The assets of a release as far as they are packaged. The programs are those of a [`Scene`].
fn assets() -> BTreeMap<String, Vec<u8>> {
    let named = |name: String| {
        let program = program(ARM64, name.trim_end_matches("-arm64").as_bytes());
        (name, program)
    };
    let mut assets: BTreeMap<_, _> = names().into_iter().map(named).collect();
    let line = |(name, bytes): (&String, &Vec<u8>)| format!("{}  {name}\n", sums::sum(bytes));
    let mut listed: String = assets.iter().map(line).collect();
    // What else is released is none of its business.
    listed += &format!("{}  banto-arm64\n", "0".repeat(64));
    assets.insert("SHA256SUMS".to_owned(), listed.into_bytes());
    assets
}

/// A scene that takes the programs of release v0.1.0, and not of its folder.
fn of_release() -> Scene {
    let mut scene = Scene::new();
    scene.options.release = Some("v0.1.0".parse().unwrap());
    scene.options.repository = Some("example-org/banto".parse().unwrap());
    fs::remove_dir_all(&scene.options.binaries).unwrap();
    scene
}

fn of_mirror(from: &str) -> Scene {
    let mut scene = of_release();
    scene.options.from = Some(from.parse().unwrap());
    scene
}

const DOWNLOADS: &str = "/example-org/banto/releases/download/v0.1.0";

#[test]
fn a_release_makes_the_same_zips_as_a_folder_of_the_same_programs() {
    let expected = Scene::new();
    expected.make_with(&[], GITHUB).unwrap();
    let server = Server::new();
    server.release(DOWNLOADS);
    let scene = of_release();
    scene.make_with(&[], server.hosts()).unwrap();
    assert_eq!(scene.files(), expected.files());
    assert!(server.asked().iter().all(|(_, token)| token.is_none()));

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("v0.1.0")).unwrap();
    for (name, bytes) in assets() {
        fs::write(folder.path().join("v0.1.0").join(name), bytes).unwrap();
    }
    let scene = of_mirror(folder.path().to_str().unwrap());
    scene.make_with(&[], GITHUB).unwrap();
    assert_eq!(scene.files(), expected.files());
}

#[test]
fn only_what_is_packaged_is_downloaded() {
    let server = Server::new();
    server.release(DOWNLOADS);
    let mut scene = of_release();
    scene.options.only = Some(Function::NotifyCompliance);
    scene.make_with(&[], server.hosts()).unwrap();
    let paths: Vec<_> = server.asked().into_iter().map(|(path, _)| path).collect();
    let expected = ["SHA256SUMS", "notify-compliance-arm64"];
    assert_eq!(paths, expected.map(|name| format!("{DOWNLOADS}/{name}")));
}

#[test]
fn the_token_goes_to_the_api_and_never_to_where_it_leads() {
    let (github, storage) = (Server::new(), Server::new());
    let mut listed = Vec::new();
    for (id, (name, bytes)) in assets().into_iter().enumerate() {
        let path = format!("/repos/example-org/banto/releases/assets/{id}");
        github.leads(&path, &format!("{}/{name}?signature=1", storage.url));
        storage.put(&format!("/{name}?signature=1"), &bytes);
        listed.push(serde_json::json!({"id": id, "name": name}));
    }
    let release = serde_json::json!({"tag_name": "v0.1.0", "assets": listed});
    let path = "/repos/example-org/banto/releases/tags/v0.1.0";
    github.put(path, release.to_string().as_bytes());
    let expected = Scene::new();
    expected.make_with(&[], GITHUB).unwrap();

    let vars = [("GITHUB_TOKEN", "second"), ("GH_TOKEN", "first")];
    let scene = of_release();
    scene.make_with(&vars, github.hosts()).unwrap();
    assert_eq!(scene.files(), expected.files());
    assert_eq!(github.asked().len(), 6);
    for (path, token) in github.asked() {
        assert_eq!(token.as_deref(), Some("bearer first"), "{path}");
    }
    assert_eq!(storage.asked().len(), 5);
    for (path, token) in storage.asked() {
        assert_eq!(token, None, "{path}");
    }

    // Nor to a mirror.
    let mirror = Server::new();
    mirror.release("/banto/v0.1.0");
    let scene = of_mirror(&format!("{}/banto/", mirror.url));
    scene.make_with(&vars, GITHUB).unwrap();
    assert!(mirror.asked().iter().all(|(_, token)| token.is_none()));
}

#[test]
fn a_token_that_is_refused_is_told_and_not_shown() {
    let server = Server::new();
    let path = "/repos/example-org/banto/releases/tags/v0.1.0";
    server.raw(path, answer_of("401 Unauthorized", "", b""));
    let refusal = of_release().refusal_with(&[("GH_TOKEN", "ghp_secret")], server.hosts());
    assert_eq!(
        refusal,
        "GitHub refuses to read SHA256SUMS of v0.1.0 in example-org/banto with the token of GH_TOKEN or \
         GITHUB_TOKEN: it must be valid and may read contents; a public repository needs none"
    );
    let refusal = of_release().refusal_with(&[("GH_TOKEN", "ghp_sec\u{7}ret")], server.hosts());
    assert_eq!(refusal, "the token of GH_TOKEN or GITHUB_TOKEN is no token");
}

#[test]
fn a_release_that_is_not_there_is_told_with_where_to_look() {
    let server = Server::new();
    assert_eq!(
        of_release().refusal_with(&[], server.hosts()),
        "example-org/banto has no release v0.1.0 with SHA256SUMS, or is private: \
         https://github.com/example-org/banto/releases has them all, and GH_TOKEN opens a private one"
    );
    assert_eq!(
        of_release().refusal_with(&[("GITHUB_TOKEN", "token")], server.hosts()),
        "example-org/banto has no release v0.1.0 with SHA256SUMS, or the token of GH_TOKEN or GITHUB_TOKEN may not \
         read its contents"
    );
    assert_eq!(
        of_mirror(&server.url).refusal(),
        format!(
            "{}/v0.1.0/SHA256SUMS is not there: --from names the URL that has the release's assets in v0.1.0",
            server.url
        )
    );
    let scene = of_mirror("/nowhere/releases");
    assert_eq!(
        scene.refusal(),
        "/nowhere/releases/v0.1.0/SHA256SUMS is not there: --from names the folder that has the release's assets in \
         v0.1.0, as by `gh release download v0.1.0 --dir /nowhere/releases/v0.1.0`"
    );
    let mut scene = of_release();
    scene.options.repository = None;
    assert_eq!(
        scene.refusal(),
        "which repository has the release? Name it, as by --repository example-org/banto, or give its assets by \
         --from"
    );
}

#[test]
fn all_assets_that_a_release_lacks_are_named() {
    let server = Server::new();
    server.release("/v0.1.0");
    let mut scene = of_mirror(&server.url);
    scene.options.arch = Architecture::X86_64;
    assert_eq!(
        scene.refusal(),
        format!(
            "SHA256SUMS of v0.1.0 in {}/v0.1.0 lists no rotate-access-keys-x86_64, onboard-accounts-x86_64, \
             notify-compliance-x86_64, report-compliance-x86_64: it is no release of Banto for x86_64, or not whole",
            server.url
        )
    );
    // It was listed, and was not uploaded.
    let path = "/v0.1.0/onboard-accounts-arm64";
    server.answers.lock().unwrap().remove(path);
    let refusal = of_mirror(&server.url).refusal();
    assert!(
        refusal.contains("onboard-accounts-arm64 is not there"),
        "{refusal}"
    );
}

#[test]
fn all_programs_that_are_not_as_their_hash_says_are_named_and_none_is_packaged() {
    let server = Server::new();
    server.release("/v0.1.0");
    let other = program(ARM64, b"another");
    for name in ["onboard-accounts-arm64", "report-compliance-arm64"] {
        server.put(&format!("/v0.1.0/{name}"), &other);
    }
    let refusal = of_mirror(&server.url).refusal();
    let (listed, is) = (assets(), sums::sum(&other));
    let should = |name: &str| sums::sum(&listed[name]);
    assert_eq!(
        refusal,
        format!(
            "what {}/v0.1.0 gave is not what SHA256SUMS of v0.1.0 says, so nothing was written:\n\
             onboard-accounts-arm64 is {is}, and not {}\n\
             report-compliance-arm64 is {is}, and not {}\n\
             Try again. If it stays so, the release was changed, or someone is in between: don't use it",
            server.url,
            should("onboard-accounts-arm64"),
            should("report-compliance-arm64"),
        )
    );
    server.put("/v0.1.0/SHA256SUMS", b"<html>sign in</html>\n");
    assert_eq!(
        of_mirror(&server.url).refusal(),
        format!(
            "SHA256SUMS of v0.1.0 in {}/v0.1.0 can't be read: line 1 is not a SHA-256 and a name",
            server.url
        )
    );
}

#[test]
fn a_body_that_breaks_off_is_told() {
    let server = Server::new();
    server.release("/v0.1.0");
    let mut cut = answer_of("200 OK", "", &assets()["notify-compliance-arm64"]);
    cut.truncate(cut.len() - 1);
    server.raw("/v0.1.0/notify-compliance-arm64", cut);
    let refusal = of_mirror(&server.url).refusal();
    assert!(
        refusal.starts_with("the download of notify-compliance-arm64 of v0.1.0 broke off: "),
        "{refusal}"
    );
}

#[test]
fn a_body_without_end_is_not_read_to_it() {
    let server = Server::new();
    server.release("/v0.1.0");
    let long = vec![b'0'; 64 * 1024 + 1];
    server.put("/v0.1.0/SHA256SUMS", &long);
    let too_large = "has more than 65536 bytes, so it is not Banto's";
    let refusal = of_mirror(&server.url).refusal();
    assert_eq!(
        refusal,
        format!("SHA256SUMS of v0.1.0 in {}/v0.1.0 {too_large}", server.url)
    );
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("v0.1.0")).unwrap();
    fs::write(folder.path().join("v0.1.0/SHA256SUMS"), &long).unwrap();
    let refusal = of_mirror(folder.path().to_str().unwrap()).refusal();
    assert!(refusal.ends_with(too_large), "{refusal}");
}

#[test]
fn redirects_are_followed_to_https_only_and_a_few_times() {
    let server = Server::new();
    server.release("/moved");
    for (name, _) in assets() {
        server.leads(&format!("/v0.1.0/{name}"), &format!("/again/{name}"));
        server.leads(
            &format!("/again/{name}"),
            &format!("{}/moved/{name}", server.url),
        );
    }
    let scene = of_mirror(&server.url);
    scene.make_with(&[], GITHUB).unwrap();
    assert_eq!(scene.files().len(), 9);

    let told = |to: &str| {
        format!(
            "{}/v0.1.0 leads to {to} for SHA256SUMS of v0.1.0, and only a few redirects to https are followed",
            server.url
        )
    };
    let sums = "/v0.1.0/SHA256SUMS";
    // What a URL signs is nobody else's.
    server.leads(sums, "http://storage.example.com:8080/x?signature=secret");
    assert_eq!(
        of_mirror(&server.url).refusal(),
        told("http://storage.example.com:8080")
    );
    server.leads(sums, "ftp://storage.example.com/x");
    assert_eq!(
        of_mirror(&server.url).refusal(),
        told("ftp://storage.example.com")
    );
    server.raw(sums, answer_of("302 Found", "", b""));
    assert_eq!(of_mirror(&server.url).refusal(), told("nowhere"));
    server.leads(sums, sums);
    assert_eq!(
        of_mirror(&server.url).refusal(),
        told("more than four others")
    );
}

#[test]
fn a_server_that_is_not_reached_is_named_with_the_other_way() {
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refusal = of_mirror(&url).refusal();
    assert!(
        refusal.starts_with(&format!("can't reach {url} for SHA256SUMS of v0.1.0: ")),
        "{refusal}"
    );
    assert!(refusal.contains("give them by --from"), "{refusal}");

    let server = Server::new();
    let unavailable = answer_of("503 Service Unavailable", "", b"");
    server.raw("/v0.1.0/SHA256SUMS", unavailable);
    assert_eq!(
        of_mirror(&server.url).refusal(),
        format!(
            "{}/v0.1.0 does not give SHA256SUMS of v0.1.0, but HTTP status 503: try again later",
            server.url
        )
    );
}

#[test]
fn a_program_of_another_architecture_than_its_name_says_is_refused() {
    let server = Server::new();
    server.release("/v0.1.0");
    let mut sums = String::new();
    for name in names() {
        let bytes = program(X86_64, name.as_bytes());
        sums += &format!("{}  {name}\n", sums::sum(&bytes));
        server.put(&format!("/v0.1.0/{name}"), &bytes);
    }
    server.put("/v0.1.0/SHA256SUMS", sums.as_bytes());
    assert_eq!(
        of_mirror(&server.url).refusal(),
        format!(
            "v0.1.0 of {}/v0.1.0 has for x86_64 what it calls rotate-access-keys-arm64",
            server.url
        )
    );
}

#[test]
fn tags_repositories_and_mirrors_are_read_strictly() {
    for tag in ["v0.1.0", "v10.20.30"] {
        assert_eq!(tag.parse::<Tag>().unwrap().to_string(), tag);
    }
    for tag in [
        "",
        "v",
        "0.1.0",
        "v0.1",
        "v0.1.0.0",
        "v0.1.x",
        "v0.01.0",
        "v0.1.0-rc",
        "v0..0",
        "v0/1/0",
    ] {
        assert!(tag.parse::<Tag>().is_err(), "{tag}");
    }
    for repository in ["example-org/banto", "a/b.c_d-e"] {
        let parsed = repository.parse::<Repository>().unwrap();
        assert_eq!(parsed.to_string(), repository);
    }
    for repository in [
        "", "banto", "/banto", "a/", "a/b/c", "a/..", "a/b c", "a_b/c", "a/b?c",
    ] {
        assert!(repository.parse::<Repository>().is_err(), "{repository}");
    }
    for mirror in [
        "https://mirror.example.com/banto",
        "http://127.0.0.1:8080",
        "http://localhost/x",
    ] {
        let expected = Mirror::Web(mirror.to_owned());
        assert_eq!(mirror.parse::<Mirror>().unwrap(), expected);
    }
    for mirror in [
        "http://mirror.example.com",
        "ftp://127.0.0.1/x",
        "https://mirror.example.com/?a=b",
        "https://",
        "http://127.0.0.1.example.com",
    ] {
        assert!(mirror.parse::<Mirror>().is_err(), "{mirror}");
    }
    let folder = "../releases".parse::<Mirror>().unwrap();
    assert_eq!(folder, Mirror::Folder("../releases".into()));
}
