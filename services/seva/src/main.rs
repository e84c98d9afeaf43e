//! The program `seva`.

use seva::commands::Cli;
use seva_runtime::config::EXIT_USAGE;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    // Before anything makes a connection: with two providers among the dependencies rustls would not choose one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| {
        let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
        let _ = error.print();
        std::process::exit(code);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(seva::failure::Failure::Unavailable(format!("threads cannot be started: {error}"))),
    };
    if let Err(failure) = ended {
        eprintln!("seva: {failure}");
        std::process::exit(failure.exit_code());
    }
}
