//! A small HTTP client for the loopback: one request a connection.

use crate::Result;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Where a service listens.
#[derive(Clone, Debug)]
pub enum Place {
    /// A port of 127.0.0.1.
    Port(u16),
    /// A socket in the file system.
    Socket(PathBuf),
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Place {
    /// Sends one request and waits for the answer.
    ///
    /// # Errors
    /// When nobody listens there, or the answer is not HTTP, as from a service that crashes.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &str,
    ) -> Result<Answer> {
        match self {
            Self::Port(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                talk(stream, method, path, bearer, body)
            }
            Self::Socket(socket) => {
                let stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                talk(stream, method, path, bearer, body)
            }
        }
    }

    /// The body of the answer to a request that must succeed.
    ///
    /// # Errors
    /// As [`Place::ask`], and when the status is not 200.
    pub fn demand(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let answer = self.ask(method, path, None, body)?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("{method} {path}: status {status}, {}", answer.body).into()),
        }
    }
}

fn talk(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &str,
) -> Result<Answer> {
    let authorization = bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
    let authorization = authorization.unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{authorization}content-length: {length}\r\n\r\n{body}"
    )?;
    stream.flush()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the connection ended before an answer")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or("the answer has no status")?,
        body: body.to_owned(),
    })
}

/// A service that crashes keeps its connections until its dump is written.
const PATIENCE: Duration = Duration::from_secs(60);
