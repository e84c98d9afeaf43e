//! A mail server in the test's own process, which no fault hits: it counts what was really handed over.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// How often each message was taken, by the part of its Message-ID that is the notification's id.
type Taken = Arc<Mutex<BTreeMap<String, u32>>>;

/// A mail server that takes everything. It ends with this value.
#[derive(Debug)]
pub struct MailServer {
    /// Where it listens, as the services are told.
    pub url: String,
    taken: Taken,
    _serving: JoinSet<()>,
}

impl MailServer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("some port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let taken = Taken::default();
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&taken);
        serving.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let taken = Arc::clone(&shared);
                // A client that was killed breaks its conversation off.
                conversations.spawn(async move { converse(connection, &taken).await.ok() });
                while conversations.try_join_next().is_some() {}
            }
        });
        Self { url: format!("smtp://{address}?tls=none"), taken, _serving: serving }
    }

    /// How often each message was taken.
    pub fn taken(&self) -> BTreeMap<String, u32> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn converse(connection: TcpStream, taken: &Taken) -> std::io::Result<()> {
    let (reading, mut writing) = connection.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 a test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match command.as_str() {
            "QUIT" => "221 bye\r\n",
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                let mut id = None;
                loop {
                    let Some(line) = lines.next_line().await? else { return Ok(()) };
                    if line == "." {
                        break;
                    }
                    let found = line.strip_prefix("Message-ID: <").and_then(|rest| rest.split('@').next());
                    id = id.or_else(|| found.map(str::to_owned));
                }
                // From here on it counts as taken, whether or not the client hears of it.
                let id = id.unwrap_or_else(|| "without a Message-ID".to_owned());
                *taken.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
                "250 taken\r\n"
            }
            _ => "250 fine\r\n",
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
