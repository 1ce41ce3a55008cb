//! What becomes of documents, and what never does.

use super::*;

fn texts(chunks: &[Chunk]) -> Vec<(&str, &str)> {
    chunks.iter().map(|chunk| (chunk.heading.as_str(), chunk.text.as_str())).collect()
}

fn markdown(text: &str) -> Page {
    read(Format::Markdown, text.as_bytes().to_vec()).unwrap()
}

/// Sentences that can be told apart, of ten words each.
fn prose(from: usize, upto: usize) -> String {
    let sentence = |number| format!("Sentence number {number} says what the eight words here say.");
    (from..upto).map(sentence).collect::<Vec<_>>().join(" ")
}

#[test]
fn short_sections_stand_together_under_their_headings() {
    let page = markdown(
        "# Cards\n\nAll about cards.\n\n## Lost\n\nLock *it* in the\n[app](/app).\n\n## Found\n\nUnlock it.\n",
    );
    assert_eq!(page.title.as_deref(), Some("Cards"));
    assert_eq!(
        texts(&page.chunks),
        [("", "All about cards.\n\n## Lost\n\nLock it in the app.\n\n## Found\n\nUnlock it.")]
    );
}

#[test]
fn a_section_of_its_own_size_is_a_chunk_with_its_path() {
    let text =
        format!("# Cards\n\n## Lost\n\n### Abroad\n\n{}\n\n## Found\n\n{}\n", prose(0, 15), prose(15, 30));
    let page = markdown(&text);
    assert_eq!(
        texts(&page.chunks),
        [("Lost › Abroad", prose(0, 15).as_str()), ("Found", prose(15, 30).as_str())]
    );
}

#[test]
fn a_long_section_is_parted_between_sentences_and_overlaps() {
    let page = markdown(&format!("# Cards\n\n## Lost\n\n{}\n", prose(0, 60)));
    assert!(page.chunks.len() >= 3, "{:?}", page.chunks);
    for pair in page.chunks.windows(2) {
        let [one, next] = pair else { unreachable!() };
        let last = sentences::sentences(&one.text).last().copied().unwrap();
        assert!(next.text.contains(last), "the end is repeated");
        assert_eq!(next.heading, "Lost");
    }
    for chunk in &page.chunks {
        let words = chunk.text.split_whitespace().count();
        assert!((120..=240).contains(&words), "{words} words");
        assert!(chunk.text.starts_with("Sentence number") && chunk.text.ends_with("here say."));
    }
    let all: Vec<_> = page.chunks.iter().flat_map(|chunk| sentences::sentences(&chunk.text)).collect();
    assert!((0..60).all(|number| {
        all.contains(&format!("Sentence number {number} says what the eight words here say.").as_str())
    }));
}

#[test]
fn lists_tables_and_code_keep_their_lines() {
    let text = "# Plans\n\n- Gold, with **all**\n- Silver\n  and less\n\n1. First\n2. Second\n\n| Plan | Price |\n|---|---|\n| Gold | 10 |\n| Silver | 5 |\n\n```sh\nrun  --now\nstop\n```\n";
    let page = markdown(text);
    assert_eq!(
        page.chunks[0].text,
        "- Gold, with all\n- Silver and less\n1. First\n2. Second\n- Plan: Gold; Price: 10\n- Plan: Silver; Price: 5\n\nrun  --now\nstop"
    );
}

#[test]
fn metadata_before_markdown_gives_the_title() {
    let page = markdown("---\ntitle: \"About cards\"\ntags: [a]\n---\n\n# Cards\n\nText.\n");
    assert_eq!(page.title.as_deref(), Some("About cards"));
    assert_eq!(texts(&page.chunks), [("Cards", "Text.")]);
}

#[test]
fn html_is_read_without_what_is_around_it() {
    let text = "<!DOCTYPE html><html><head><title>Cards | Bank</title><style>p{}</style><script>if (a < b) { x('<p>no</p>') }</script></head>
      <body><nav><ul><li>Home</ul></nav><header>Logo</header><main><h1>Lost &amp; found</h1><p>Lock it<br>now.<p>Call&nbsp;us.
      <h2>Steps</h2><ol><li>Open<li>Lock</ol><table><tr><th>Plan<th>Price<tr><td>Gold<td>10</table><pre>a\n  b</pre></main><footer>Imprint</footer></body></html>";
    let page = read(Format::Html, text.as_bytes().to_vec()).unwrap();
    assert_eq!(page.title.as_deref(), Some("Lost & found"));
    assert_eq!(
        texts(&page.chunks),
        [("", "Lock it now.\n\nCall us.\n\n## Steps\n\n1. Open\n2. Lock\n- Plan: Gold; Price: 10\n\na\n  b")]
    );
    let page = read(Format::Html, b"<title>Cards</title><p>Lock it.".to_vec()).unwrap();
    assert_eq!((page.title.as_deref(), page.chunks[0].text.as_str()), (Some("Cards"), "Lock it."));
}

