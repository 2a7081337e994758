//! Pictures of pages, by a browser that has no window.

use std::path::Path;

use tokio::process::Command;

/// Programs that make a picture of a page.
const BROWSERS: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Makes a picture of a page in a window of this many pixels; false without a browser that can.
pub(crate) async fn picture(page: &Path, picture: &Path, size: (u32, u32)) -> bool {
    let (width, height) = size;
    for browser in BROWSERS {
        let mut command = Command::new(browser);
        command
            .args(["--headless", "--disable-gpu", "--hide-scrollbars"])
            // A sandbox can't be made in containers, and the page is ours and loads nothing.
            .arg("--no-sandbox")
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()))
            .kill_on_drop(true);
        let ended = command.output().await;
        if ended.is_ok_and(|output| output.status.success()) && picture.is_file() {
            return true;
        }
    }
    false
}
