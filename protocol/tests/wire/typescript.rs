//! The declarations in `static/` are those of the types.

use std::path::Path;

use switchboard_protocol::typescript;

#[test]
fn the_declarations_have_not_drifted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/protocol.d.ts");
    let made = typescript::declarations();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "static/protocol.d.ts is not that of the types; make it anew with\n  \
         UPDATE_GOLDEN=1 cargo test -p switchboard-protocol --test wire typescript\nand commit it."
    );
}