#[test]
fn plain_text_is_read_by_its_paragraphs() {
    let text = "Lost cards\n\nA card is\nlost. Lock it.\n\nWhat to do\n\n- Open the app\n- Press Lock\n\nThe trans-\nfer ends.\n";
    let page = read(Format::Plain, text.as_bytes().to_vec()).unwrap();
    assert_eq!(page.title.as_deref(), Some("Lost cards"));
    assert_eq!(
        texts(&page.chunks),
        [(
            "",
            "A card is lost. Lock it.\n\n## What to do\n\n- Open the app\n- Press Lock\n\nThe transfer ends."
        )]
    );
}

#[test]
fn a_pdf_is_read_and_a_broken_one_is_an_error() {
    let pdf = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/files/lost-cards.pdf"));
    let page = read(Format::Pdf, pdf.to_vec()).unwrap();
    assert_eq!(page.title.as_deref(), Some("Lost cards"));
    assert!(
        page.chunks[0].text.contains("a locked card can be unlocked if it turns up. A stolen card should"),
        "{page:?}"
    );
    for broken in [&b""[..], b"nonsense", b"%PDF-1.7\n", &pdf[..pdf.len() / 2]] {
        let error = read(Format::Pdf, broken.to_vec()).unwrap_err();
        assert!(matches!(error, ReadError::Pdf(_) | ReadError::Empty), "{error:?}");
    }
    // Damage anywhere is an error or a poorer text, never a crash.
    for at in (0..pdf.len()).step_by(97) {
        let mut damaged = pdf.to_vec();
        damaged[at] ^= 0x55;
        let _ = read(Format::Pdf, damaged);
    }
}

#[test]
fn what_is_no_text_is_named() {
    assert_eq!(read(Format::Plain, vec![0xff, 0xfe, 0x41]), Err(ReadError::NotText));
    assert_eq!(read(Format::Markdown, b"a\0b".to_vec()), Err(ReadError::Nul));
    assert_eq!(read(Format::Markdown, b" \n\n".to_vec()), Err(ReadError::Empty));
    assert_eq!(read(Format::Html, b"<nav>Home</nav><script>x".to_vec()), Err(ReadError::Empty));
    assert_eq!(read(Format::Plain, vec![b'a'; MOST_CHARACTERS + 1]), Err(ReadError::TooLong));
    assert_eq!(markdown("\u{feff}# Cards\n\nText").title.as_deref(), Some("Cards"));
}

#[test]
fn a_text_without_end_is_parted_all_the_same() {
    for text in ["word ".repeat(20_000), "x".repeat(100_000), "锁定卡片".repeat(20_000)] {
        let chunks = chunks("Title", &text);
        assert!(chunks.len() > 10, "{}", chunks.len());
        for chunk in &chunks {
            assert!(chunk.text.len() <= 16_000, "{}", chunk.text.len());
        }
        let signs = |text: &str| text.chars().filter(|sign| !sign.is_whitespace()).count();
        let kept: usize = chunks.iter().map(|chunk| signs(&chunk.text)).sum();
        assert!(kept >= signs(&text), "nothing is lost");
    }
}

#[test]
fn a_text_without_a_name_is_markdown_or_html() {
    assert_eq!(texts(&chunks("Cards", "# Cards\n\nLock it.")), [("", "Lock it.")]);
    assert_eq!(texts(&chunks("Cards", " <html><p>Lock it.</p>")), [("", "Lock it.")]);
    assert_eq!(texts(&chunks("Cards", "# Only a heading")), [("", "# Only a heading")]);
    assert_eq!(texts(&chunks("Cards", "1 < 2 and done")), [("", "1 < 2 and done")]);
    assert!(chunks("Cards", "  ").is_empty() && chunks("Cards", "<html><script>x</script>").is_empty());
}

#[test]
fn every_page_that_is_shipped_is_chunked_well() {
    let presets = Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    let mut folders = vec![presets];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if Format::of(&path) == Some(Format::Markdown) {
                let page = markdown(&std::fs::read_to_string(&path).unwrap());
                for chunk in &page.chunks {
                    let words = chunk.text.split_whitespace().count();
                    assert!((20..=240).contains(&words), "{}: {words} words: {chunk:?}", path.display());
                }
                count += 1;
            }
        }
    }
    assert!(count > 50, "only {count} pages");
}
