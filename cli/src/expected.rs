//! Screens that people have looked at: what commands show, at 80 and at 140 columns.

use std::path::Path;

use banto_fake::assert_as_committed;

use crate::terminal::Screen;

/// Widths at which each screen is held.
const WIDTHS: [u16; 2] = [80, 140];

/// Holds what a command shows against `cli/expected/NAME.WIDTH.txt`. With `BLESS=1` the files are
/// written anew; look at them.
pub(crate) fn holds(name: &str, show: impl Fn(&Screen) -> String) {
    for width in WIDTHS {
        let text = show(&Screen::plain(width));
        for line in text.lines() {
            let columns = console::measure_text_width(line);
            // A word that nothing may break, as an ARN or a command, is longer if it must be.
            let is_one_word = line.trim().trim_end_matches(" \\").split(' ').count() == 1;
            assert!(
                columns <= usize::from(width) || is_one_word,
                "{name}, {columns} columns of {width}: {line}"
            );
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected");
        let file = folder.join(format!("{name}.{width}.txt"));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        assert_as_committed(file, &text);
    }
}
