# Two commands do everything: `make demo` and `make test`.

.PHONY: demo test lint bench clean

## Builds, then runs the main job end to end on the bundled files.
demo:
	cargo run --release --locked -- demo

## Installs what the tests need, then runs every test.
test:
	tests/run.sh

## What CI checks before the tests.
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
	else echo "SKIPPED: cargo-deny is not installed (cargo install cargo-deny)"; fi

## The figures of benches/README.md.
bench:
	benches/run.sh

clean:
	cargo clean
	rm -rf demo-out
