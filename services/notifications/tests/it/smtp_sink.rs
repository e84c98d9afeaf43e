//! A small mail server that speaks SMTP over TCP: it keeps what it takes, and refuses or falls silent when it is told to.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use seva_runtime::tasks::{OnFailure, Tasks};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the next conversation is to do instead of taking the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    RefuseRecipient(&'static str),
    RefuseMessage(&'static str),
    /// Takes the message to its end and closes without an answer.
    HangUpAfterMessage,
    /// Closes when it hears DATA.
    HangUpBeforeMessage,
}

#[derive(Clone, Default)]
pub struct Sink {
    mails: Arc<Mutex<Vec<String>>>,
    moods: Arc<Mutex<Vec<Mood>>>,
}

impl Sink {
    /// Starts a server; answers it and its URL.
    pub async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let sink = Self::default();
        let (served, tasks) = (sink.clone(), Tasks::new());
        let accepting = tasks.clone();
        tasks.spawn("mail server", OnFailure::Log, async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sink = served.clone();
                accepting.spawn("conversation", OnFailure::Log, async move {
                    // A client may leave at any moment.
                    let _ = sink.converse(stream).await;
                    Ok::<_, Infallible>(())
                });
            }
            #[expect(unreachable_code, reason = "the type of the task's result")]
            Ok::<_, Infallible>(())
        });
        (sink, url)
    }

    pub fn will(&self, mood: Mood) {
        self.moods.lock().unwrap().push(mood);
    }

    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.get_mut().write_all(b"220 sink.example ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.to_ascii_uppercase();
            let mood = self.moods.lock().unwrap().first().copied();
            let answer = match (command.split([' ', ':', '\r']).next().unwrap(), mood) {
                ("EHLO", _) => "250-sink.example\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
                ("RCPT", Some(Mood::RefuseRecipient(answer))) => {
                    self.moods.lock().unwrap().remove(0);
                    answer.to_owned()
                }
                ("DATA", Some(Mood::HangUpBeforeMessage)) => {
                    self.moods.lock().unwrap().remove(0);
                    return Ok(());
                }
                ("DATA", _) => {
                    stream.get_mut().write_all(b"354 go on\r\n").await?;
                    let mail = read_mail(&mut stream).await?;
                    match mood {
                        Some(Mood::HangUpAfterMessage) => {
                            self.moods.lock().unwrap().remove(0);
                            return Ok(());
                        }
                        Some(Mood::RefuseMessage(answer)) => {
                            self.moods.lock().unwrap().remove(0);
                            answer.to_owned()
                        }
                        _ => {
                            self.mails.lock().unwrap().push(mail);
                            "250 2.0.0 taken".to_owned()
                        }
                    }
                }
                ("QUIT", _) => "221 bye".to_owned(),
                _ => "250 2.1.0 ok".to_owned(),
            };
            stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

/// Reads up to the line with the one dot, and takes the doubled dots back.
async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// The unfolded and decoded value of a header.
pub fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let line = unfolded
        .lines()
        .find(|line| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)))?;
    Some(decoded(line.split_once(':').unwrap().1.trim()))
}

/// Encoded words of RFC 2047, of the kinds that occur here.
fn decoded(value: &str) -> String {
    let mut text = String::new();
    let mut after_encoded = false;
    for word in value.split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.split_once("?="));
        if !(text.is_empty() || after_encoded && encoded.is_some()) {
            text.push(' ');
        }
        after_encoded = encoded.is_some();
        match encoded {
            Some((base64, rest)) => {
                text.push_str(&String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap());
                text.push_str(rest);
            }
            None => text.push_str(word),
        }
    }
    text
}

/// The bodies of a multipart mail, with their content types, decoded from quoted-printable.
pub fn bodies(mail: &str) -> Vec<(String, String)> {
    let content_type = header(mail, "Content-Type").unwrap();
    assert!(content_type.starts_with("multipart/alternative"), "{content_type}");
    let boundary = content_type.split("boundary=\"").nth(1).unwrap().trim_end_matches('"');
    let delimiter = format!("--{boundary}");
    let parts = mail.split(delimiter.as_str()).skip(1).filter(|part| !part.starts_with("--"));
    parts
        .map(|part| {
            let part = part.trim_start_matches("\r\n");
            let body = part.split_once("\r\n\r\n").unwrap().1;
            (header(part, "Content-Type").unwrap(), quoted_printable(body))
        })
        .collect()
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
