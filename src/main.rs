//! The `tamis` binary: hands over to the command line.

fn main() -> std::process::ExitCode {
    tamis::app::main()
}
