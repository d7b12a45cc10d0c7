//! rustls: a server with a key from PEM. Started as `serve KIND PORT PROVIDER`, PROVIDER being ring or aws-lc.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use rustls::crypto::{aws_lc_rs, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let provider = match arguments[3].as_str() {
        "ring" => ring::default_provider(),
        _ => aws_lc_rs::default_provider(),
    };
    let certificate = CertificateDer::from_pem_file("cert.pem")?;
    let key = PrivateKeyDer::from_pem_file("key.pem")?;
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind(format!("127.0.0.1:{}", arguments[2]))?;
    for socket in listener.incoming() {
        let mut socket = socket?;
        let mut connection = ServerConnection::new(Arc::clone(&config))?;
        // The driver looks whether the port is open before it talks TLS.
        if let Err(error) = Stream::new(&mut connection, &mut socket).write_all(b".") {
            eprintln!("{error}");
        }
    }
    Ok(())
}
