//! What the one tag costs a page.

use std::process::Stdio;

use switchboard_tests::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Shop;

const MOST: usize = 25 * 1024;

pub(super) async fn a_page_with_the_tag_loads_at_most_25_kib(world: World) -> Result<()> {
    world.start().await?;
    let mut sizes = Vec::new();
    for path in loaded(&world).await? {
        sizes.push((zipped(&world.get(&path).await?.bytes().await?).await?, path));
    }
    let sum: usize = sizes.iter().map(|(size, _)| size).sum();
    ensure!(sum <= MOST, "{sum} bytes: {sizes:?}");
    Ok(())
}

pub(super) async fn a_page_with_the_tag_loads_only_what_was_weighed(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("hello").await?;
    shop.shows_said(&["hello"]).await?;
    let fetched = shop
        .ask(
            "return performance.getEntriesByType('resource').map(({ name }) => new URL(name))
               .filter(({ protocol }) => protocol !== 'data:').map(({ pathname }) => pathname).sort()",
        )
        .await?;
    let mut weighed = loaded(&world).await?;
    weighed.sort();
    ensure!(fetched == json!(weighed), "fetched {fetched}, weighed {weighed:?}");
    shop.close().await
}

/// The paths of the script and of all that it imports; what it fetches when it is needed aside.
async fn loaded(world: &World) -> Result<Vec<String>> {
    let mut paths = vec!["/widget.js".to_owned()];
    let mut next = 0;
    while let Some(path) = paths.get(next) {
        next += 1;
        let here = reqwest::Url::parse(&world.url(path))?;
        let response = world.get(path).await?.error_for_status()?;
        for name in response.text().await?.lines().filter_map(imported) {
            let path = here.join(name)?.path().to_owned();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// `./a.js` of `import { a } from "./a.js";`
fn imported(line: &str) -> Option<&str> {
    let from =
        line.strip_prefix("import ").or_else(|| line.strip_prefix("export "))?.split_once(" from \"")?.1;
    from.split('"').next()
}

/// The size after `gzip -9`.
async fn zipped(file: &[u8]) -> Result<usize> {
    let mut gzip = Command::new("gzip")
        .args(["-9", "--no-name", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("running gzip")?;
    gzip.stdin.take().context("its input is a pipe")?.write_all(file).await?;
    let output = within("gzip", async { Ok(gzip.wait_with_output().await?) }).await?;
    ensure!(output.status.success(), "gzip: {}", output.status);
    Ok(output.stdout.len())
}
