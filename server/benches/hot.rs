//! How long the pure parts of the hot path take: `cargo bench -p switchboard-server --bench hot`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use switchboard_server::hot::{Batch, Fanout, Session, decode, request};

/// Conversations that one commit carries on a busy server.
const BUSY: u32 = 256;

fn hot(criterion: &mut Criterion) {
    let text = request();
    criterion.bench_function("frame decode", |bench| bench.iter(|| decode(black_box(&text))));

    let fanout = Fanout::new();
    criterion.bench_function("fan-out encode", |bench| bench.iter(|| black_box(&fanout).encode()));

    criterion.bench_function("session step", |bench| {
        bench.iter_batched_ref(Session::new, Session::step, BatchSize::SmallInput);
    });

    let mut group = criterion.benchmark_group("writer batch");
    group.throughput(Throughput::Elements(BUSY.into()));
    let batch = Batch::of(BUSY);
    group.bench_function("256 conversations", |bench| bench.iter(|| black_box(&batch).steps()));
    group.finish();
}

criterion_group!(benches, hot);
criterion_main!(benches);
