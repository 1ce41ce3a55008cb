//! Bytes in, units out.

use super::*;

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    message(&mut out, tag, |out| out.put_slice(body));
    out.to_vec()
}

fn cut(cutter: &mut Cutter, bytes: &mut BytesMut) -> Vec<(Vec<u8>, Ends)> {
    cutter.cut(bytes).unwrap().into_iter().map(|unit| (unit.bytes.to_vec(), unit.ends)).collect()
}

#[test]
fn units_end_in_query_sync_and_flush_however_the_bytes_arrive() {
    let pipeline =
        [frame(b'P', b"\0select 1\0\0\0"), frame(b'B', b"\0\0\0\0\0\0\0\0"), SYNC.to_vec()].concat();
    let flushed = [frame(b'D', b"P\0"), frame(b'H', b"")].concat();
    let all = [frame(b'Q', b"begin\0"), pipeline.clone(), flushed.clone(), frame(b'X', b"")].concat();
    let expected =
        vec![(frame(b'Q', b"begin\0"), Ends::Ready), (pipeline, Ends::Ready), (flushed, Ends::Flush)];
    for step in [1, 2, 7, all.len()] {
        let (mut cutter, mut bytes, mut units) = (Cutter::new(1), BytesMut::new(), Vec::new());
        for part in all.chunks(step) {
            bytes.put_slice(part);
            units.extend(cut(&mut cutter, &mut bytes));
        }
        assert_eq!(units, expected, "in parts of {step}");
        assert!(cutter.ended());
    }
}

#[test]
fn names_are_kept_apart_and_closed_at_the_end() {
    let mut cutter = Cutter::new(7);
    let mut bytes = BytesMut::new();
    for part in [
        frame(b'P', b"s0\0select $1\0\0\0"),
        frame(b'D', b"Ss0\0"),
        frame(b'B', b"p0\0s0\0rest"),
        frame(b'E', b"p0\0\0\0\0\0"),
        frame(b'C', b"Pp0\0"),
        SYNC.to_vec(),
    ] {
        bytes.put_slice(&part);
    }
    let expected = [
        frame(b'P', b"7:s0\0select $1\0\0\0"),
        frame(b'D', b"S7:s0\0"),
        frame(b'B', b"7:p0\x007:s0\0rest"),
        frame(b'E', b"7:p0\0\0\0\0\0"),
        frame(b'C', b"P7:p0\0"),
        SYNC.to_vec(),
    ]
    .concat();
    assert_eq!(cut(&mut cutter, &mut bytes), [(expected, Ends::Ready)]);
    assert_eq!(cutter.forget().unwrap(), [frame(b'C', b"S7:s0\0"), SYNC.to_vec()].concat());
    assert!(cutter.forget().is_none());
}

#[test]
fn a_unit_without_names_is_not_copied() {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&[frame(b'P', b"\0select 1\0\0\0"), SYNC.to_vec()].concat());
    let at = bytes.as_ptr();
    let units = Cutter::new(1).cut(&mut bytes).unwrap();
    assert_eq!(units[0].bytes.as_ptr(), at);
}

#[test]
fn copying_in_is_found_and_nothing_else() {
    for sql in ["copy t from stdin", " COPY t (a) FROM STDIN;", "select 1;\ncopy t from STDIN with csv"] {
        assert!(copies_in(sql.as_bytes()), "{sql}");
    }
    for sql in ["copy t to stdout", "select 'copy from stdin'", "select copy, stdin from t", "begin", ""] {
        assert!(!copies_in(sql.as_bytes()), "{sql}");
    }
}

#[test]
fn openings_are_told_apart() {
    let packet = |code: u32| {
        let mut bytes = BytesMut::new();
        bytes.put_u32(8);
        bytes.put_u32(code);
        bytes
    };
    for (code, expected) in [
        (196_608, Opening::Start),
        (80_877_103, Opening::Encryption),
        (80_877_104, Opening::Encryption),
        (80_877_102, Opening::Cancel),
    ] {
        assert_eq!(opening(&mut packet(code)).unwrap(), Some(expected));
    }
    assert!(opening(&mut packet(1)).is_err());
    assert!(opening(&mut BytesMut::from(&b"\0\0"[..])).unwrap().is_none());
    assert!(Cutter::new(1).cut(&mut BytesMut::from(&b"Q\0\0\0\x01"[..])).is_err());
}

#[test]
fn an_answer_ends_in_its_state() {
    assert_eq!(ready_state(b"C\0\0\0\x05xZ\0\0\0\x05T"), Some(b'T'));
    assert_eq!(ready_state(b"C\0\0\0\x05x"), None);
    assert_eq!(ready_state(b""), None);
}
